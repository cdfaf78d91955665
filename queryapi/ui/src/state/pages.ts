// A list that is read page by page, by the cursors of the API.

import { useEffect, useRef, useState } from "preact/hooks";
import type { Call } from "../api/call.ts";
import { asFailure, ask, type Failure } from "../api/client.ts";
import { type Answer, useAnswer } from "./answer.ts";

interface Page {
  next_cursor: string | null;
}

export interface Pages<P extends Page> {
  /** The answer with the first page. */
  answer: Answer<P>;
  pages: P[];
  /** Says that there is a page behind the last one. */
  hasMore: boolean;
  loading: boolean;
  failure: Failure | undefined;
  loadMore: () => void;
}

/** Asks a call, and the pages behind its answer when they are wanted, each of up to so many rows. */
export function usePages<P extends Page>(call: Call, pageSize: number): Pages<P> {
  const answer = useAnswer<P>(call);
  const first = answer.value;
  const newest = useRef(first);
  newest.current = first;
  const [later, setLater] = useState<{ first: P | undefined; pages: P[] }>({ first: undefined, pages: [] });
  const [loading, setLoading] = useState(false);
  const [failure, setFailure] = useState<Failure>();
  useEffect(() => {
    setLoading(false);
    setFailure(undefined);
  }, [first]);

  const pages = first ? [first, ...(later.first === first ? later.pages : [])] : [];
  const cursor = pages.at(-1)?.next_cursor ?? null;
  const loadMore = (): void => {
    if (loading || cursor === null || answer.waiting !== "no") return;
    setLoading(true);
    setFailure(undefined);
    const query = call.query.filter(([name]) => name !== "limit");
    ask<P>({ ...call, query: [...query, ["limit", String(pageSize)], ["cursor", cursor]] }).then(
      (page) => {
        if (newest.current !== first) return;
        setLater({ first, pages: [...pages.slice(1), page] });
        setLoading(false);
      },
      (e: unknown) => {
        if (newest.current !== first) return;
        setFailure(asFailure(e));
        setLoading(false);
      },
    );
  };
  return { answer, pages, hasMore: cursor !== null, loading, failure, loadMore };
}

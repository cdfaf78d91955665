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
  const [later, setLater] = useState<{ first: P | undefined; pages: P[] }>({ first: undefined, pages: [] });
  const [loading, setLoading] = useState(false);
  const [failure, setFailure] = useState<Failure>();
  useEffect(() => {
    setLoading(false);
    setFailure(undefined);
  }, [first]);

  const pages = first ? [first, ...(later.first === first ? later.pages : [])] : [];
  const cursor = pages.at(-1)?.next_cursor ?? null;
  // What is shown now: an observer may ask by a loadMore of an earlier rendering, and twice before the next one.
  const now = useRef({ call, first, pages, cursor, busy: false });
  now.current = { call, first, pages, cursor, busy: loading || answer.waiting !== "no" };
  const loadMore = (): void => {
    const { call, first, pages, cursor, busy } = now.current;
    if (busy || cursor === null) return;
    now.current.busy = true;
    setLoading(true);
    setFailure(undefined);
    const query = call.query.filter(([name]) => name !== "limit");
    ask<P>({ ...call, query: [...query, ["limit", String(pageSize)], ["cursor", cursor]] }).then(
      (page) => {
        if (now.current.first !== first) return;
        setLater({ first, pages: [...pages.slice(1), page] });
        setLoading(false);
      },
      (e: unknown) => {
        if (now.current.first !== first) return;
        setFailure(asFailure(e));
        setLoading(false);
      },
    );
  };
  return { answer, pages, hasMore: cursor !== null, loading, failure, loadMore };
}

// The fields and values that completion offers. They are asked for once a range, and only
// when a person types.

import { useEffect, useRef, useState } from "preact/hooks";
import { type Call, get } from "../api/call.ts";
import { scope } from "../api/question.ts";
import type { FieldList, Top } from "../api/types.ts";
import { ask } from "../api/client.ts";
import type { Address } from "./address.ts";

const answers = new Map<string, Promise<unknown>>();
const mostAnswers = 50;

/** Asks a call, or returns the answer to the same call before. */
function askOnce<T>(call: Call): Promise<T> {
  const key = JSON.stringify(call);
  let answer = answers.get(key);
  if (!answer) {
    if (answers.size >= mostAnswers) answers.clear();
    answer = ask<T>(call);
    answer.catch(() => answers.delete(key));
    answers.set(key, answer);
  }
  return answer as Promise<T>;
}

/** Returns the fields of the data within the range, without filters: [] until they are known. */
export function useFieldNames(a: Address, wanted: boolean): string[] {
  const call = get("/v1/fields", { ...scope({ ...a, filters: [] }), limit: 200 });
  const list = useCompletion<FieldList>(wanted ? call : undefined);
  return list?.fields.map((f) => f.path) ?? [];
}

/** Returns the most frequent values of a field that begin with a text. */
export function useTopValues(a: Address, field: string, prefix: string, limit = 10): Top | undefined {
  return useCompletion<Top>(field ? get("/v1/stats/top", { ...scope({ ...a, filters: [] }), field, prefix, limit }) : undefined, 120);
}

/** Asks a call for completion, at once and then after each pause in typing; failures offer nothing. */
function useCompletion<T>(call: Call | undefined, pause = 0): T | undefined {
  const [known, setKnown] = useState<{ key: string; answer: T }>();
  const asked = useRef(false);
  const key = call ? JSON.stringify(call) : "";
  useEffect(() => {
    if (!call) return undefined;
    let wanted = true;
    const timer = setTimeout(() => {
      askOnce<T>(call).then(
        (answer) => wanted && setKnown({ key, answer }),
        () => undefined,
      );
    }, asked.current ? pause : 0);
    asked.current = true;
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [key]);
  return call ? known?.answer : undefined;
}

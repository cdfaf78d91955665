// The fields and values that completion offers. They are asked for once a range, and only
// when a person types.

import { useRef } from "preact/hooks";
import { type Call, get } from "../api/call.ts";
import { scope } from "../api/question.ts";
import type { FieldList, Top } from "../api/types.ts";
import { ask } from "../api/client.ts";
import { pause } from "../api/pause.ts";
import type { Address } from "./address.ts";
import { useAnswer } from "./answer.ts";

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

/** Asks a call for completion, at once and then after each pause in typing; a failure offers nothing until it is asked again. */
function useCompletion<T>(call: Call | undefined, ms = 0): T | undefined {
  const typing = useRef(false);
  const answer = useAnswer<T>(call, 0, async (asked, signal) => {
    if (ms > 0 && typing.current) await pause(ms, signal);
    typing.current = true;
    signal.throwIfAborted();
    return askOnce<T>(asked);
  });
  return call && answer.value;
}

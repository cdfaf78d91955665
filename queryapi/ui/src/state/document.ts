// A declaration of the registry: its text as it was put, and the revision that it has.

import { type Call, get, pathTo, target } from "../api/call.ts";
import { send, whole } from "../api/client.ts";
import { type Answer, useAnswer } from "./answer.ts";

export interface Declaration {
  text: string;
  revision: number;
  /** What was asked for. */
  of: string;
}

export const schemaCall = (category: string, name: string, revision?: number): Call => get(pathTo("schemas", category, name), { revision });

export async function readDeclaration(call: Call, signal?: AbortSignal): Promise<Declaration> {
  const answer = await send(call, signal);
  const text = await whole(answer.text(), signal);
  return { text, revision: Number(answer.headers.get("ETag")?.replaceAll('"', "")) || 0, of: target(call) };
}

/** Reads a declaration; undefined reads nothing. Its value is never that of another call. */
export function useDeclaration(call: Call | undefined): Answer<Declaration> {
  const answer = useAnswer(call, 0, readDeclaration);
  return { ...answer, value: call && answer.value?.of === target(call) ? answer.value : undefined };
}

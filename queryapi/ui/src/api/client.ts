// Sends calls to the API with the token of the session.

import { signOut, token } from "../state/session.ts";
import type { Fault } from "./types.ts";
import { bodyOf, type Call, target } from "./call.ts";

/** A call that failed: a problem of RFC 9457, or a connection that was lost. */
export class Failure extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly members: Record<string, unknown> = {},
    /** After how many seconds the server wants to be asked again; 0 unless it says so. */
    readonly retryAfter = 0,
  ) {
    super(detail);
  }

  /** Says that the same call may succeed later, without a change by a person. */
  get transient(): boolean {
    return [0, 429, 502, 503].includes(this.status);
  }

  /** Says that the call is asked again without a person. */
  again = false;
}

/** The faults of a document that the server refuses, empty for any other failure. */
export const faultsOf = (failure: Failure | undefined): Fault[] => (failure?.status === 422 ? ((failure.members["faults"] ?? []) as Fault[]) : []);

export const connectionLost = "connection_lost";

/** Returns a failure as it is, and anything else that was thrown as one of the page. */
export const asFailure = (e: unknown): Failure => (e instanceof Failure ? e : new Failure(0, "internal", String(e)));

/** Sends a call and returns the answer; it fails with a Failure. */
export async function send(call: Call, signal?: AbortSignal, secret = token.value, more: Record<string, string> = {}): Promise<Response> {
  const headers: Record<string, string> = { ...more, Authorization: `Bearer ${secret}` };
  for (const [name, value] of Object.entries(call.headers ?? {})) headers[name] = asBytes(value);
  const body = bodyOf(call);
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer: Response;
  try {
    answer = await fetch(target(call), {
      method: call.method,
      headers,
      ...(body === undefined ? {} : { body }),
      ...(signal ? { signal } : {}),
    });
  } catch (e) {
    if (signal?.aborted) throw e;
    throw new Failure(0, connectionLost, "The server cannot be reached. It may be restarting.");
  }
  if (answer.ok) return answer;
  const failure = await failureOf(answer);
  if (answer.status === 401 && secret === token.value) signOut("The token is not valid any more. Sign in to go on where you were.");
  throw failure;
}

/** Writes a text for a header, which fetch takes byte by byte: in UTF-8, as the server reads it. */
function asBytes(text: string): string {
  return String.fromCharCode(...new TextEncoder().encode(text));
}

/** Sends a call and returns the JSON of its answer. */
export async function ask<T>(call: Call, signal?: AbortSignal, secret?: string): Promise<T> {
  const answer = await send(call, signal, secret);
  return whole(answer.json() as Promise<T>, signal);
}

/** Sends a call and returns the text of its answer, in which numbers are exact. */
export async function askText(call: Call, signal?: AbortSignal): Promise<string> {
  const answer = await send(call, signal);
  return whole(answer.text(), signal);
}

/** Reads the body of an answer; one that is cut is a lost connection. */
export async function whole<T>(body: Promise<T>, signal?: AbortSignal): Promise<T> {
  try {
    return await body;
  } catch (e) {
    if (signal?.aborted) throw e;
    throw new Failure(0, connectionLost, "The answer of the server ended before it was complete.");
  }
}

async function failureOf(answer: Response): Promise<Failure> {
  const retryAfter = Number(answer.headers.get("Retry-After")) || 0;
  const problem = (await answer.json().catch(() => undefined)) as Record<string, unknown> | null | undefined;
  return failureFrom(answer.status, problem ?? {}, retryAfter);
}

/** Returns the failure that a problem describes, such as one within a batch. */
export function failureFrom(status: number, problem: Record<string, unknown>, retryAfter = 0): Failure {
  const { code, detail, ...members } = problem;
  return new Failure(status, typeof code === "string" ? code : `http_${status}`, typeof detail === "string" ? detail : `The server answers ${status}.`, members, retryAfter);
}

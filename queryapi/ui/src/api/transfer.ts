// Reads a long answer, such as an export, with its progress. It stays in memory until it
// is saved, so it is bounded.

import type { Call } from "./call.ts";
import { connectionLost, Failure, send } from "./client.ts";

/** How much one transfer holds at most, in bytes. */
export const mostBytes = 512 << 20;

export interface Progress {
  bytes: number;
  /** Line breaks seen: the events of NDJSON, nearly those of CSV. */
  lines: number;
}

/** Returns the whole answer; one that was cut off is a failure, never a shorter file. */
export async function transfer(call: Call, signal: AbortSignal, onProgress: (p: Progress) => void): Promise<Blob> {
  const answer = await send(call, signal);
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  const progress: Progress = { bytes: 0, lines: 0 };
  const reader = (answer.body as ReadableStream<Uint8Array<ArrayBuffer>>).getReader();
  for (;;) {
    let part: ReadableStreamReadResult<Uint8Array<ArrayBuffer>>;
    try {
      part = await reader.read();
    } catch (e) {
      if (signal.aborted) throw e;
      throw new Failure(0, connectionLost, "The answer of the server ended before it was complete. Nothing was saved.");
    }
    if (part.done) break;
    chunks.push(part.value);
    progress.bytes += part.value.length;
    progress.lines += countLines(part.value);
    if (progress.bytes > mostBytes) {
      await reader.cancel();
      throw new Failure(0, "too_large", `The browser holds at most ${mostBytes >> 20} MiB. Narrow the range, or use the command, which writes as it reads.`);
    }
    onProgress({ ...progress });
  }
  const blob = new Blob(chunks, { type: answer.headers.get("Content-Type") ?? "" });
  await checkEnd(call, blob);
  return blob;
}

function countLines(bytes: Uint8Array): number {
  let n = 0;
  for (let i = bytes.indexOf(10); i >= 0; i = bytes.indexOf(10, i + 1)) n++;
  return n;
}

/** NDJSON says by its last line that it is whole. */
async function checkEnd(call: Call, blob: Blob): Promise<void> {
  if (!call.query.some(([name, value]) => name === "format" && value === "ndjson")) return;
  const tail = await blob.slice(Math.max(0, blob.size - 500)).text();
  const last = tail.trimEnd().split("\n").at(-1) ?? "";
  if (!last.includes('"_end":true')) throw new Failure(0, connectionLost, "The server ended the export before it was complete. Nothing was saved.");
}

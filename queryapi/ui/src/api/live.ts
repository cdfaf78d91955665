// The live stream of outcomes. An EventSource cannot send a Bearer token, so the stream
// is read by fetch; it is opened again where it ends, and misses nothing that the server
// still has.

import type { Call } from "./call.ts";
import { Failure, send } from "./client.ts";
import { pause } from "./pause.ts";
import { type ServerEvent, splitEvents } from "./sse.ts";
import type { EyeEvent } from "./types.ts";

export interface LiveHandlers {
  onEvent: (event: EyeEvent) => void;
  /** Outcomes are missing: so many messages of the stream, 0 where that is unknown. */
  onGap: (missed: number) => void;
  onState: (state: "connecting" | "open" | "waiting", failure?: Failure) => void;
}

/** Follows a live stream until the returned function is called. */
export function follow(call: Call, handlers: LiveHandlers): () => void {
  const controller = new AbortController();
  void run(call, handlers, controller.signal);
  return () => controller.abort();
}

async function run(call: Call, h: LiveHandlers, signal: AbortSignal): Promise<void> {
  let lastId = "";
  for (let failures = 0; !signal.aborted; ) {
    h.onState("connecting");
    try {
      const answer = await send(call, signal, undefined, lastId ? { "Last-Event-ID": lastId } : {});
      h.onState("open");
      failures = 0;
      for await (const event of splitEvents(answer.body!)) {
        lastId = receive(event, h) ?? lastId;
      }
      h.onState("waiting");
    } catch (e) {
      if (signal.aborted) return;
      const failure = e instanceof Failure ? e : undefined;
      h.onState("waiting", failure);
      if (failure?.status === 400 && lastId) lastId = ""; // of another stream, such as one before a restore
      else if (failure && !failure.transient) return;
      failures++;
    }
    await pause(Math.min(10_000, 500 * 2 ** failures), signal);
  }
}

/** Takes an event of the stream, and returns the id after which the stream goes on. */
function receive(event: ServerEvent, h: LiveHandlers): string | undefined {
  const data = JSON.parse(event.data) as EyeEvent & { missed?: number; resume?: string };
  switch (event.name) {
    case "":
      h.onEvent(data);
      return event.id;
    case "gap":
      h.onGap(data.missed ?? 0);
      return data.resume;
    case "dropped":
      return data.resume;
    default:
      return undefined;
  }
}

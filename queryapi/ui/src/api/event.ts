// One event with its outcome.

import { findPlaces } from "../json/places.ts";
import { type Call, get, hasDots, pathTo } from "./call.ts";
import { askText, Failure } from "./client.ts";

/** The call that answers an event. One whose id is "." or ".." is found by a list. */
export function eventCall(id: string, application?: string): Call {
  const path = pathTo("events", id);
  return hasDots(path) ? get("/v1/events", { event_id: id, application, limit: 1 }) : get(path, { application });
}

/** Returns an event as the text of the answer. */
export async function askEvent(call: Call, signal: AbortSignal): Promise<string> {
  if (call.path !== "/v1/events") return askText(call, signal);
  for (const path of ["/v1/events", "/v1/rejected"]) {
    const text = await askText({ ...call, path }, signal);
    const found = findPlaces(text).byPointer.get("/events/0");
    if (found) return text.slice(found.valueFrom, found.to);
  }
  throw new Failure(404, "not_found", "No event with an outcome has this id.");
}

// What the codes of rejections mean, and what mends them.

import { known } from "../format/known.ts";

export interface Reason {
  what: string;
  cure: string;
}

const reasons: Record<string, Reason> = {
  schema_violation: { what: "The data does not match the schema of its type.", cure: "Mend the site, or the schema if it is too strict, and replay." },
  unknown_type: { what: "No schema is registered for this category and name.", cure: "Register the type if it is meant, or have the site use the right name; then replay." },
  unknown_member: { what: "The event has a member beside those that events have.", cure: "Have the site put it into data, or let the policy drop unknown members; then replay." },
  unknown_schema_version: { what: "The event names a version of the schema that its type never had.", cure: "Have the site name a version that exists, or none." },
  invalid_timestamp: { what: "The timestamp is no time.", cure: "Have the site send RFC 3339, such as 2026-01-31T09:15:27.243Z." },
  timestamp_in_future: { what: "The timestamp lies further in the future than the policy allows.", cure: "Look at the clock of the sender, or raise future_skew in the policy and replay." },
  timestamp_too_old: { what: "The timestamp lies further back than the policy allows.", cure: "Raise oldest_age in the policy and replay, if such events are wanted." },
  invalid_session_id: { what: "The session id is missing or no UUID.", cure: "Have the site make a UUID for each session." },
  invalid_category: { what: "The category is missing or no text of 1 to 200 characters.", cure: "Mend the site." },
  invalid_name: { what: "The name is missing or no text of 1 to 200 characters.", cure: "Mend the site." },
  invalid_data: { what: "The member data is missing or no object.", cure: "Have the site send an object, {} if there is nothing to say." },
  invalid_event_id: { what: "The event id is no text of 1 to 200 characters.", cure: "Have the site send a UUID, or none: one is derived." },
  id_conflict: { what: "Another event with different content was sent under this id first.", cure: "Have the site make a new id for every event. No replay changes this." },
  too_costly: { what: "Validating this much data by the schema would take too long.", cure: "Send it in several events, or simplify the schema, and replay." },
  unstorable: { what: "The store does not take this event.", cure: "The message says why; a replay tries again." },
  validator_failed: { what: "The validator failed on this event.", cure: "Replay after an upgrade." },
  invalid_message: { what: "The message in the stream is not one that a collector writes.", cure: "Look for another program that publishes to the stream." },
};

export function reasonOf(code: string): Reason {
  return known(reasons, code) ?? { what: "The event cannot be read.", cure: "The message says where; mend the site." };
}

/** Reports whether a schema decides about a code, so that a change of one may mend it. */
export const isAboutSchema = (code: string): boolean => code === "schema_violation" || code === "unknown_type" || code === "too_costly";

// Ranges of received time. The calls that have them take no time zone, so times that depend
// on one are written as instants.

import type { Address } from "../state/address.ts";
import { instantText, pinRange } from "./range.ts";
import { parseTime, presentTime } from "./grammar.ts";

/** The range of the address for a call without a time zone. */
export function receivedRange(a: Address): { from: string; to: string } {
  const written = (text: string): string => {
    if (!/^\d{4}-\d\d-\d\d|^today$|^yesterday$/i.test(text.trim())) return text;
    const at = parseTime(text, { now: presentTime(), zone: a.tz });
    return at === undefined ? text : instantText(Number(at) / 1000);
  };
  return { from: written(a.from), to: written(a.to) };
}

/** The range of the address as two instants: what was looked at stays what is meant. */
export function pinned(a: Address): { from: string; to: string } {
  return pinRange({ from: a.from, to: a.to }, a.tz);
}

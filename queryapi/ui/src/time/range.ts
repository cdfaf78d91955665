// Ranges of time as the address holds them: `7d` to `now`, or two instants.

import type { Interval } from "../api/types.ts";
import { formatInstant, isRelative, parseTime, presentTime } from "./grammar.ts";

export interface Range {
  from: string;
  to: string;
}

/** The ends of a range in milliseconds; undefined if one of them is no time. */
export function resolveRange(range: Range, zone: string, now = presentTime()): { from: number; to: number } | undefined {
  const from = parseTime(range.from, { now, zone });
  const to = parseTime(range.to, { now, zone });
  if (from === undefined || to === undefined || from > to) return undefined;
  return { from: Number(from) / 1000, to: Number(to) / 1000 };
}

/** Reports whether a range moves on with the time. */
export const isMoving = (range: Range): boolean => isRelative(range.from) || isRelative(range.to);

/** Writes an instant in milliseconds, without digits that say nothing. */
export function instantText(millis: number): string {
  return formatInstant(BigInt(Math.round(millis)) * 1000n).replace(/\.?0+Z$/, "Z");
}

/** Returns the range with instants in the place of times that move on. */
export function pinRange(range: Range, zone: string, now = presentTime()): Range {
  const ends = resolveRange(range, zone, now);
  return ends ? { from: instantText(ends.from), to: instantText(ends.to) } : range;
}

/** Returns the range of the same length that ends where this one starts, or the one behind it. */
export function shiftRange(range: Range, direction: -1 | 1, zone: string, now = presentTime()): Range {
  const ends = resolveRange(range, zone, now);
  if (!ends) return range;
  const length = (ends.to - ends.from) * direction;
  return { from: instantText(ends.from + length), to: instantText(ends.to + length) };
}

const hour = 3_600_000;
const day = 24 * hour;

/** Returns the interval that shows a range in some 20 to 120 steps. */
export function intervalFor(range: Range, zone: string, now = presentTime()): Interval {
  const ends = resolveRange(range, zone, now);
  const length = ends ? ends.to - ends.from : 7 * day;
  if (length <= 2 * hour) return "minute";
  if (length <= 4 * day) return "hour";
  if (length <= 120 * day) return "day";
  if (length <= 730 * day) return "week";
  return "month";
}

/** The ranges that the picker offers. */
export const presets: { label: string; range: Range }[] = [
  { label: "Last hour", range: { from: "1h", to: "now" } },
  { label: "Last 24 hours", range: { from: "24h", to: "now" } },
  { label: "Today", range: { from: "today", to: "now" } },
  { label: "Yesterday", range: { from: "yesterday", to: "today" } },
  { label: "Last 7 days", range: { from: "7d", to: "now" } },
  { label: "Last 30 days", range: { from: "30d", to: "now" } },
  { label: "Last 90 days", range: { from: "90d", to: "now" } },
];

/** Names a range for people. */
export function rangeLabel(range: Range, formatEnd: (millis: number) => string, zone: string): string {
  const preset = presets.find(({ range: r }) => r.from === range.from && r.to === range.to);
  if (preset) return preset.label;
  const ago = /^(\d+)(m|h|d|w)$/.exec(range.from);
  if (ago && range.to === "now") {
    const unit = { m: "minute", h: "hour", d: "day", w: "week" }[ago[2] as "m" | "h" | "d" | "w"];
    return `Last ${ago[1]} ${unit}${ago[1] === "1" ? "" : "s"}`;
  }
  const ends = resolveRange(range, zone);
  if (!ends) return `${range.from} – ${range.to}`;
  const to = range.to === "now" ? "now" : formatEnd(ends.to);
  return `${formatEnd(ends.from)} – ${to}`;
}

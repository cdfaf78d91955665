// Times as people read them, in the zone that the header shows.

import type { Interval } from "../api/types.ts";

const formats = new Map<string, Intl.DateTimeFormat>();

function format(zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = zone + JSON.stringify(options);
  let f = formats.get(key);
  if (!f) {
    f = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hourCycle: "h23", ...options });
    formats.set(key, f);
  }
  return f;
}

const dateParts = { day: "numeric", month: "short", year: "numeric" } as const;
const clockParts = { hour: "2-digit", minute: "2-digit" } as const;

export const shortDate = (at: number, zone: string): string => format(zone, { day: "numeric", month: "short" }).format(at);
export const dateOf = (at: number, zone: string): string => format(zone, dateParts).format(at);
export const clockOf = (at: number, zone: string): string => format(zone, clockParts).format(at);
export const minuteOf = (at: number, zone: string): string => `${shortDate(at, zone)}, ${clockOf(at, zone)}`;
export const secondOf = (at: number, zone: string): string => format(zone, { ...clockParts, second: "2-digit" }).format(at);
export const momentOf = (at: number, zone: string): string =>
  `${dateOf(at, zone)}, ${format(zone, { ...clockParts, second: "2-digit" }).format(at)}`;

/** An event's time in a list: to the millisecond, without the year. */
export const stampOf = (at: number, zone: string): string =>
  `${shortDate(at, zone)}, ${secondOf(at, zone)}.${String(((at % 1000) + 1000) % 1000).padStart(3, "0")}`;

/** Names the end of a range: without the time of day at midnight. */
export function endOf(at: number, zone: string): string {
  return clockOf(at, zone) === "00:00" ? dateOf(at, zone) : `${dateOf(at, zone)}, ${clockOf(at, zone)}`;
}

/** Names an interval by its start. */
export function intervalLabel(at: number, interval: Interval, zone: string): string {
  switch (interval) {
    case "minute":
    case "hour":
      return `${format(zone, { weekday: "short", day: "numeric", month: "short" }).format(at)}, ${clockOf(at, zone)}`;
    case "day":
      return format(zone, { weekday: "short", ...dateParts }).format(at);
    case "week":
      return `Week of ${dateOf(at, zone)}`;
    case "month":
      return format(zone, { month: "long", year: "numeric" }).format(at);
  }
}

/** Names an interval on an axis, where space is short. */
export function tickLabel(at: number, interval: Interval, zone: string): string {
  switch (interval) {
    case "minute":
    case "hour": {
      const clock = clockOf(at, zone);
      return clock === "00:00" ? shortDate(at, zone) : clock;
    }
    case "day":
    case "week":
      return shortDate(at, zone);
    case "month":
      return format(zone, { month: "short", year: "numeric" }).format(at);
  }
}

/** An instant for a tooltip: in the zone, and in UTC. */
export function bothTimes(text: string, zone: string): string {
  const at = Date.parse(text);
  if (Number.isNaN(at)) return text;
  return zone === "UTC" ? text : `${momentOf(at, zone)} (${zone})\n${text}`;
}

/** A duration in two units: 3 h 12 min, 45 s, 120 ms. */
export function duration(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1).replace(/\.0$/, "") : Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (seconds < 3600 && minutes < 60) {
    const rest = Math.round(seconds % 60);
    return seconds < 600 && rest > 0 && rest < 60 ? `${Math.floor(seconds / 60)} min ${rest} s` : `${minutes} min`;
  }
  if (seconds < 86_400) return twoUnits(minutes, 60, "h", "min");
  return twoUnits(Math.round(seconds / 3600), 24, "d", "h");
}

function twoUnits(n: number, of: number, large: string, small: string): string {
  const rest = n % of;
  return rest ? `${Math.floor(n / of)} ${large} ${rest} ${small}` : `${n / of} ${large}`;
}

/** How long ago an instant lies. */
export function ago(at: number, now: number): string {
  const seconds = Math.max(0, (now - at) / 1000);
  return seconds < 2 ? "just now" : `${duration(seconds < 60 ? Math.round(seconds) : seconds)} ago`;
}

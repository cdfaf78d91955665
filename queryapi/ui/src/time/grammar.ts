// The grammar of times that the API reads: RFC 3339, dates, `7d`, `today`. Instants are
// microseconds since 1970, which exceed the exact range of a number.

import { startOfDay, wallToInstant } from "./zone.ts";

/** What a time is relative to. */
export interface Clock {
  /** The present time in microseconds. */
  now: bigint;
  /** The IANA zone of dates and of times without an offset. */
  zone: string;
}

const day = 86_400_000_000_000n;
const units: Record<string, bigint> = {
  w: 7n * day,
  d: day,
  h: 3_600_000_000_000n,
  m: 60_000_000_000n,
  s: 1_000_000_000n,
  ms: 1_000_000n,
  us: 1_000n,
  "µs": 1_000n,
  "μs": 1_000n,
  ns: 1n,
};
const longest = (1n << 63n) - 1n;
const dateText = /^\d{4}-\d\d-\d\d/;
const fullTime = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)?$/;

/** Returns the instant that a text names, undefined if it names none. */
export function parseTime(text: string, clock: Clock): bigint | undefined {
  const trimmed = text.trim();
  if (trimmed.length > 64) return undefined;
  if (dateText.test(trimmed)) return parseDate(trimmed, clock.zone);
  switch (trimmed.toLowerCase()) {
    case "now":
      return clock.now;
    case "today":
      return startOfDay(clock.now, 0, clock.zone);
    case "yesterday":
      return startOfDay(clock.now, 1, clock.zone);
  }
  const ago = parseDuration(trimmed);
  if (ago === undefined) return undefined;
  // Truncated as the API does: the sum may have nanoseconds.
  const nanos = clock.now * 1000n - ago;
  return inYears((nanos - (((nanos % 1000n) + 1000n) % 1000n)) / 1000n);
}

/** Reports whether the time that a text names depends on the present time. */
export function isRelative(text: string): boolean {
  return !dateText.test(text.trim());
}

/** Returns a duration such as 1h30m in nanoseconds, undefined for any other text. */
export function parseDuration(text: string): bigint | undefined {
  if (text === "0") return 0n;
  let sum = 0n;
  let rest = text;
  while (rest !== "") {
    const part = /^(\d*)(?:\.(\d*))?([^\d.]+)/.exec(rest);
    const unit = part && Object.hasOwn(units, part[3]!) ? units[part[3]!] : undefined;
    if (!part || unit === undefined || (!part[1] && !part[2])) return undefined;
    sum += BigInt(part[1] || "0") * unit;
    const fraction = (part[2] ?? "").slice(0, 15);
    if (fraction) sum += (BigInt(fraction) * unit) / 10n ** BigInt(fraction.length);
    if (sum > longest) return undefined;
    rest = rest.slice(part[0].length);
  }
  return text === "" ? undefined : sum;
}

function parseDate(text: string, zone: string): bigint | undefined {
  let full = text;
  if (/^\d{4}-\d\d-\d\d$/.test(text)) full += "T00:00:00";
  else if (/^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d($|[^:\d])/.test(text)) full = text.slice(0, 16) + ":00" + text.slice(16);
  const parts = fullTime.exec(full);
  if (!parts) return undefined;
  const [year, month, date, hour, minute, second] = parts.slice(1, 7).map(Number) as [number, number, number, number, number, number];
  if (month < 1 || month > 12 || date < 1 || date > daysIn(year, month) || hour > 23 || minute > 59 || second > 59) return undefined;
  const wall = utcMillis(year, month, date, hour, minute, second);
  const micros = BigInt((parts[7] ?? "").padEnd(6, "0").slice(0, 6));
  const offset = parts[8];
  if (offset === undefined) return inYears(wallToInstant(wall, zone) * 1000n + micros);
  return inYears(BigInt(wall - offsetMillis(offset)) * 1000n + micros);
}

function offsetMillis(text: string): number {
  if (/^z$/i.test(text)) return 0;
  const minutes = Number(text.slice(1, 3)) * 60 + Number(text.slice(4, 6));
  return (text[0] === "-" ? -minutes : minutes) * 60_000;
}

function utcMillis(year: number, month: number, date: number, hour: number, minute: number, second: number): number {
  const at = new Date(0);
  at.setUTCFullYear(year, month - 1, date);
  at.setUTCHours(hour, minute, second);
  return at.getTime();
}

function daysIn(year: number, month: number): number {
  const at = new Date(0);
  at.setUTCFullYear(year, month, 0);
  return at.getUTCDate();
}

/** Refuses instants outside of the years 1 to 9999, which the API refuses as well. */
function inYears(micros: bigint): bigint | undefined {
  const text = formatInstant(micros);
  return /^\d{4}-/.test(text) && !text.startsWith("0000") ? micros : undefined;
}

/** Writes an instant as the API does: 2026-11-27T09:00:00.123456Z. */
export function formatInstant(micros: bigint): string {
  const millis = micros / 1000n - (micros % 1000n < 0n ? 1n : 0n);
  const rest = micros - millis * 1000n;
  return new Date(Number(millis)).toISOString().replace("Z", String(rest).padStart(3, "0") + "Z");
}

/** The present time in microseconds. */
export function presentTime(): bigint {
  return BigInt(Date.now()) * 1000n;
}

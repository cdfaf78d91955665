// What the browser script (collector/tracker) and the client of this package have in common:
// ids, what can be sent, what an answer means, and how long to wait. Nothing here touches the
// network, a clock or a timer. clients/testdata/vectors/README.md is the specification.

/** An event as it is sent. */
export interface SentEvent {
  event_id: string;
  session_id: string;
  category: string;
  name: string;
  data: unknown;
  timestamp: string;
}

/** The most bytes of an event, which the collector takes. */
export const maxEventBytes = 1048576;

/** The most levels of data. */
const maxLevels = 32;

let lastTime = 0;
let counter = 0;

const hex = (n: number, digits: number): string => n.toString(16).padStart(digits, "0");

/**
 * Returns a UUID of version 7: the milliseconds of now, a counter within the millisecond, so
 * that ids have the order of the calls, and 62 random bits.
 */
export function uuid7(now: number): string {
  counter = now == lastTime ? counter + 1 : 0;
  lastTime = now;
  const random = crypto.getRandomValues(new Uint32Array(2));
  return (hex(now, 12) + hex(0x7000 + counter % 4096, 4) + hex(0x80000000 + (random[0] >>> 2), 8) + hex(random[1], 8))
    .replace(/(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/**
 * Throws unless a value is written as JSON as it is: JSON.stringify replaces NaN and functions
 * in silence. A cycle has more levels than are allowed.
 */
function check(value: any, level: number): void {
  if (value && typeof value == "object") {
    if (level > maxLevels) throw Error("too deep");
    if (!value.toJSON) for (const child of Object.values(value)) check(child, level + 1);
  } else if (typeof value == "number" ? !isFinite(value) : /^(fun|sym|big)/.test(typeof value)) {
    throw Error(value);
  }
}

/** Returns an event as JSON. It throws if that is not possible. */
export function encode(event: SentEvent): string {
  check(event.data, 1);
  return JSON.stringify(event);
}

/** Returns the number of bytes of a text in UTF-8. */
export const byteLength = (text: string): number => new TextEncoder().encode(text).length;

/** Returns the body of a request with encoded events. */
export const bodyOf = (now: number, events: string[]): string =>
  `{"sent_at":"${new Date(now).toISOString()}","events":[${events}]}`;

/** What the collector says of one event. An answer may have anything in the place of the texts. */
export interface Result {
  index: number;
  status: string;
  code?: unknown;
  message?: unknown;
}

/** What an answer means for the events of its request. */
export interface Verdict {
  /** One for each event, in the order of the events, where the answer settles them. */
  results?: Result[];
  /** What else it says: `unreadable` that the same body fails again, "" that nothing is taken now. */
  kind?: "" | "unauthorized" | "unreadable" | "not_the_eye";
  /** Texts, of a problem; an answer may have anything there. */
  code?: unknown;
  message?: unknown;
}

/**
 * Reads the answer to a request of so many events. A status of 0 stands for no answer. A body
 * that cannot be read is the fault of its event, where it has one alone.
 */
export function judge(status: number, text: string, events: number): Verdict {
  let body: any;
  const results: Result[] = [];
  try {
    body = JSON.parse(text);
    for (const r of body.results) if (/^(accepted|refused)$/.test(r.status)) results[r.index] = r;
  } catch {
    // Not from the collector, cut, or a problem.
  }
  // Each index from 0 once: no hole, and nothing beyond the events.
  if (/^(200|202|422)$/.test(status as any) &&
    results.length == events && results.flat().length == events && body.results.length == events) {
    return { results };
  }
  const verdict: any = {
    kind: /^4(00|13|15|22)$/.test(status as any) ? "unreadable"
      : /^40[13]$/.test(status as any) ? "unauthorized"
      : /^(0|408|429|5..)$/.test(status as any) ? ""
      : "not_the_eye",
    code: body?.code || "status_" + status,
    message: body?.detail || "",
  };
  if (verdict.kind == "unreadable" && events < 2) verdict.results = [verdict];
  return verdict;
}

/**
 * Returns the milliseconds that the header Retry-After asks for: seconds, or a date, which counts
 * from the Date of the same answer, because the clock here may be wrong. It is 0 without one that
 * can be read, and most at most.
 */
export function retryAfter(header: any, date: string, now: number, most: number): number {
  const wait = /^\d+$/.test(header) ? header * 1000 : Date.parse(header) - (Date.parse(date) || now);
  return wait > 0 ? Math.min(wait, most) : 0;
}

/** Returns the milliseconds until the next attempt after so many failures in a row, from 1. */
export function backoff(failures: number, after: number, min: number, max: number, random: number): number {
  const half = Math.min(min * 2 ** failures, max * 2) / 4;
  return Math.max(after, half) + random * half;
}

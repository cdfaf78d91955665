// The settings of a client, with their defaults and bounds.
import { uuid7 } from "./core.js";
import type { Dropped, MessageCode, Refused } from "./reports.js";

/** The settings of a client; all but the key have defaults. Times are milliseconds. */
export interface Settings {
  /** The address of the collector, http://HOST:PORT or https://HOST, with a path at most. */
  url?: string;
  /** A write key of the application. */
  writeKey?: string;
  /** The session of events that have none of their own: a UUID; by default a new one. */
  sessionId?: string;
  /** The most events of a request: 500, at most 1,000. So many are sent at once. */
  batchEvents?: number;
  /** The most bytes of a request before compression: 1 MiB, at most 7 MiB. */
  batchBytes?: number;
  /** How long an event waits for others: 1,000. */
  maxWait?: number;
  /** Bytes from which a body is compressed: 1,024 in Node; 0, in pages the default, compresses none. */
  gzipFrom?: number;
  /** The most events, and bytes, that wait or are being sent: 100,000 and 64 MiB. The oldest make room. */
  queueEvents?: number;
  queueBytes?: number;
  /** A folder in which events survive the end of the process. In Node, one process at a time. */
  spool?: string;
  /** How long a request may take: 30,000. */
  requestTimeout?: number;
  /** The wait after a failed request, which doubles with each in a row: 1,000, at most 60,000. */
  backoffMin?: number;
  backoffMax?: number;
  /** The longest wait that an answer may ask for: 3,600,000. */
  retryAfterMax?: number;
  /** What became of which events. */
  onAccepted?: (eventIds: string[]) => unknown;
  onRefused?: (refused: Refused[]) => unknown;
  onDropped?: (dropped: Dropped) => unknown;
  /** Gets each kind of message once; by default console.warn. */
  log?: (message: string, code: MessageCode) => void;
}

/** Names every fault of the settings of a client. */
export class SettingsError extends Error {
  override name = "SettingsError";
}

const bounds: [name: keyof Settings, fallback: number, most: number, isWhole: boolean][] = [
  ["batchEvents", 500, 1000, true],
  ["batchBytes", 1 << 20, 7 << 20, true],
  ["maxWait", 1000, Infinity, false],
  ["queueEvents", 100_000, Infinity, true],
  ["queueBytes", 64 << 20, Infinity, true],
  ["requestTimeout", 30_000, Infinity, false],
  ["backoffMin", 1000, Infinity, false],
  ["backoffMax", 60_000, Infinity, false],
  ["retryAfterMax", 3_600_000, Infinity, false],
];

/** Returns settings with the defaults in the place of what is missing. */
export function checkSettings(given: Settings): Required<Settings> {
  const settings: any = { url: "http://127.0.0.1:8080", gzipFrom: 1024, log: (message: string) => console.warn(message) };
  for (const [name, value] of Object.entries(given ?? {})) if (value !== undefined) settings[name] = value;
  settings.sessionId ??= uuid7(Date.now());
  const faults: string[] = [];
  if (!settings.writeKey) faults.push("set writeKey to a write key of the application");
  else if (!/^[!-~]+$/.test(settings.writeKey)) faults.push("writeKey has characters that no key has");
  if (!isAddress(settings.url)) faults.push("url must be http://HOST:PORT or https://HOST, with a path at most");
  for (const [name, fallback, most, isWhole] of bounds) {
    const value = settings[name] ??= fallback;
    const isRight = typeof value == "number" && value > 0 && value <= most && (!isWhole || Number.isInteger(value));
    if (!isRight) faults.push(`${name} must be a ${isWhole ? "whole " : ""}number above 0${most < Infinity ? `, at most ${most}` : ""}`);
  }
  if (!Number.isInteger(settings.gzipFrom) || settings.gzipFrom < 0) faults.push("gzipFrom must be a whole number, 0 or more");
  for (const name of ["onAccepted", "onRefused", "onDropped", "log"]) {
    if (settings[name] !== undefined && typeof settings[name] != "function") faults.push(name + " must be a function");
  }
  if (settings.spool !== undefined && typeof settings.spool != "string") faults.push("spool must be the path of a folder");
  if (faults[0]) throw new SettingsError("theeye: " + faults.join("; "));
  return settings;
}

// The message of a fault holds no part of the address, which may hold secrets.
function isAddress(text: unknown): boolean {
  try {
    const url = new URL(text as string);
    return /^https?:$/.test(url.protocol) && !url.username && !url.password && !url.search && !url.hash;
  } catch {
    return false;
  }
}

/** Returns the address of a route of the collector. */
export const routeOf = (url: string, route: string): string => url.replace(/\/+$/, "") + "/v1/" + route;

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
export declare class SettingsError extends Error {
    name: string;
}
/** Returns settings with the defaults in the place of what is missing. */
export declare function checkSettings(given: Settings): Required<Settings>;
/** Returns the address of a route of the collector. */
export declare const routeOf: (url: string, route: string) => string;

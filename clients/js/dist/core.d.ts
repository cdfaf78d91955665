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
export declare const maxEventBytes = 1048576;
/**
 * Returns a UUID of version 7: the milliseconds of now, a counter within the millisecond, so
 * that ids have the order of the calls, and 62 random bits.
 */
export declare function uuid7(now: number): string;
/** Returns an event as JSON. It throws if that is not possible. */
export declare function encode(event: SentEvent): string;
/** Returns the number of bytes of a text in UTF-8. */
export declare const byteLength: (text: string) => number;
/** Returns the body of a request with encoded events. */
export declare const bodyOf: (now: number, events: string[]) => string;
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
export declare function judge(status: number, text: string, events: number): Verdict;
/**
 * Returns the milliseconds that the header Retry-After asks for: seconds, or a date, which counts
 * from the Date of the same answer, because the clock here may be wrong. It is 0 without one that
 * can be read, and most at most.
 */
export declare function retryAfter(header: any, date: string, now: number, most: number): number;
/** Returns the milliseconds until the next attempt after so many failures in a row, from 1. */
export declare function backoff(failures: number, after: number, min: number, max: number, random: number): number;

import { type Dropped, type DropReason } from "./reports.js";
import { type Settings } from "./settings.js";
/** An event, as docs/sending.md describes it. */
export interface Event {
    /** A UUID that a site makes for a visit; without it that of the settings. */
    session_id?: string;
    /** The type: category and name, 1 to 200 characters each. */
    category: string;
    name: string;
    /** An object that can be written as JSON; it is written before enqueue returns. */
    data?: object | null;
    /** When it happened, without it now. */
    timestamp?: string | Date;
    /** Identifies the event within the application; without it a new UUID of version 7. */
    event_id?: string;
    /** The revision of the schema that the event is written for. */
    schema_version?: number;
}
/** The counts of a client: enqueued + recovered is accepted + refused + dropped + queued. */
export interface Stats {
    enqueued: number;
    /** The events that the spool held at the start. */
    recovered: number;
    accepted: number;
    refused: number;
    dropped: number;
    droppedBy: Record<DropReason, number>;
    /** The events that wait or are being sent, and their bytes. */
    queued: number;
    queuedBytes: number;
    requests: number;
    /** The requests after which the same events were to be sent again. */
    failedRequests: number;
    /** Why the last request failed; "" after one that succeeded. */
    lastFailure: string;
}
/** An answer to a request. */
export interface Answer {
    status: number;
    text: string;
    header(name: string): string | null;
}
/** What a spool has at its start. */
export interface Opened {
    /** It keeps no event where it is false. */
    isUsable: boolean;
    /** The events of earlier processes, the oldest first. */
    events: string[];
    /** Bytes that cannot be read. */
    damaged: number;
    /** What failed, "" if nothing did. */
    fault: string;
}
/** A queue that survives the end of the process: spool.ts. */
export interface Spool {
    /** Calls back once with what there is. */
    open(opened: (found: Opened) => void): void;
    /** Writes an event. It throws if it cannot; then it writes none for a while, and returns false. */
    append(seq: number, event: string): boolean;
    /** Ends such a while. */
    resume(): void;
    /** Records that every event below seq is settled. */
    settleBelow(seq: number): void;
    close(): void;
}
/** What a client runs on. */
export interface Platform {
    now(): number;
    /** Milliseconds of a clock that nobody sets. */
    monotonic(): number;
    random(): number;
    setTimer(f: () => void, ms: number): unknown;
    clearTimer(timer: any): void;
    /** Sends a body; it rejects if there is no answer, or when signal aborts. */
    send(body: string | Uint8Array, isCompressed: boolean, signal: AbortSignal): Promise<Answer>;
    /** Absent where nothing compresses. */
    gzip?(body: string): Promise<Uint8Array>;
    spool?: Spool;
}
/** The clocks and timers that all platforms have. */
export declare const timing: Pick<Platform, "now" | "monotonic" | "random" | "setTimer" | "clearTimer">;
/**
 * A client of The Eye: it takes events, and sends them in batches, one request at a time, until
 * each is accepted or refused. No method throws or waits for the network.
 */
export declare class BaseClient {
    #private;
    /** It throws SettingsError, which names every fault of the settings. */
    constructor(settings: Settings, platform: Platform);
    /**
     * Takes an event to be sent, and returns at once; false says that it is dropped. What the
     * collector will reject is sent, so that it can be found there, and reported once.
     */
    enqueue(event: Event): boolean;
    /** Takes an event of the session of the settings that happens now. */
    track(category: string, name: string, data?: object | null): boolean;
    /**
     * Sends what waits. It is fulfilled with true when every event that was enqueued before is
     * accepted, refused or dropped, or with false after so many milliseconds; the events stay in
     * the queue then. A wait after a failed request is not shortened.
     */
    flush(timeout?: number): Promise<boolean>;
    /**
     * Sends what waits, and ends the client. It is fulfilled with true when every event is accepted,
     * refused or dropped for want of room; or with false after so many milliseconds, or as soon as
     * the next attempt would come later. Events that are left stay in the spool; without one they
     * are dropped. Of several calls, the earliest deadline counts.
     */
    close(timeout?: number): Promise<boolean>;
    /** Returns the counts. */
    stats(): Stats;
}
export type { Dropped, DropReason };

import type { Settings } from "./settings.js";
/** Why events were dropped. */
export type DropReason = "queue_full" | "too_large" | "unserialisable" | "closed";
/** Events that the client gave up. */
export interface Dropped {
    reason: DropReason;
    count: number;
    /** Those of them that were encoded, as JSON: at most 1,000, the oldest first. */
    events: string[];
}
/** An event that the collector refused: it cannot be carried, and is not sent again. */
export interface Refused {
    eventId: string;
    /** It is stable, such as "too_deep". */
    code: string;
    /** One sentence for people. */
    message: string;
    /** The event as it was sent. */
    event: string;
}
declare const sentences: {
    callback_failed: string;
    closed: string;
    invalid_event: string;
    left_behind: string;
    not_the_eye: string;
    queue_full: string;
    refused: string;
    spool_damaged: string;
    spool_failed: string;
    too_large: string;
    unauthorized: string;
    unserialisable: string;
};
export type MessageCode = keyof typeof sentences;
/** Reports are delivered from a timer, never in a call of the site. */
export declare class Reports {
    #private;
    constructor(settings: Required<Settings>, later: (f: () => void) => void);
    /** Adds a message, each code once. */
    addMessage(code: MessageCode, detail?: unknown): void;
    /** Lets messages be reported again. */
    forgetMessages(...codes: MessageCode[]): void;
    /** Adds a dropped event; "" is one that was not encoded. */
    addDrop(reason: DropReason, event: string): void;
    /** Delivers what waits. */
    deliver(): void;
    /** Calls a function of the site. Its exception is a message, also one that comes later. */
    callBack<T>(f: ((value: T) => unknown) | undefined, value: T): void;
}
export {};

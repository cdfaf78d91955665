import type { Opened, Spool } from "./client.js";
/** A spool in a folder. */
export declare class FolderSpool implements Spool {
    #private;
    constructor(folder: string);
    open(opened: (found: Opened) => void): void;
    append(seq: number, event: string): boolean;
    resume(): void;
    /**
     * Removes the segments that hold no event from seq on. A record that cannot be written costs a
     * repetition: the events are sent again after a start, under their ids.
     */
    settleBelow(seq: number): void;
    /** Frees the lock. Events that are not settled stay. */
    close(): void;
}

/** An event in the queue. */
export interface Item {
    /** Numbers the events, those of a spool before the others. */
    seq: number;
    /** When it was enqueued, by the monotonic clock. */
    at: number;
    text: string;
    bytes: number;
    id: string;
    /** It is in the spool. */
    isKept: boolean;
}
/** A ring of events, the oldest first: to take from the head of an array would move all others. */
export declare class Queue {
    #private;
    get length(): number;
    /** The bytes of all events. */
    get bytes(): number;
    /** Returns the event of a place, from 0; undefined behind the last one. */
    at(i: number): Item | undefined;
    push(item: Item): void;
    /** Puts events before all others. */
    putBack(items: Item[]): void;
    /** Takes so many events from the head. */
    take(n: number): Item[];
}

// The queue of a client: events leave it at its head, to which those that failed come back.

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

/** The length of a new ring. A larger one is given up when it is empty. */
const leastRing = 256;

/** A ring of events, the oldest first: to take from the head of an array would move all others. */
export class Queue {
  /** Its length is a power of two. */
  #ring: (Item | undefined)[] = new Array(leastRing);
  #head = 0;
  #length = 0;
  #bytes = 0;

  get length(): number {
    return this.#length;
  }

  /** The bytes of all events. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Returns the event of a place, from 0; undefined behind the last one. */
  at(i: number): Item | undefined {
    return i < this.#length ? this.#ring[this.#place(i)] : undefined;
  }

  push(item: Item): void {
    this.#growFor(1);
    this.#ring[this.#place(this.#length++)] = item;
    this.#bytes += item.bytes;
  }

  /** Puts events before all others. */
  putBack(items: Item[]): void {
    this.#growFor(items.length);
    this.#head = this.#place(-items.length);
    this.#length += items.length;
    items.forEach((item, i) => {
      this.#ring[this.#place(i)] = item;
      this.#bytes += item.bytes;
    });
  }

  /** Takes so many events from the head. */
  take(n: number): Item[] {
    const items: Item[] = [];
    for (let i = 0; i < n; i++) {
      const item = this.#ring[this.#head]!;
      this.#ring[this.#head] = undefined;
      this.#head = this.#place(1);
      this.#bytes -= item.bytes;
      items.push(item);
    }
    this.#length -= n;
    if (!this.#length && this.#ring.length > leastRing) {
      this.#ring = new Array(leastRing);
      this.#head = 0;
    }
    return items;
  }

  #place(i: number): number {
    return (this.#head + i) & (this.#ring.length - 1);
  }

  #growFor(n: number): void {
    let length = this.#ring.length;
    while (length < this.#length + n) length *= 2;
    if (length == this.#ring.length) return;
    const ring = new Array(length);
    for (let i = 0; i < this.#length; i++) ring[i] = this.#ring[this.#place(i)];
    this.#ring = ring;
    this.#head = 0;
  }
}

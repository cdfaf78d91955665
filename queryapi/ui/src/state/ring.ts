// The newest of a stream of values, so many and no more.

export class Ring<T> {
  private values: T[] = [];
  /** How many values came in all. */
  seen = 0;

  constructor(private readonly most: number) {}

  add(value: T): void {
    this.seen++;
    this.values.push(value);
    // Cut now and then: once a value would move all of them.
    if (this.values.length > 2 * this.most) this.values = this.values.slice(-this.most);
  }

  /** The values that are kept, the newest first. */
  newest(): T[] {
    return this.values.slice(-this.most).reverse();
  }
}

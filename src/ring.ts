/**
 * A queue of bounded length that takes the same time however long it is.
 * @internal
 */
export class Ring<T> {
  readonly #capacity: number;
  readonly #items: (T | undefined)[] = [];
  #head = 0;
  #length = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get length(): number {
    return this.#length;
  }

  get isFull(): boolean {
    return this.#length === this.#capacity;
  }

  /** Adds at the end. Not while the ring is full. */
  push(item: T): void {
    this.#items[(this.#head + this.#length) % this.#capacity] = item;
    this.#length++;
  }

  /** Takes the oldest. */
  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head] = undefined;
    this.#head = (this.#head + 1) % this.#capacity;
    this.#length--;
    return item;
  }
}

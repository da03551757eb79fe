/** The last bytes that came in, in bounded memory. */
export class SampleRecord {
  readonly #capacity: number;
  #bytes = new Uint8Array(0);
  #end = 0;
  #length = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  clear(): void {
    this.#end = this.#length = 0;
  }

  push(bytes: Uint8Array): void {
    // Made when first used.
    if (this.#bytes.length === 0) this.#bytes = new Uint8Array(this.#capacity);
    const kept = bytes.subarray(Math.max(0, bytes.length - this.#capacity));
    const first = kept.subarray(0, this.#capacity - this.#end);
    this.#bytes.set(first, this.#end);
    this.#bytes.set(kept.subarray(first.length), 0);
    this.#end = (this.#end + kept.length) % this.#capacity;
    this.#length = Math.min(this.#capacity, this.#length + kept.length);
  }

  /** A copy, the oldest first. */
  read(): Uint8Array {
    const start = this.#end - this.#length;
    const copy = new Uint8Array(this.#length);
    if (start >= 0) {
      copy.set(this.#bytes.subarray(start, this.#end));
    } else {
      copy.set(this.#bytes.subarray(this.#capacity + start));
      copy.set(this.#bytes.subarray(0, this.#end), -start);
    }
    return copy;
  }
}

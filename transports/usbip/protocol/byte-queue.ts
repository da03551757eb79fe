const smallest = 4096;
/** What an empty queue keeps for the next message. */
const kept = 1 << 20;

/** Bytes that arrived and were not taken. Its memory follows what arrived, not what was announced. */
export class ByteQueue {
  #bytes = new Uint8Array(smallest);
  #start = 0;
  #end = 0;

  /** Bytes that wait. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** Bytes of memory in use for them. */
  get capacity(): number {
    return this.#bytes.length;
  }

  /** Copies a chunk in. */
  push(chunk: Uint8Array): void {
    if (this.#end + chunk.length > this.#bytes.length) this.#makeRoom(chunk.length);
    this.#bytes.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** Takes out the next `count` bytes, which are the caller's; `undefined` until that many are there. */
  take(count: number): Uint8Array | undefined {
    if (count > this.length) return undefined;
    const taken = this.#bytes.slice(this.#start, this.#start + count);
    this.#start += count;
    if (this.#start === this.#end) {
      this.#start = this.#end = 0;
      if (this.#bytes.length > kept) this.#bytes = new Uint8Array(smallest);
    }
    return taken;
  }

  #makeRoom(count: number): void {
    const needed = this.length + count;
    let { length } = this.#bytes;
    while (length < needed) length *= 2;
    const bytes = length > this.#bytes.length ? new Uint8Array(length) : this.#bytes;
    // Within one array, too, set copies as if through a copy.
    bytes.set(this.#bytes.subarray(this.#start, this.#end));
    this.#bytes = bytes;
    this.#end -= this.#start;
    this.#start = 0;
  }
}

/** Bytes that wait to be read, contiguous. What was read is given up when more comes. */
export class ByteBuffer {
  #bytes = new Uint8Array(0);
  #view = new DataView(this.#bytes.buffer);
  #start = 0;
  #end = 0;
  /** Bytes from the beginning of all that came to the first that waits. */
  offset = 0;

  get length(): number {
    return this.#end - this.#start;
  }

  push(chunk: Uint8Array): void {
    if (this.#end + chunk.length > this.#bytes.length) this.#makeRoom(chunk.length);
    this.#bytes.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** The next bytes, as a view that holds until more is pushed. */
  peek(from: number, length: number): Uint8Array {
    const at = this.#start + from;
    return this.#bytes.subarray(at, Math.min(at + length, this.#end));
  }

  uint32(from: number, littleEndian: boolean): number {
    return this.#view.getUint32(this.#start + from, littleEndian);
  }

  skip(length: number): void {
    this.#start += length;
    this.offset += length;
  }

  #makeRoom(more: number): void {
    const waiting = this.#bytes.subarray(this.#start, this.#end);
    const needed = waiting.length + more;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
      grown.set(waiting);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    } else this.#bytes.copyWithin(0, this.#start, this.#end);
    this.#end -= this.#start;
    this.#start = 0;
  }
}

/** Bytes that the buffer of a compressed format begins with. */
const firstGuess = 64 * 1024;

/**
 * Where a video frame grows: one buffer, never longer than `limit`, which is given away with the frame. For a
 * format whose frames differ in length, the next one begins with a little more than the last one took.
 */
export class FrameBuffer {
  readonly limit: number;
  readonly #isFixed: boolean;
  #bytes: Uint8Array<ArrayBuffer> | undefined;
  #guess: number;
  #filled = 0;

  /** @param isFixed every frame is expected to have `limit` bytes */
  constructor(limit: number, isFixed: boolean) {
    this.limit = limit;
    this.#isFixed = isFixed;
    this.#guess = isFixed ? limit : Math.min(limit, firstGuess);
  }

  get filled(): number {
    return this.#filled;
  }

  /** Bytes that are allocated now. */
  get capacity(): number {
    return this.#bytes?.length ?? 0;
  }

  byte(index: number): number {
    return this.#bytes?.[index] ?? 0;
  }

  /** Copies the bytes from `start` to `end` of `source`, as far as there is room; returns how many it took. */
  append(source: Uint8Array, start: number, end: number): number {
    const room = this.limit - this.#filled;
    const count = end - start < room ? end - start : room;
    if (count <= 0) return 0;
    const filled = this.#filled + count;
    let bytes = this.#bytes;
    if (bytes === undefined || filled > bytes.length) bytes = this.#grow(filled);
    // A view a packet is what the language takes for a copy.
    bytes.set(source.subarray(start, start + count), this.#filled);
    this.#filled = filled;
    return count;
  }

  /** Gives the frame away. */
  take(): Uint8Array<ArrayBuffer> {
    const bytes = this.#bytes ?? new Uint8Array(0);
    const frame = this.#filled === bytes.length ? bytes : bytes.subarray(0, this.#filled);
    if (!this.#isFixed) this.#guess = Math.min(this.limit, Math.max(firstGuess, Math.ceil(this.#filled * 1.25)));
    this.#bytes = undefined;
    this.#filled = 0;
    return frame;
  }

  /** Gives the frame up, and keeps the buffer. */
  clear(): void {
    this.#filled = 0;
  }

  #grow(least: number): Uint8Array<ArrayBuffer> {
    const old = this.#bytes;
    const length = old === undefined ? this.#guess : 2 * old.length;
    const bytes = new Uint8Array(Math.min(this.limit, Math.max(least, length)));
    if (old !== undefined) bytes.set(old.subarray(0, this.#filled));
    this.#bytes = bytes;
    return bytes;
  }
}

/** `start_frame` has 32 bits. */
const wireFrames = 2 ** 32;
/** The fewest frames that a host controller counts before it begins anew. */
const leastModulus = 256;

/**
 * What the start frames of an endpoint are good for. Host controllers count modulo 1024 frames, 8192 or 16384
 * microframes, or 2^32; some say 0 always, or the frame in which a transfer was queued.
 */
export class StartFrameCheck {
  #highest = 0;
  #longest = 0;
  #last: { readonly start: number; readonly end: number } | undefined;
  #goesBack = false;
  #overlaps = false;

  /** A transfer was on the bus: frames (full speed) or microframes. */
  push(start: number, length: number): void {
    const last = this.#last;
    if (last !== undefined) {
      if (start < last.start) this.#goesBack = true;
      else if (start < last.end) this.#overlaps = true;
    }
    this.#last = { start, end: start + length };
    this.#highest = Math.max(this.#highest, start);
    this.#longest = Math.max(this.#longest, length);
  }

  get longest(): number {
    return this.#longest;
  }

  /** What they count modulo; `undefined` where they cannot be believed. */
  get modulus(): number | undefined {
    if (this.#overlaps || this.#last === undefined) return undefined;
    if (!this.#goesBack) return wireFrames;
    return Math.max(leastModulus, 2 ** Math.ceil(Math.log2(this.#highest + 1)));
  }
}

/** Start frames that count on, from those of the wire. */
export class FrameUnwrapper {
  readonly #modulus: number;
  readonly #longest: number;
  readonly #unitDuration: number;
  #last: { readonly wire: number; readonly end: number; readonly time: number } | undefined;

  /** @param unitDuration microseconds of a frame (full speed) or microframe */
  constructor(modulus: number, longest: number, unitDuration: number) {
    this.#modulus = modulus;
    this.#longest = longest;
    this.#unitDuration = unitDuration;
  }

  /**
   * @param wire frames (full speed) or microframes
   * @param length likewise
   * @param time microseconds: when it ended
   */
  place(wire: number, length: number, time: number): number {
    const last = this.#last;
    const start = last === undefined ? wire : last.end + this.#distance(last, wire, time - length * this.#unitDuration);
    this.#last = { wire, end: start + length, time };
    return start;
  }

  /** From the end of the last transfer to the start of this. */
  #distance(last: { wire: number; end: number; time: number }, wire: number, startTime: number): number {
    const elapsed = Math.max(0, Math.round((startTime - last.time) / this.#unitDuration));
    const modulus = this.#modulus;
    // Neither counted on nor wrapped: the numbers began anew, and the clock has to do.
    if (wire < last.wire && last.wire + 2 * this.#longest < modulus) return elapsed;
    const distance = (((wire - last.end) % modulus) + modulus) % modulus;
    return distance + Math.max(0, Math.round((elapsed - distance) / modulus)) * modulus;
  }
}

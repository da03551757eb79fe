/** What the wire counts frames modulo. */
const wireFrames = 2 ** 32;

/**
 * The start frames that a server tells, on the timeline of a pipe: frames (full speed) or microframes
 * modulo 2^32 become service intervals that count on.
 *
 * A server tells what its host controller says, and there are controllers that count modulo a second,
 * or name the frame in which a transfer was queued. A number that lies before the end of the transfer
 * before shows that; then nothing is told any more.
 */
export class FrameLine {
  readonly #unit: number;
  readonly #frameDuration: number;
  /** The number after the last that was on the bus, as the wire counts, but without an end. */
  #end: number | undefined;
  /** Microseconds: when that was heard. */
  #heardAt = 0;
  #isTold = true;
  #takesStarts = true;

  /**
   * @param unit frames (full speed) or microframes in a service interval
   * @param frameDuration microseconds of a service interval
   */
  constructor(unit: number, frameDuration: number) {
    this.#unit = unit;
    this.#frameDuration = frameDuration;
  }

  /** Whether the numbers can be believed. */
  get isTold(): boolean {
    return this.#isTold;
  }

  /** Whether no start was ignored yet: one that is late is kept late, not early. */
  get takesStarts(): boolean {
    return this.#takesStarts;
  }

  /** Whether a number has come. */
  get isAnchored(): boolean {
    return this.#end !== undefined;
  }

  /** No frame before this one is to come; 0 where nothing is known. */
  get reached(): number {
    return this.#end === undefined ? 0 : Math.floor(this.#end / this.#unit);
  }

  /** How a frame stands on the wire. */
  toWire(frame: number): number {
    return (frame * this.#unit) % wireFrames;
  }

  /** Microseconds from `now` until a frame, at most about; 0 where nothing is known. */
  timeUntil(frame: number, now: number): number {
    if (!this.isAnchored) return 0;
    return Math.max(0, (frame - this.reached) * this.#frameDuration - (now - this.#heardAt));
  }

  /**
   * Frames have been on the bus.
   *
   * @param wire the number of the first
   * @param count how many
   * @param wanted where they were to begin
   * @param heardAt microseconds
   * @returns the first of them, or `undefined` where the number cannot be believed
   */
  place(wire: number, count: number, wanted: number | "asap", heardAt: number): number | undefined {
    if (!this.#isTold) return undefined;
    const start = this.#unwrap(wire, wanted);
    if (this.#end !== undefined && start < this.#end) {
      this.#isTold = false;
      return undefined;
    }
    this.#end = start + count * this.#unit;
    this.#heardAt = heardAt;
    const frame = Math.floor(start / this.#unit);
    if (wanted !== "asap" && frame < wanted) this.#takesStarts = false;
    return frame;
  }

  #unwrap(wire: number, wanted: number | "asap"): number {
    const near = this.#end ?? (wanted === "asap" ? wire : wanted * this.#unit);
    const start = near + ((wire - near) | 0);
    return start < 0 ? wire : start;
  }
}

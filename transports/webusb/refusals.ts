/** So many in a row say something; fewer can be a bad cable. */
const enough = 16;
/** Microseconds without a packet, after which it is no accident. */
const patience = 2_000_000;

/**
 * Calls that were rejected one after the other. A batch in which a packet failed takes its time on the
 * bus. Where rejections come faster, or nothing ever came, transfers are not on the bus at all, and to
 * try again would go on without end.
 */
export class Refusals {
  #hasMoved = false;
  #count = 0;
  #since = 0;
  /** What they would have lasted on the bus. */
  #microseconds = 0;

  /** A call succeeded. */
  clear(): void {
    this.#hasMoved = true;
    this.#count = 0;
  }

  /**
   * A call was rejected.
   *
   * @param duration of its frames, in microseconds
   * @param sentAt when it was made
   */
  add(duration: number, sentAt: number, now: number): "never-moved" | "moves-no-more" | undefined {
    if (this.#count === 0) {
      this.#since = sentAt;
      this.#microseconds = 0;
    }
    this.#count++;
    this.#microseconds += duration;
    if (this.#count < enough) return undefined;
    const elapsed = now - this.#since;
    const isTooFast = elapsed < this.#microseconds / 2;
    if (this.#hasMoved) return isTooFast ? "moves-no-more" : undefined;
    return isTooFast || elapsed > patience ? "never-moved" : undefined;
  }
}

import type { ResultSource } from "../../../src/index.js";

/** How many more results a consumer has room for, so that a replay can wait for it. */
export class ConsumerRoom {
  readonly #changed: () => void;
  #left = Infinity;

  /** @param changed there is room again */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get isThere(): boolean {
    return this.#left > 0;
  }

  /** A result goes into the ring. */
  use(): void {
    this.#left--;
  }

  /** There is as much room as in the ring of this stream, until it is stopped. */
  limit(source: ResultSource, ring: number): ResultSource {
    this.#left = ring;
    return {
      take: () => {
        const results = source.take();
        if (results !== undefined) {
          this.#left++;
          this.#changed();
        }
        return results;
      },
      get ended() {
        return source.ended;
      },
      stop: () => {
        this.#left = Infinity;
        source.stop();
      },
    };
  }
}

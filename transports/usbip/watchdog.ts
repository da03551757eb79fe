import { asyncScheduler, type Subscription } from "rxjs";

/**
 * Milliseconds between the end of a limit and the verdict. A program that was held up hears its timers
 * before what has come in meanwhile.
 */
const grace = 500;
const longestTimer = 2 ** 31 - 1;

/** Answers that are waited for, each for so long. One timer for all of them. */
export class Watchdog {
  readonly #expired: (key: number) => void;
  readonly #deadlines = new Map<number, number>();
  #timer: Subscription | undefined;
  #wakeAt = Infinity;
  /** What was overdue at the last look. */
  #suspect: number | undefined;

  /** @param expired hears which answer did not come; then the watch is over */
  constructor(expired: (key: number) => void) {
    this.#expired = expired;
  }

  /** Waits for an answer for so many milliseconds. */
  expect(key: number, milliseconds: number): void {
    const deadline = performance.now() + milliseconds;
    this.#deadlines.set(key, deadline);
    if (deadline < this.#wakeAt) this.#wake(deadline);
  }

  /** Waits as {@link Watchdog.expect} does, from now on where that was not done yet. */
  expectFromNow(key: number, milliseconds: number): void {
    if (!this.#deadlines.has(key)) this.expect(key, milliseconds);
  }

  /** The answer is there, or nobody waits for it any more. */
  settle(key: number): void {
    this.#deadlines.delete(key);
  }

  stop(): void {
    this.#deadlines.clear();
    this.#timer?.unsubscribe();
    this.#wakeAt = Infinity;
  }

  #wake(at: number): void {
    this.#timer?.unsubscribe();
    this.#wakeAt = at;
    const delay = Math.min(Math.max(0, Math.ceil(at - performance.now())), longestTimer);
    this.#timer = asyncScheduler.schedule(() => {
      this.#wakeAt = Infinity;
      this.#look();
    }, delay);
  }

  #look(): void {
    const now = performance.now();
    let first: number | undefined;
    let earliest = Infinity;
    for (const [key, deadline] of this.#deadlines) {
      if (deadline < earliest) {
        first = key;
        earliest = deadline;
      }
    }
    if (first === undefined || earliest > now) {
      // Its number may be waited for again, and has a grace of its own then.
      this.#suspect = undefined;
      if (first !== undefined) this.#wake(earliest);
    } else if (first !== this.#suspect) {
      this.#suspect = first;
      this.#wake(now + grace);
    } else {
      this.stop();
      this.#expired(first);
    }
  }
}

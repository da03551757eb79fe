import type { Subscription } from "rxjs";
import { UnsupportedError } from "../../src/index.js";
import type { BusClock } from "./clock.js";

/** Something whose frames the engine runs. */
export interface FrameRunner {
  /** The end of its next frame, or `Infinity` where it has none. */
  readonly nextFrameEnd: number;
  /** The time at which something will have to be told to somebody, or `Infinity`. */
  readonly nextCompletion: number;
  /**
   * Runs its frames that end by `until`, and stops behind the first that completes a transfer.
   *
   * @returns the end of the last frame that ran
   */
  runFrames(until: number): number;
  /** Tells of the transfer that the last {@link FrameRunner.runFrames} completed, if it did. */
  deliver(): void;
}

/** Something that happens at a set time. */
interface BusEvent {
  readonly at: number;
  readonly run: () => void;
}

/** How far the bus may lag behind its clock, in microseconds, before frames pass unserved. */
const maxLag = 1_000_000;

/**
 * Runs the frames of all endpoints in the order of time.
 *
 * It wakes when something is due, not in every frame, and then catches up to the clock. While it
 * catches up, its own time is that of the frame it runs: what is queued in answer to a completion
 * follows that completion, however late the clock woke it. Only when the program is later than a
 * second does it skip ahead: what was queued before has run in its time, and what is queued in
 * answer begins a second ago.
 */
export class BusEngine {
  readonly #clock: BusClock;
  readonly #runners = new Set<FrameRunner>();
  /** In the order of time; of one time, in the order of their scheduling. */
  readonly #events: BusEvent[] = [];
  #time = 0;
  #isAdvancing = false;
  #wake: Subscription | undefined;
  #wakeAt = Infinity;

  constructor(clock: BusClock) {
    this.#clock = clock;
  }

  get canBlock(): boolean {
    return this.#clock.waitUntil !== undefined;
  }

  /** The time on the bus, in microseconds since it began. */
  get time(): number {
    if (!this.#isAdvancing) this.#time = Math.max(this.#time, this.#clock.now());
    return this.#time;
  }

  /** Adds a runner, or takes note that its frames have changed. */
  touch(runner: FrameRunner): void {
    this.#runners.add(runner);
    if (!this.#isAdvancing) this.#scheduleWake();
  }

  remove(runner: FrameRunner): void {
    this.#runners.delete(runner);
  }

  /** Calls `run` when the time has come, after the frames that end by then; never before it returns. */
  schedule(at: number, run: () => void): void {
    const index = this.#events.findLastIndex((event) => event.at <= at);
    this.#events.splice(index + 1, 0, { at, run });
    if (!this.#isAdvancing) this.#scheduleWake();
  }

  /**
   * Runs the frames that have ended by now, and tells of what they complete: whatever changes the
   * bus at once does this first, so that it reaches no frame that is over.
   */
  catchUp(): void {
    if (!this.#isAdvancing) this.#advanceAndSleep(this.#clock.now());
  }

  /** Blocks the program, and runs the bus, until `done`. */
  runUntil(done: () => boolean): void {
    while (!done()) {
      const next = this.#nextDue();
      if (this.#clock.waitUntil === undefined || next === Infinity) {
        throw new UnsupportedError("unsupported", "the clock of this bus cannot be waited for: give it one that can");
      }
      this.#clock.waitUntil(next);
      this.#advanceAndSleep(next);
    }
  }

  #nextDue(): number {
    let next = this.#events[0]?.at ?? Infinity;
    for (const runner of this.#runners) next = Math.min(next, runner.nextCompletion);
    return next;
  }

  #scheduleWake(): void {
    const next = this.#nextDue();
    if (next === this.#wakeAt) return;
    this.#wake?.unsubscribe();
    this.#wake = undefined;
    this.#wakeAt = next;
    if (next === Infinity) return;
    this.#wake = this.#clock.schedule(next, () => {
      this.#wakeAt = Infinity;
      this.#advanceAndSleep(this.#clock.now());
    });
  }

  #advanceAndSleep(until: number): void {
    try {
      this.#advance(until);
    } finally {
      if (!this.#isAdvancing) this.#scheduleWake();
    }
  }

  #advance(until: number): void {
    const wasAdvancing = this.#isAdvancing;
    this.#isAdvancing = true;
    try {
      for (;;) {
        const event = this.#events[0]?.at ?? Infinity;
        let first: FrameRunner | undefined;
        let firstEnd = Infinity;
        let secondEnd = Infinity;
        for (const runner of this.#runners) {
          const end = runner.nextFrameEnd;
          if (end < firstEnd) {
            secondEnd = firstEnd;
            firstEnd = end;
            first = runner;
          } else if (end < secondEnd) secondEnd = end;
        }
        if (Math.min(event, firstEnd) > until) break;
        if (first !== undefined && firstEnd <= event) {
          this.#reach(first.runFrames(Math.min(until, event, Math.max(firstEnd, secondEnd))));
          first.deliver();
        } else {
          this.#reach(event);
          this.#events.shift()?.run();
        }
      }
    } finally {
      this.#isAdvancing = wasAdvancing;
    }
    this.#reach(until);
  }

  #reach(time: number): void {
    this.#time = Math.max(this.#time, time, this.#clock.now() - maxLag);
  }
}

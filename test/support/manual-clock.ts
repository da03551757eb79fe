import { Subscription } from "rxjs";
import type { BusClock } from "../../transports/virtual/index.js";

/** A clock that stands still until it is set; what is due by then is called late, all of it at that time. */
export class ManualClock implements BusClock {
  readonly #waiting = new Set<{ readonly at: number; readonly work: () => void }>();
  #time = 0;

  now(): number {
    return this.#time;
  }

  schedule(at: number, work: () => void): Subscription {
    const entry = { at, work };
    this.#waiting.add(entry);
    return new Subscription(() => this.#waiting.delete(entry));
  }

  readonly waitUntil = (at: number): void => {
    this.#time = Math.max(this.#time, at);
  };

  /** The time at which the first of those that wait wants to be called. */
  get next(): number {
    return Math.min(...Array.from(this.#waiting, ({ at }) => at));
  }

  /** Lets the time pass without a call: the program is busy with something else. */
  passTo(time: number): void {
    this.#time = time;
  }

  /** Lets the time pass, then calls what is due. */
  advanceTo(time: number): void {
    this.passTo(time);
    for (;;) {
      const due = [...this.#waiting].filter(({ at }) => at <= time).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) return;
      this.#waiting.delete(due);
      due.work();
    }
  }
}

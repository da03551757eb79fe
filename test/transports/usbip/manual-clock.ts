import { Subscription } from "rxjs";
import type { BusClock } from "rx-isoch/transports/virtual";

interface Entry {
  readonly at: number;
  readonly work: () => void;
}

/** A clock that stands still until it is told otherwise. */
export class ManualClock implements BusClock {
  readonly #waiting = new Set<Entry>();
  #time = 0;

  now(): number {
    return this.#time;
  }

  schedule(at: number, work: () => void): Subscription {
    const entry = { at, work };
    this.#waiting.add(entry);
    queueMicrotask(() => {
      this.#run();
    });
    return new Subscription(() => this.#waiting.delete(entry));
  }

  advance(microseconds: number): void {
    this.#time += microseconds;
    this.#run();
  }

  #run(): void {
    for (const entry of this.#waiting) {
      if (entry.at <= this.#time && this.#waiting.delete(entry)) entry.work();
    }
  }
}

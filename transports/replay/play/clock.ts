import { asyncScheduler, type SchedulerLike, type Subscription } from "rxjs";

/** The longest that a timer of the host can wait, in milliseconds. */
const longestTimer = 2 ** 31 - 1;
/** Microseconds that the sums of a clock may be off. */
const rounding = 1e-3;

/** The time that a capture is replayed in: microseconds. */
export class ReplayClock {
  readonly #scheduler: SchedulerLike;

  constructor(scheduler: SchedulerLike) {
    this.#scheduler = scheduler;
  }

  now(): number {
    // The clock of the default scheduler is that of the wall, which can be set.
    return (this.#scheduler === asyncScheduler ? performance.now() : this.#scheduler.now()) * 1000;
  }

  /** Calls once that time has come, or earlier, where it is far away; never before it returns. */
  wake(at: number, work: () => void): Subscription {
    const delay = Math.ceil((at - this.now() - rounding) / 1000);
    return this.#scheduler.schedule(work, Math.min(Math.max(0, delay), longestTimer));
  }

  hasCome(at: number): boolean {
    return this.now() >= at - rounding;
  }
}

/**
 * What lies between the times of the capture and those of the replay, for all endpoints of a device: those that are
 * streamed together keep the distance that they have in the capture.
 */
export class SharedStart {
  readonly #users = new Set<object>();
  #shift = 0;

  /** The first begins now. @returns microseconds to be added to those of the capture */
  enter(user: object, captured: number, now: number): number {
    if (this.#users.size === 0) this.#shift = now - captured;
    this.#users.add(user);
    return this.#shift;
  }

  leave(user: object): void {
    this.#users.delete(user);
  }
}

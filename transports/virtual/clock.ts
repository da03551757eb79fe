import { asyncScheduler, Subscription, type SchedulerLike } from "rxjs";

/**
 * What a {@link VirtualBus} takes its time from. Times are microseconds since the clock was made.
 */
export interface BusClock {
  /** The time now. Never goes back. */
  now(): number;
  /** Calls `work` once the time `at` has come; at once, but not before it returns, if it has already. */
  schedule(at: number, work: () => void): Subscription;
  /** Blocks the program until the time `at` has come. Left out where the time is somebody else's. */
  readonly waitUntil?: (at: number) => void;
}

/**
 * Real time. Every instant is computed from the start, so a late timer delays but nothing adds up:
 * the bus does not drift.
 */
export function realTimeClock(): BusClock {
  const origin = performance.now();
  const now = () => (performance.now() - origin) * 1000;
  return {
    now,
    schedule: (at, work) => asyncScheduler.schedule(work, Math.max(0, (at - now()) / 1000)),
    waitUntil: (at) => {
      while (now() < at) sleep((at - now()) / 1000);
    },
  };
}

const sleeper = typeof SharedArrayBuffer === "undefined" ? undefined : new Int32Array(new SharedArrayBuffer(4));

function sleep(milliseconds: number): void {
  try {
    if (sleeper !== undefined) Atomics.wait(sleeper, 0, 0, milliseconds);
  } catch {
    // The main thread of a browser may not sleep: the caller's loop waits instead.
  }
}

/**
 * The time of an RxJS scheduler: a `TestScheduler`, a `VirtualTimeScheduler`, or any other.
 *
 * @param microseconds how much time passes on the bus in one millisecond of the scheduler. 1000 is
 * the pace of the scheduler; 125 makes each of its milliseconds, each frame of a marble diagram,
 * one high-speed microframe.
 */
export function schedulerClock(scheduler: SchedulerLike, microseconds = 1000): BusClock {
  const origin = scheduler.now();
  const now = () => (scheduler.now() - origin) * microseconds;
  return {
    now,
    schedule: (at, work) => scheduler.schedule(work, Math.max(0, (at - now()) / microseconds)),
  };
}

/** Real milliseconds that the unpaced clock runs before it lets the event loop turn. */
const unpacedSlice = 8;

/**
 * As fast as the program can: time jumps to the next instant at which something happens. Between
 * slices of some milliseconds the event loop turns.
 */
export function unpacedClock(): BusClock {
  let time = 0;
  const waiting = new Set<{ readonly at: number; readonly work: () => void }>();
  let turning: Subscription | undefined;

  const runUntil = (done: () => boolean) => {
    while (waiting.size > 0 && !done()) {
      let first: { readonly at: number; readonly work: () => void } | undefined;
      for (const entry of waiting) if (first === undefined || entry.at < first.at) first = entry;
      if (first === undefined) return;
      waiting.delete(first);
      time = Math.max(time, first.at);
      first.work();
    }
  };
  const turn = () => {
    const end = performance.now() + unpacedSlice;
    runUntil(() => performance.now() >= end);
    turning = waiting.size > 0 ? asyncScheduler.schedule(turn) : undefined;
  };
  return {
    now: () => time,
    schedule: (at, work) => {
      const entry = { at, work };
      waiting.add(entry);
      turning ??= asyncScheduler.schedule(turn);
      return new Subscription(() => waiting.delete(entry));
    },
    waitUntil: (at) => {
      time = Math.max(time, at);
    },
  };
}

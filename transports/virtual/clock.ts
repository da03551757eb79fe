import { asyncScheduler, Subscription, type SchedulerLike } from "rxjs";
import { wholeNumber } from "../../src/numbers.js";

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
  // The timers of hosts count whole milliseconds, and one that is cut short wakes too early.
  const clock = timedBy(asyncScheduler, () => (performance.now() - origin) * 1000, 1000, Math.ceil);
  return {
    ...clock,
    waitUntil: (at) => {
      for (let left = at - clock.now(); left > 0; left = at - clock.now()) sleep(left / 1000);
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
 * @throws `InvalidRequestError` `invalid-number` unless `microseconds` is a whole number from 1
 */
export function schedulerClock(scheduler: SchedulerLike, microseconds = 1000): BusClock {
  wholeNumber("microseconds", microseconds, 1);
  const origin = scheduler.now();
  return timedBy(scheduler, () => (scheduler.now() - origin) * microseconds, microseconds);
}

/** The longest that a timer of the host can wait, in milliseconds; with a longer delay it fires at once. */
const longestTimer = 2 ** 31 - 1;

/**
 * @param pace microseconds in a millisecond of the scheduler
 * @param round what the scheduler makes of the milliseconds of a delay
 */
function timedBy(
  scheduler: SchedulerLike,
  read: () => number,
  pace: number,
  round = (milliseconds: number) => milliseconds,
): Pick<BusClock, "now" | "schedule"> {
  let reached = 0;
  const now = () => (reached = Math.max(reached, read()));
  return {
    now,
    schedule: (at, work) => {
      const delay = () => Math.min(Math.max(0, round((at - now()) / pace)), longestTimer);
      return scheduler.schedule(function () {
        if (at - now() >= 1) {
          this.schedule(undefined, delay());
          return;
        }
        // Less than a microsecond is a matter of rounding, and too little for some schedulers to
        // get ahead by: the time has come.
        reached = Math.max(reached, at);
        work();
      }, delay());
    },
  };
}

/** Real milliseconds that the unpaced clock runs before it lets the event loop turn. */
const unpacedSlice = 8;

/** What the unpaced clock will do at a set time. */
interface Waiting {
  readonly at: number;
  readonly work: () => void;
}

/**
 * As fast as the program can: time jumps to the next instant at which something happens. Between
 * slices of some milliseconds the event loop turns.
 */
export function unpacedClock(): BusClock {
  let time = 0;
  const waiting = new Set<Waiting>();
  let turning: Subscription | undefined;

  const runFirst = () => {
    let first: Waiting | undefined;
    for (const entry of waiting) if (first === undefined || entry.at < first.at) first = entry;
    if (first === undefined) return;
    waiting.delete(first);
    time = Math.max(time, first.at);
    first.work();
  };
  const turn = () => {
    const end = performance.now() + unpacedSlice;
    try {
      do runFirst();
      while (waiting.size > 0 && performance.now() < end);
    } finally {
      turning = waiting.size > 0 ? asyncScheduler.schedule(turn) : undefined;
    }
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

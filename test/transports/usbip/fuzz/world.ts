import fc, { type Parameters } from "fast-check";
import { config } from "rxjs";
import { onTestFinished, vi } from "vitest";
import { IsochError } from "rx-isoch";
import { ByteQueue } from "../../../../transports/usbip/protocol/index.js";

/** `npm run fuzz` has this many; what every run of the tests has is for a few seconds. */
const inFull = 100_000;

/** Bytes that arrive at a time, at most. Single ones take most of the time, and find what others find. */
export const chunks = fc.oneof(
  { weight: 1, arbitrary: fc.constant(1) },
  { weight: 2, arbitrary: fc.constantFrom(13, 48) },
  { weight: 7, arbitrary: fc.constant(1 << 16) },
);

/**
 * How many conversations, and which: FUZZ_SEED=n and FUZZ_PATH=p, which fast-check prints with a
 * conversation that failed, repeat that one; FUZZ_RUNS=n has another number of them. Those in which the other end
 * heard nothing but what was meant do not count: see {@link counts}.
 */
export function conversations(
  usual: number,
): Parameters<unknown> & { readonly numRuns: number; readonly seed: number } {
  const number = (name: string): number | undefined => {
    const given = Number.parseInt(process.env[name] ?? "", 10);
    return Number.isNaN(given) ? undefined : given;
  };
  const seed = number("FUZZ_SEED") ?? Date.now() & 0x7fffffff;
  const path = process.env["FUZZ_PATH"];
  return {
    numRuns: number("FUZZ_RUNS") ?? (process.env["npm_lifecycle_event"] === "fuzz" ? inFull : usual),
    seed,
    ...(path === undefined ? {} : { path }),
  };
}

/** What happens beside the conversations, and must not. */
export class Surroundings {
  /** Errors that nobody heard. */
  readonly unhandled: unknown[] = [];
  /** Most bytes of memory that a queue of bytes had since it was asked last. */
  #capacity = 0;

  /** From here to the end of the test, timers run when {@link advance} is called, and never else. */
  constructor() {
    vi.useFakeTimers({
      toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date", "performance"],
    });
    // Most of the time would go into the stacks of errors.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    const { onUnhandledError } = config;
    config.onUnhandledError = (error) => this.unhandled.push(error);
    // eslint-disable-next-line @typescript-eslint/unbound-method
    const { push } = ByteQueue.prototype;
    const measured = (queue: ByteQueue) => (this.#capacity = Math.max(this.#capacity, queue.capacity));
    ByteQueue.prototype.push = function (chunk) {
      push.call(this, chunk);
      measured(this);
    };
    onTestFinished(() => {
      vi.useRealTimers();
      Error.stackTraceLimit = stackTraceLimit;
      config.onUnhandledError = onUnhandledError;
      ByteQueue.prototype.push = push;
    });
  }

  get timers(): number {
    return vi.getTimerCount();
  }

  takeCapacity(): number {
    const capacity = this.#capacity;
    this.#capacity = 0;
    return capacity;
  }
}

const { setImmediate } = globalThis;

/** Until nothing happens any more unless time passes. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Time passes, in steps in which whatever is under way arrives: no time limit ends for the want of a turn. */
export async function advance(milliseconds: number, step = milliseconds): Promise<void> {
  for (let left = milliseconds; left > 0; left -= step) {
    vi.advanceTimersByTime(Math.min(step, left));
    await settle();
  }
}

/** Throws what fast-check takes for a failed conversation. */
export function check(holds: boolean, what: () => string): void {
  if (!holds) throw new Error(what());
}

/** To be said at the end of a conversation: one in which nothing was changed is run, and another in its place. */
export function counts(isChanged: boolean): void {
  fc.pre(isChanged);
}

/** The code of one of our errors; anything else fails the conversation. */
export function codeOf(error: unknown): string {
  if (IsochError.is(error)) return error.code;
  throw new Error("an error that is not one of ours", { cause: error });
}

/** How often something came about, to see that the conversations get anywhere. */
export class Tally {
  readonly #counts = new Map<string, number>();
  /** Conversations that were run, those that do not count among them. */
  run = 0;

  add(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }

  /** @param shares of the conversations, in percent, that must have met with it */
  assert(runs: number, shares: Readonly<Record<string, number>>): void {
    const missed = Object.entries(shares).filter(([what, share]) => 100 * (this.#counts.get(what) ?? 0) < share * runs);
    if (missed.length > 0) throw new Error(`too few of ${JSON.stringify(missed)}: ${this.toString()}`);
  }

  toString(): string {
    const sorted = [...this.#counts].sort(([, one], [, other]) => other - one);
    return sorted.map(([what, count]) => `${what}: ${count}`).join(", ");
  }
}

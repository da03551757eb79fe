import { Subject, takeUntil, type Observable, type Observer } from "rxjs";
import { OverflowError } from "./errors.js";
import { oneOf, wholeNumber } from "./numbers.js";
import { Ring } from "./ring.js";
import type { OverflowPolicy } from "./stream-options.js";

/** How many values wait where a stream goes to a reader or writer with a pace of its own. */
export interface WaitingOptions {
  /** Values that wait, at most. Default: 64. */
  readonly queue?: number | undefined;
  /**
   * Is told `true` when as many wait as may, and `false` when half of them are gone, or nobody wants them
   * any more: back-pressure for a source that can be paused. The same Subject as {@link StreamOptions.pause} makes results wait in
   * the ring of the pipe, which counts what it has to drop.
   */
  readonly pause?: Pick<Observer<boolean>, "next"> | undefined;
}

/** A queue that ends the stream when it is full. */
export interface StrictQueueOptions extends WaitingOptions {
  /** `error`, the default: the stream ends with {@link OverflowError} once what waits has been taken. */
  readonly overflow?: "error" | undefined;
}

/** A queue that drops when it is full, and says what. */
export interface DroppingQueueOptions<T> extends WaitingOptions {
  /** Which value is dropped; see {@link OverflowPolicy}. */
  readonly overflow: Exclude<OverflowPolicy, "error">;
  /** Is called with each value that is dropped, when it is. What it throws ends the stream. */
  readonly lost: (value: T) => void;
}

/**
 * What happens when values come faster than they are taken: an isochronous source cannot be slowed.
 * What drops has to hear of it, so that nothing is lost silently.
 */
export type QueueOptions<T> = StrictQueueOptions | DroppingQueueOptions<T>;

const overflowPolicies = ["error", "drop-oldest", "drop-newest"] as const satisfies readonly OverflowPolicy[];

/**
 * {@link QueueOptions}, checked.
 * @internal
 */
export interface QueueSettings<T> {
  readonly queue: number;
  readonly overflow: OverflowPolicy;
  readonly lost: (value: T) => void;
  readonly pause: Pick<Observer<boolean>, "next"> | undefined;
}

/**
 * @throws `InvalidRequestError`
 * @internal
 */
export function queueSettings<T>(options: QueueOptions<T>): QueueSettings<T> {
  return {
    queue: wholeNumber("queue", options.queue ?? 64, 1, 2 ** 20),
    overflow: oneOf("overflow", options.overflow ?? "error", overflowPolicies),
    lost: "lost" in options ? options.lost : () => undefined,
    pause: options.pause,
  };
}

/**
 * An Observable as something to take from, a value at a time, with a bounded queue between.
 * @internal
 */
export class Intake<T> {
  readonly #settings: QueueSettings<T>;
  readonly #changed: () => void;
  readonly #waiting: Ring<T>;
  readonly #stopped = new Subject<void>();
  #end: { readonly error: unknown } | "complete" | undefined;
  #isPaused = false;

  /** @param changed there is something to take, or the end has come */
  constructor(settings: QueueSettings<T>, changed: () => void) {
    this.#settings = settings;
    this.#changed = changed;
    this.#waiting = new Ring(settings.queue);
  }

  /** How the source ended, once everything was taken. */
  get ended(): { readonly error: unknown } | "complete" | undefined {
    return this.#waiting.length === 0 ? this.#end : undefined;
  }

  start(source: Observable<T>): void {
    source.pipe(takeUntil(this.#stopped)).subscribe({
      next: (value) => {
        if (this.#end === undefined) this.#receive(value);
      },
      error: (error: unknown) => {
        this.#finish({ error });
      },
      complete: () => {
        this.#finish("complete");
      },
    });
  }

  /** Hands over the oldest value that waits; `false` where there is none. */
  take(consume: (value: T) => void): boolean {
    if (this.#waiting.length === 0) return false;
    consume(this.#waiting.shift() as T);
    // After that, since a source that goes on may do so at once.
    if (this.#isPaused && this.#waiting.length <= this.#settings.queue / 2) this.#pause(false);
    return true;
  }

  /** Unsubscribes from the source; what waits can still be taken. Idempotent. */
  leave(): void {
    this.#end ??= "complete";
    this.#stopped.next();
  }

  /** Unsubscribes from the source, and forgets what waits. Idempotent. */
  stop(): void {
    this.leave();
    while (this.#waiting.length > 0) this.#waiting.shift();
    // Who is paused by it may be for the next stream as well.
    if (this.#isPaused) this.#pause(false);
  }

  #receive(value: T): void {
    const { overflow, queue } = this.#settings;
    if (this.#waiting.isFull) {
      if (overflow === "error") {
        this.#fail(
          new OverflowError(
            "overflow",
            `${queue} values wait and one more came: take them faster, choose a larger queue or an overflow policy that drops, or pause the source`,
          ),
        );
        return;
      }
      try {
        this.#settings.lost(overflow === "drop-newest" ? value : (this.#waiting.shift() as T));
      } catch (error) {
        this.#fail(error);
        return;
      }
      if (overflow === "drop-newest") return;
    }
    this.#waiting.push(value);
    if (this.#waiting.isFull && !this.#isPaused) this.#pause(true);
    this.#changed();
  }

  #pause(isPaused: boolean): void {
    this.#isPaused = isPaused;
    this.#settings.pause?.next(isPaused);
  }

  #fail(error: unknown): void {
    this.#finish({ error });
    this.#stopped.next();
  }

  #finish(end: { readonly error: unknown } | "complete"): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#changed();
  }
}

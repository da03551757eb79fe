import { Readable } from "node:stream";
import type { Observable } from "rxjs";
import type { QueueOptions } from "../../src/index.js";
import { Intake, queueSettings, type QueueSettings } from "../../src/intake.js";
import { notNull } from "./not-null.js";

/** How {@link toReadable} streams. */
export type ReadableOptions<T> = QueueOptions<T> & {
  /** For values that are neither bytes nor text. Default: false. */
  readonly objectMode?: boolean | undefined;
  /** What the Readable itself reads ahead, in bytes (values in object mode). Default: that of Node. */
  readonly highWaterMark?: number | undefined;
};

/**
 * Makes a Node Readable of an Observable. The source is subscribed to when something is first read, and
 * unsubscribed from when the Readable is destroyed.
 *
 * A reader that is slower than the source finds what waits in a queue, at most `queue` values; what
 * happens when that is full is an option with a name: see {@link QueueOptions}. The values are the
 * reader's. The Readable ends, or is destroyed with the error of the source, once what waits was read.
 *
 * Errors, as event `error` of the Readable: those of the source; `OverflowError` `overflow`;
 * `InvalidRequestError` `invalid-option` for `null`, which is no value of a Node stream. For options that
 * cannot mean anything that is thrown at the call.
 *
 * @example
 * ```ts
 * import type { IsochPipe } from "rx-isoch";
 * import { payload } from "rx-isoch/operators";
 * import { toReadable } from "rx-isoch/operators/node";
 * import { Subject } from "rxjs";
 *
 * // Back-pressure goes to the ring of the pipe, which drops the oldest.
 * export function bytes(pipe: IsochPipe) {
 *   const pause = new Subject<boolean>();
 *   return toReadable(pipe.results({ pause }).pipe(payload()), { pause });
 * }
 * ```
 *
 * @see writeTo
 */
export function toReadable<T = Uint8Array | string>(source: Observable<T>, options: ReadableOptions<T> = {}): Readable {
  return new ObservableReadable(source, queueSettings(options), options);
}

class ObservableReadable<T> extends Readable {
  readonly #source: Observable<T>;
  readonly #intake: Intake<T>;
  #isStarted = false;
  #isWanted = false;
  #isDelivering = false;
  #isEnded = false;
  #failure: Error | undefined;

  constructor(source: Observable<T>, settings: QueueSettings<T>, options: ReadableOptions<T>) {
    const { objectMode = false, highWaterMark } = options;
    super({ objectMode, ...(highWaterMark !== undefined && { highWaterMark }) });
    this.#source = source;
    this.#intake = new Intake(settings, () => {
      this.#deliver();
    });
  }

  override read(size?: number): unknown {
    const chunk: unknown = super.read(size);
    this.#failIfRead();
    return chunk;
  }

  override _read(): void {
    this.#isWanted = true;
    if (this.#isStarted) {
      this.#deliver();
      return;
    }
    this.#isStarted = true;
    this.#intake.start(this.#source);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#isEnded = true;
    this.#intake.stop();
    callback(error);
  }

  #deliver(): void {
    if (this.#isDelivering || this.#isEnded) return;
    this.#isDelivering = true;
    while (
      this.#isWanted &&
      this.#intake.take((value) => {
        this.#push(value);
      })
    );
    this.#isDelivering = false;
    const { ended } = this.#intake;
    if (ended === undefined || this.#failure !== undefined) return;
    this.#isEnded = true;
    if (ended === "complete") this.push(null);
    else this.#fail(ended.error);
  }

  #push(value: T): void {
    try {
      this.#isWanted = this.push(notNull(value));
    } catch (error) {
      this.#isWanted = false;
      this.#isEnded = true;
      this.#intake.stop();
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#failure = asError(error);
    this.#failIfRead();
  }

  /** An error would take with it what was read ahead. */
  #failIfRead(): void {
    if (this.#failure !== undefined && this.readableLength === 0) this.destroy(this.#failure);
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error("the source failed", { cause: error });
}

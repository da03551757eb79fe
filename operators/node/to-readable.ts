import { Readable } from "node:stream";
import type { Observable } from "rxjs";
import type { QueueOptions } from "../../src/index.js";
import { Intake, queueSettings } from "../../src/intake.js";

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
 * Errors, as event `error` of the Readable: those of the source; {@link OverflowError} `overflow`.
 * {@link InvalidRequestError} is thrown at the call.
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
  const settings = queueSettings(options);
  const { objectMode = false, highWaterMark } = options;
  let isWanted = false;
  let isDelivering = false;
  let isOver = false;
  const deliver = () => {
    if (isDelivering || isOver) return;
    isDelivering = true;
    while (
      isWanted &&
      intake.take((value) => {
        isWanted = readable.push(value);
      })
    );
    isDelivering = false;
    const { ended } = intake;
    if (ended === undefined) return;
    isOver = true;
    if (ended === "complete") readable.push(null);
    else readable.destroy(asError(ended.error));
  };
  const intake = new Intake(settings, deliver);
  let isStarted = false;
  const readable = new Readable({
    objectMode,
    ...(highWaterMark === undefined ? {} : { highWaterMark }),
    read: () => {
      isWanted = true;
      if (isStarted) {
        deliver();
        return;
      }
      isStarted = true;
      intake.start(source);
    },
    destroy: (error, callback) => {
      isOver = true;
      intake.stop();
      callback(error);
    },
  });
  return readable;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error("the source failed", { cause: error });
}

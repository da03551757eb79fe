import type { Observable } from "rxjs";
import type { QueueOptions } from "../../src/index.js";
import { Intake, queueSettings } from "../../src/intake.js";

/**
 * Makes a Web ReadableStream of an Observable. The source is subscribed to with the first read, and
 * unsubscribed from when the stream is cancelled.
 *
 * A reader that is slower than the source finds what waits in a queue, at most `queue` values; the
 * stream itself holds none. What happens when that is full is an option with a name: see
 * {@link QueueOptions}. The values are the reader's. The stream closes and errors as the source does,
 * once what waits has been read.
 *
 * Errors: those of the source; {@link OverflowError} `overflow`; {@link InvalidRequestError}, thrown
 * at the call.
 *
 * @example
 * ```ts
 * import type { IsochPipe } from "rx-isoch";
 * import { toReadableStream } from "rx-isoch/operators/streams";
 * import { Subject } from "rxjs";
 *
 * // Back-pressure goes to the ring of the pipe, whose losses are in the results.
 * export function results(pipe: IsochPipe) {
 *   const pause = new Subject<boolean>();
 *   return toReadableStream(pipe.results({ pause, ring: 250 }), { queue: 8, pause });
 * }
 * ```
 *
 * @see toWritableStream
 */
export function toReadableStream<T>(source: Observable<T>, options: QueueOptions<T> = {}): ReadableStream<T> {
  const settings = queueSettings(options);
  let intake: Intake<T> | undefined;
  let isWanted = false;
  let isOver = false;
  const deliver = (controller: ReadableStreamDefaultController<T>) => {
    if (isWanted) {
      intake?.take((value) => {
        isWanted = false;
        controller.enqueue(value);
      });
    }
    const ended = intake?.ended;
    if (ended === undefined || isOver) return;
    isOver = true;
    if (ended === "complete") controller.close();
    else controller.error(ended.error);
  };
  return new ReadableStream<T>(
    {
      pull: (controller) => {
        isWanted = true;
        if (intake !== undefined) {
          deliver(controller);
          return;
        }
        intake = new Intake(settings, () => {
          deliver(controller);
        });
        intake.start(source);
      },
      cancel: () => {
        isOver = true;
        intake?.stop();
      },
    },
    // Whatever waits here could not be dropped any more.
    { highWaterMark: 0 },
  );
}

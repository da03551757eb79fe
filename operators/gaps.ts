import { Observable, type MonoTypeOperatorFunction, type Subscriber } from "rxjs";
import { IsochResults, statusCodes, type FrameResult } from "../src/index.js";
import { subscribeInner } from "../src/subscribe-inner.js";

/** Frames in one result that stands for a loss: a long loss costs time, not memory. */
const mostLostPerResult = 4096;

/**
 * Makes loss explicit: for every frame that is missing, a frame with the status `lost`, no data,
 * and the requested length of the frame that follows, so that the stream keeps time.
 *
 * On a stream of {@link FrameResult}s each lost frame is one; on a stream of {@link IsochResults}
 * they come as results of their own, and {@link IsochResults.lost} of every result is 0. A stream
 * that begins anew at an earlier frame, after a `repeat` or a `retry`, has lost nothing by that; to
 * keep the frames between two sessions of one bus clock out of it, put this before the `repeat`.
 *
 * @example
 * ```ts
 * import type { IsochPipe } from "rx-isoch";
 * import { frames, gaps, payload } from "rx-isoch/operators";
 *
 * export const withoutHoles = (pipe: IsochPipe) =>
 *   pipe.results().pipe(gaps(), frames(), payload({ badFrames: "zero" }));
 * ```
 */
export function gaps<T extends FrameResult | IsochResults>(): MonoTypeOperatorFunction<T> {
  return (source) =>
    new Observable<FrameResult | IsochResults>((subscriber) => {
      let next: number | undefined;
      subscribeInner<FrameResult | IsochResults>(source, subscriber, {
        next: (value) => {
          if (value instanceof IsochResults) {
            emitLostResults(value, subscriber);
            if (value.length > 0) subscriber.next(value.lost === 0 ? value : value.withLost(0));
            return;
          }
          for (let frame = next ?? value.frame; frame < value.frame && !subscriber.closed; frame++) {
            subscriber.next({ frame, status: "lost", requested: value.requested, actual: 0, data: new Uint8Array(0) });
          }
          next = value.frame + 1;
          subscriber.next(value);
        },
      });
    }) as Observable<T>;
}

function emitLostResults(results: IsochResults, subscriber: Subscriber<IsochResults>): void {
  for (let left = results.lost; left > 0 && !subscriber.closed; left -= mostLostPerResult) {
    const length = Math.min(left, mostLostPerResult);
    subscriber.next(
      new IsochResults({
        firstFrame: results.firstFrame - left,
        requested: new Uint32Array(length).fill(results.requested[0] ?? 0),
        actual: new Uint32Array(length),
        statuses: new Uint8Array(length).fill(statusCodes.lost),
        data: new Uint8Array(0),
        compacted: true,
        timestamp: results.timestamp,
      }),
    );
  }
}

import { Observable, type OperatorFunction } from "rxjs";
import type { FrameResult, IsochResults } from "../src/index.js";
import { subscribeInner } from "../src/subscribe-inner.js";

/**
 * Takes results apart into the {@link FrameResult}s of the frames that were on the bus, in order.
 *
 * Frames that were cancelled before their turn are left out: they never were on the bus. A loss is
 * a jump of {@link FrameResult.frame}. Where the stream begins with a loss its first lost frame is
 * emitted, and where it ends with one its last, with the status `lost`, since no other frame would
 * show the jump. `gaps` makes the rest explicit.
 *
 * The frames are made one by one, while they are taken: an unsubscribe in between stops that.
 *
 * @example
 * ```ts
 * import { isochPipe, type IsochTransport } from "rx-isoch";
 * import { frames } from "rx-isoch/operators";
 *
 * export const frameByFrame = (transport: IsochTransport) =>
 *   isochPipe(transport, { endpoint: 0x81 }).results().pipe(frames());
 * ```
 *
 * @see gaps
 */
export function frames(): OperatorFunction<IsochResults, FrameResult> {
  return (source) =>
    new Observable((subscriber) => {
      let isFirst = true;
      subscribeInner(source, subscriber, {
        next: (results) => {
          results.emitTo(subscriber, isFirst);
          isFirst = false;
        },
      });
    });
}

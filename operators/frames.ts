import { Observable, type OperatorFunction } from "rxjs";
import type { FrameResult, IsochResults } from "../src/index.js";
import { subscribeInner } from "../src/subscribe-inner.js";

/**
 * Takes results apart into the {@link FrameResult}s of the frames that were on the bus, in order.
 *
 * Frames that were cancelled before their turn are left out: they never were on the bus. A loss is
 * a jump of {@link FrameResult.frame}; where the stream ends with a loss, so that no frame follows
 * to show the jump, the last lost frame is emitted with the status `lost`. `gaps` makes the rest
 * explicit.
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
      subscribeInner(source, subscriber, {
        next: (results) => {
          results.emitTo(subscriber);
        },
      });
    });
}

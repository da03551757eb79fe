import { map, type MonoTypeOperatorFunction } from "rxjs";
import type { IsochResults, IsochTransfer } from "../src/index.js";

/**
 * Makes the data contiguous although frames came short: USB_COMPRESS_ISOCH.
 *
 * On transfers, before they are complete, the data moves within the buffer of the request; on
 * results it is copied, once, into a buffer of its own, unless it is contiguous already. Either way
 * what is emitted says so: {@link IsochResults.compacted}.
 *
 * Errors: `InvalidRequestError` `compact-out` for a transfer on an OUT endpoint,
 * `compact-with-dma` for one with a DMA buffer.
 *
 * @example
 * ```ts
 * import type { IsochPipe, IsochRequest } from "rx-isoch";
 * import { close, compact, issue } from "rx-isoch/operators";
 * import type { Observable } from "rxjs";
 *
 * export const packed = (requests: Observable<IsochRequest>, pipe: IsochPipe) =>
 *   requests.pipe(issue(pipe), compact(), close());
 * ```
 */
export function compact<T extends IsochTransfer | IsochResults>(): MonoTypeOperatorFunction<T> {
  return map((value) => value.compact() as T);
}

import { defer, type Observable } from "rxjs";
import { InvalidRequestError } from "../../src/index.js";
import { pulled } from "../../src/pulled.js";

/**
 * Reads a Web ReadableStream at the pace of whoever takes: emits one async iterable, which `packetize`
 * and `issue` pull from as the bus takes the bytes, and which asks the stream for a chunk only when it
 * is asked for one.
 *
 * The Observable lasts as long as the iterable: it completes and errors as the stream does. An
 * unsubscribe, and a loop that is left, cancel the stream at once, a read that was waiting included.
 * The stream is locked from the subscription on. To have the chunks as values, without back-pressure:
 * `concatMap((chunks) => chunks)`.
 *
 * Errors: those of the stream; {@link InvalidRequestError} `invalid-option` for one that is locked.
 *
 * @example
 * ```ts
 * import type { IsochPipe } from "rx-isoch";
 * import { close, issue, packetize } from "rx-isoch/operators";
 * import { fromReadableStream } from "rx-isoch/operators/streams";
 *
 * export const play = (pcm: ReadableStream<Uint8Array>, speaker: IsochPipe) =>
 *   fromReadableStream(pcm).pipe(packetize({ sampleRate: 48000, sampleSize: 4 }), issue(speaker), close());
 * ```
 *
 * @see packetize
 */
export function fromReadableStream<T>(stream: ReadableStream<T>): Observable<AsyncIterable<T>> {
  return defer(() => {
    if (stream.locked) {
      throw new InvalidRequestError(
        "invalid-option",
        "the stream has a reader already: release it, or tee() the stream",
      );
    }
    return pulled<T, AsyncIterable<T>>(
      () => {
        const reader = stream.getReader();
        return {
          next: () => reader.read(),
          cancel: () => reader.cancel(),
        };
      },
      (values) => values,
    );
  });
}

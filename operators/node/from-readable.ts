import { finished, type Readable } from "node:stream";
import { Observable } from "rxjs";
import { pulled } from "../../src/pulled.js";

/**
 * Reads a Node Readable at the pace of whoever takes: emits one async iterable, which `packetize` and
 * `issue` pull from as the bus takes the bytes.
 *
 * The Observable lasts as long as the iterable: it completes and errors as the Readable does. An
 * unsubscribe, and a loop that is left, destroy the Readable at once, a read that was waiting included.
 *
 * Errors: those of the Readable, also of one that nobody has read from yet (a file that is not there);
 * `ERR_STREAM_PREMATURE_CLOSE` of Node for one that is destroyed by others.
 *
 * @example
 * ```ts
 * import type { IsochPipe } from "rx-isoch";
 * import { close, issue, packetize } from "rx-isoch/operators";
 * import { fromReadable } from "rx-isoch/operators/node";
 *
 * export const play = (speaker: IsochPipe) =>
 *   fromReadable<Uint8Array>(process.stdin).pipe(
 *     packetize({ sampleRate: 44100, sampleSize: 4 }),
 *     issue(speaker, { underrun: "zero-length" }),
 *     close(),
 *   );
 * ```
 *
 * @see packetize
 */
export function fromReadable<T = unknown>(readable: Readable): Observable<AsyncIterable<T>> {
  return new Observable((subscriber) => {
    // Heard before the iterator does, which listens from its first step on.
    const ignored = finished(readable, { writable: false }, (error) => {
      if (error) subscriber.error(error);
    });
    subscriber.add(ignored);
    const values: AsyncIterator<T> = readable[Symbol.asyncIterator]() as AsyncIterator<T>;
    return pulled(
      () => ({
        next: () => values.next(),
        cancel: () => {
          readable.destroy();
          return undefined;
        },
      }),
      (iterable) => iterable,
    ).subscribe(subscriber);
  });
}

import { open } from "node:fs/promises";
import { Observable } from "rxjs";
import { pulled } from "../../src/pulled.js";
import type { PcmFormat } from "./media.js";
import { findWavData } from "./wav-chunks.js";

/** The sound of a WAV file. */
export interface WavSound extends PcmFormat {
  /** Samples, of each channel. */
  readonly frames: number;
  /** The samples, signed, in pieces that are the receiver's. Read when they are asked for. */
  readonly data: AsyncIterable<Uint8Array>;
}

const pieceLength = 65_536;

/**
 * Opens a WAV file of PCM for a speaker: emits once what it is, with its samples to pull from, which
 * `packetize` and `issue` do at the pace of the bus.
 *
 * The Observable, and the open file, last as long as the samples: it completes when they have all been
 * read. An unsubscribe, and a loop that is left, close the file. A file that was cut off, or never
 * finished, is read as far as it goes.
 *
 * Errors: those of the file system (`ENOENT`), as they come; {@link FileError} `bad-file`;
 * {@link UnsupportedError} `unsupported` for what is not PCM.
 *
 * @example
 * ```ts
 * import type { IsochPipe } from "rx-isoch";
 * import { close, issue, packetize } from "rx-isoch/operators";
 * import { fromWav } from "rx-isoch/operators/node";
 * import { of, switchMap } from "rxjs";
 *
 * export const play = (path: string, speaker: IsochPipe) =>
 *   fromWav(path).pipe(
 *     switchMap(({ data, sampleRate, channels, bitsPerSample }) =>
 *       of(data).pipe(
 *         packetize({ sampleRate, sampleSize: (channels * bitsPerSample) / 8 }),
 *         issue(speaker, { underrun: "zero-length" }),
 *         close(),
 *       ),
 *     ),
 *   );
 * ```
 *
 * @see toWav
 */
export function fromWav(path: string): Observable<WavSound> {
  return new Observable((subscriber) => {
    const start = async () => {
      const file = await open(path, "r");
      try {
        const { offset, length, ...format } = await findWavData(file, path);
        if (subscriber.closed) {
          await file.close();
          return;
        }
        const sampleSize = (format.channels * format.bitsPerSample) / 8;
        const most = pieceLength - (pieceLength % sampleSize) || sampleSize;
        let taken = 0;
        const next = async (): Promise<IteratorResult<Uint8Array, undefined>> => {
          const wanted = Math.min(most, length - taken);
          const { buffer, bytesRead } = await file.read(new Uint8Array(wanted), 0, wanted, offset + taken);
          const piece = buffer.subarray(0, bytesRead - (bytesRead % sampleSize));
          taken += piece.length;
          if (piece.length > 0) {
            // Eight bits are unsigned in these files, and nowhere else.
            return { value: format.bitsPerSample === 8 ? piece.map((byte) => byte ^ 0x80) : piece };
          }
          await file.close();
          return { done: true, value: undefined };
        };
        subscriber.add(
          pulled(
            () => ({ next, cancel: () => file.close() }),
            (data) => ({ ...format, frames: length / sampleSize, data }),
          ).subscribe(subscriber),
        );
      } catch (error) {
        await file.close();
        throw error;
      }
    };
    start().catch((error: unknown) => {
      subscriber.error(error);
    });
  });
}

import { open } from "node:fs/promises";
import { Observable } from "rxjs";
import { pulled } from "../../src/pulled.js";
import { slotSize, type PcmFormat } from "../../src/pcm.js";
import { findWavData } from "./wav-chunks.js";

/** The sound of a WAV file. */
export interface WavSound {
  /** What it is. A byte is unsigned in these files: `pcm8`. */
  readonly format: PcmFormat;
  /** Samples, of each channel. */
  readonly frames: number;
  /** The samples, whole ones, in pieces that are the receiver's. Read when they are asked for. */
  readonly data: AsyncIterable<Uint8Array>;
}

const pieceLength = 65_536;

/**
 * Opens a WAV file for a speaker: emits once what it is, with its samples to pull from, which
 * `packetize` and `issue` do at the pace of the bus.
 *
 * The Observable, and the open file, last as long as the samples: it completes when they have all been
 * read. An unsubscribe, and a loop that is left, close the file. A file that was cut off, or never
 * finished, is read as far as it goes.
 *
 * Errors: those of the file system (`ENOENT`), as they come; `FileError` `bad-file`;
 * `UnsupportedError` `unsupported` for what is neither PCM nor floating-point.
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
 *     switchMap(({ data, format: { sampleRate, channels, bits } }) =>
 *       of(data).pipe(
 *         packetize({ sampleRate, sampleSize: channels * Math.ceil(bits / 8) }),
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
        const { format, offset, length } = await findWavData(file, path);
        if (subscriber.closed) {
          await file.close();
          return;
        }
        const sampleSize = format.channels * slotSize(format);
        const most = pieceLength - (pieceLength % sampleSize) || sampleSize;
        let taken = 0;
        const next = async (): Promise<IteratorResult<Uint8Array, undefined>> => {
          const wanted = Math.min(most, length - taken);
          const { buffer, bytesRead } = await file.read(new Uint8Array(wanted), 0, wanted, offset + taken);
          const piece = buffer.subarray(0, bytesRead - (bytesRead % sampleSize));
          taken += piece.length;
          if (piece.length > 0) return { value: piece };
          await file.close();
          return { done: true, value: undefined };
        };
        subscriber.add(
          pulled(
            () => ({ next, cancel: () => file.close() }),
            (data) => ({ format, frames: length / sampleSize, data }),
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

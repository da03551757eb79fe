import { Observable } from "rxjs";
import { pulled } from "../../src/pulled.js";
import { FfmpegProcess, type FfmpegOptions } from "./ffmpeg-process.js";

/**
 * Reads what ffmpeg writes to its standard output, at the pace of whoever takes: emits one async
 * iterable of bytes, which `packetize` and `issue` pull from as the bus takes them. While nobody does,
 * the pipe is full and ffmpeg waits. Each subscription starts one.
 *
 * The Observable lasts as long as ffmpeg: it completes when that has ended with the status 0. An
 * unsubscribe, and a loop that is left, end it: with SIGTERM, and with SIGKILL after `patience`.
 *
 * Errors: `ProcessError` `process-failed`, as in `toFfmpeg`.
 *
 * @example
 * ```ts
 * import type { IsochPipe } from "rx-isoch";
 * import { close, issue, packetize } from "rx-isoch/operators";
 * import { fromFfmpeg } from "rx-isoch/operators/node";
 *
 * export const play = (file: string, speaker: IsochPipe) =>
 *   fromFfmpeg({ args: ["-i", file, "-f", "s16le", "-ar", "48000", "-ac", "2", "pipe:1"] }).pipe(
 *     packetize({ sampleRate: 48000, sampleSize: 4 }),
 *     issue(speaker, { underrun: "zero-length" }),
 *     close(),
 *   );
 * ```
 *
 * @see toFfmpeg
 */
export function fromFfmpeg(options: FfmpegOptions): Observable<AsyncIterable<Uint8Array>> {
  return new Observable((subscriber) => {
    const process = new FfmpegProcess(options);
    process.input.end();
    // Node throws away what a process wrote that has ended, unless somebody listens; the iterator does from its first step on.
    process.output.on("readable", () => undefined);
    // Also where nobody has read from it yet.
    process.ended.catch((error: unknown) => {
      subscriber.error(error);
    });
    const bytes = process.output[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
    return pulled(
      () => ({
        next: async () => {
          try {
            const result = await bytes.next();
            if (result.done === true) await process.ended;
            return result;
          } catch (error) {
            // Why it ended says more than that its output did.
            await process.ended;
            throw error;
          }
        },
        cancel: () => process.stop(),
      }),
      (values) => values,
    ).subscribe(subscriber);
  });
}

import type { OperatorFunction } from "rxjs";
import type { QueueOptions } from "../../src/index.js";
import { writeAll } from "../../src/sink.js";
import { FfmpegProcess, type FfmpegOptions } from "./ffmpeg-process.js";
import { Room } from "./room.js";

/**
 * Feeds ffmpeg through its standard input, and emits what it writes to its standard output, if it does:
 * a sink and a filter. The caller names the arguments. Completes when the source has, all of it is
 * written, and ffmpeg has ended with the status 0; also where ffmpeg ends so before (`-t`, `-frames`).
 *
 * Bytes that come faster than it takes them wait in a queue, at most `queue` pieces; what happens when
 * that is full is an option with a name: see {@link QueueOptions}. An unsubscribe, and an error of the
 * source once what had come is written, end ffmpeg: with SIGTERM and the end of its input, so that it
 * can finish its file, if it has begun one, and with SIGKILL after `patience`.
 *
 * Errors: `ProcessError` `process-failed` with the last lines of its standard error, and the exit
 * status, the signal or the code of the system in `native`; those of the source; `OverflowError`
 * `overflow`.
 *
 * @example
 * ```ts
 * import { pictureInput, toFfmpeg, type CameraPicture } from "rx-isoch/operators/node";
 * import { map, type Observable } from "rxjs";
 *
 * export const record = (pictures: Observable<CameraPicture>) =>
 *   pictures.pipe(
 *     map(({ data }) => data),
 *     toFfmpeg({
 *       args: [
 *         ...pictureInput({ format: "mjpeg", width: 640, height: 480, framesPerSecond: 30 }),
 *         ...["-c:v", "libx264", "-preset", "ultrafast", "-y", "clip.mp4"],
 *       ],
 *     }),
 *   );
 * ```
 *
 * @see fromFfmpeg
 */
export function toFfmpeg(options: FfmpegOptions & QueueOptions<Uint8Array>): OperatorFunction<Uint8Array, Uint8Array> {
  return (source) =>
    writeAll<Uint8Array, Uint8Array>(source, options, ({ emit, over }) => {
      const process = new FfmpegProcess(options);
      const { input, output } = process;
      output.on("data", emit);
      process.ended.then(
        () => {
          over("complete");
        },
        (error: unknown) => {
          over({ error });
        },
      );
      const room = new Room(input);
      return {
        write: (bytes) => (input.destroyed || input.write(bytes) ? undefined : room.wait()),
        close: async () => {
          input.end();
          await process.ended;
          return undefined;
        },
        abort: async (reason) => {
          if (reason === undefined) await process.stop();
          else await process.finish();
        },
      };
    });
}

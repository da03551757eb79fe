import { defer, type OperatorFunction } from "rxjs";
import type { QueueOptions } from "../../src/index.js";
import type { TimedPicture } from "../../src/picture.js";
import { writeAll } from "../../src/sink.js";
import { AviLayout, type AviSummary } from "./avi-layout.js";
import { fileSink } from "./file-sink.js";

/** How {@link toAvi} writes. */
export type AviOptions = QueueOptions<TimedPicture> & {
  /** The rate at which it plays. Default: measured by the timestamps, of the whole file. */
  readonly framesPerSecond?: number | undefined;
};

/**
 * Writes pictures into an AVI file, as they come, and emits once, when the file is finished, what is in
 * it: MJPEG, which every player knows, or YUY2 and NV12, uncompressed. With an index, so that players
 * can seek; without ffmpeg.
 *
 * The file is finished however the stream ends: it completes, the source errors, or somebody
 * unsubscribes (then in the background). It holds all that had come. The first picture says what all of
 * them are; without one the file stays empty. An existing file is replaced. It plays at one rate; a
 * picture of no bytes repeats the one before.
 *
 * Pictures that come faster than the disk takes them wait in a queue, at most `queue`; what happens when
 * that is full is an option with a name: see {@link QueueOptions}. They must not be changed until written.
 *
 * Where the disk is full, the file is finished as well, and says what is in it: the whole pictures
 * that there was room for, and an index where there was room for that, too.
 *
 * Errors: those of the source, once what had come is written, and of the file system (`ENOENT`,
 * `ENOSPC`), as they come; `InvalidRequestError` for another format or size than before;
 * `FileError` `file-full` at 4 GiB; `OverflowError` `overflow`.
 *
 * @example
 * ```ts
 * import { toAvi, type TimedPicture } from "rx-isoch/operators/node";
 * import { take, type Observable } from "rxjs";
 *
 * export const clip = (camera: Observable<TimedPicture>) =>
 *   camera.pipe(take(300), toAvi("clip.avi")).subscribe(({ frames, framesPerSecond }) => {
 *     console.log(`${frames} pictures at ${framesPerSecond.toFixed(1)} a second`);
 *   });
 * ```
 *
 * @see toFfmpeg
 */
export function toAvi(path: string, options: AviOptions = {}): OperatorFunction<TimedPicture, AviSummary> {
  return (source) =>
    defer(() => {
      const layout = new AviLayout(options.framesPerSecond);
      return writeAll<TimedPicture, AviSummary>(source, options, () => fileSink(path, layout), "finish");
    });
}

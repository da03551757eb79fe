import type { OperatorFunction } from "rxjs";
import type { QueueOptions } from "../../src/index.js";
import type { PcmSamples } from "../../src/pcm.js";
import { writeAll } from "../../src/sink.js";
import { fileSink } from "./file-sink.js";
import { WavLayout, type WavSummary } from "./wav-layout.js";

/**
 * Writes PCM into a WAV file, as it comes, and emits once, when the file is finished, what is in it.
 *
 * The file is finished however the stream ends: it completes, the source errors, or somebody
 * unsubscribes (then in the background). It holds all that had come. The first block says what all of
 * them are; without one the file stays empty. An existing file is replaced. Losses are the source's to
 * fill: what comes is written one after the other, and what it told of is in the summary.
 *
 * Blocks that come faster than the disk takes them wait in a queue, at most `queue`; what happens when
 * that is full is an option with a name: see {@link QueueOptions}. They must not be changed until written.
 *
 * Where the disk is full, the file is finished as well, and says what is in it: the whole samples
 * that there was room for.
 *
 * Errors: those of the source, once what had come is written, and of the file system (`ENOENT`,
 * `ENOSPC`), as they come; `InvalidRequestError` for samples that are none, or others than before;
 * `FileError` `file-full` at 4 GiB; `OverflowError` `overflow`.
 *
 * @example
 * ```ts
 * import { toWav, type PcmSamples } from "rx-isoch/operators/node";
 * import { takeUntil, timer, type Observable } from "rxjs";
 *
 * export const tenSeconds = (microphone: Observable<PcmSamples>) =>
 *   microphone.pipe(takeUntil(timer(10_000)), toWav("ten-seconds.wav")).subscribe(({ duration }) => {
 *     console.log(`${duration} seconds`);
 *   });
 * ```
 *
 * @see fromWav
 */
export function toWav<T extends PcmSamples = PcmSamples>(
  path: string,
  options: QueueOptions<T> = {},
): OperatorFunction<T, WavSummary> {
  return (source) => writeAll<T, WavSummary>(source, options, () => fileSink(path, new WavLayout()), "finish");
}

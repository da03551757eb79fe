import { concat, concatMap, defer, map, of, switchMap, takeUntil, takeWhile, type Observable } from "rxjs";
import type { VideoEncoding, VideoFrame } from "../../class/uvc/index.js";
import { isochPipe } from "../../index.js";
import { countsOf, noCounts, type FrameCounts } from "../stream-account.js";
import type { StreamTarget } from "../target.js";
import { choosePicture } from "../video/choose-picture.js";
import { openVideo } from "../video/open-video.js";
import { whileOpen } from "../while-open.js";
import type { CaptureContext, CaptureStep } from "./format.js";
import { firstFrames } from "./results.js";

/** Pictures, and what came from the bus for them. */
export interface PictureStep {
  readonly pictures: readonly VideoFrame[];
  /** Pictures of the steps before this one. */
  readonly before: number;
  readonly counts: FrameCounts;
  /** Pictures until now in which something was missing. */
  readonly incomplete: number;
  /** Pictures a second that the camera agreed on. */
  readonly agreedRate: number;
}

/**
 * What becomes of the pictures of a camera, in the first of these formats that it has, until there are enough or it is
 * to stop. Those that are incomplete are there only where bad frames are kept. Completes when the device is closed.
 *
 * Errors: as `camera`; those of `write`.
 */
export function capturedPictures(
  target: StreamTarget,
  { picture, count = Infinity, frames = Infinity, transfer, queue, pause, stop, badFrames }: CaptureContext,
  formats: readonly [VideoEncoding, ...VideoEncoding[]],
  write: (step: PictureStep) => Observable<CaptureStep>,
): Observable<CaptureStep> {
  return whileOpen(target, stop, (device) =>
    openVideo(
      device,
      (configuration) => choosePicture(configuration, formats, picture),
      badFrames === "keep" ? "emit" : "drop",
    ).pipe(
      switchMap(({ video, alternate, assembler }) => {
        const step = (pictures: readonly VideoFrame[], counts: FrameCounts): Omit<PictureStep, "before"> => ({
          pictures,
          counts,
          incomplete: assembler.statistics.incomplete,
          agreedRate: 1e7 / video.interval,
        });
        return concat(
          isochPipe(device, alternate)
            .results({ frames: transfer, queue, pause })
            .pipe(
              firstFrames(frames),
              map((results) => step(assembler.push(results), countsOf(results))),
              takeUntil(stop),
            ),
          defer(() => of(step(assembler.flush(), noCounts))),
        );
      }),
      firstPictures(count),
      concatMap(write),
    ),
  );
}

function firstPictures(count: number) {
  return (source: Observable<Omit<PictureStep, "before">>): Observable<PictureStep> =>
    defer(() => {
      let taken = 0;
      return source.pipe(
        map((step) => {
          const before = taken;
          const pictures = step.pictures.slice(0, count - before);
          taken += pictures.length;
          return { ...step, pictures, before };
        }),
        takeWhile(({ pictures, before }) => before + pictures.length < count, true),
      );
    });
}

import { concat, defer, map, of, switchMap, takeUntil, takeWhile, type Observable } from "rxjs";
import type { VideoEncoding, VideoFrame } from "../../class/uvc/index.js";
import { isochPipe } from "../../index.js";
import { countsOf, noCounts, type FrameCounts } from "../stream-account.js";
import type { StreamTarget } from "../target.js";
import { choosePicture } from "../video/choose-picture.js";
import { openVideo } from "../video/open-video.js";
import { whileOpen } from "../while-open.js";
import type { CaptureContext } from "./format.js";
import { firstFrames } from "./results.js";

/** Pictures, and what came from the bus for them. */
export interface PictureStep {
  readonly pictures: readonly VideoFrame[];
  readonly counts: FrameCounts;
  /** Pictures a second that the camera agreed on. */
  readonly agreedRate: number;
}

/**
 * The pictures of a camera, in the first of these formats that it has, until there are enough or it is to stop. Those
 * that are incomplete are there only where bad frames are kept.
 *
 * Errors: as `camera`.
 */
export function capturedPictures(
  target: StreamTarget,
  { picture, count = Infinity, frames = Infinity, transfer, queue, pause, stop, badFrames }: CaptureContext,
  formats: readonly [VideoEncoding, ...VideoEncoding[]],
): Observable<PictureStep> {
  return whileOpen(target, (device) =>
    openVideo(
      device,
      (configuration) => choosePicture(configuration, formats, picture),
      badFrames === "keep" ? "emit" : "drop",
    ).pipe(
      switchMap(({ video, alternate, assembler }) => {
        const agreedRate = 1e7 / video.interval;
        return concat(
          isochPipe(device, alternate)
            .results({ frames: transfer, queue, pause })
            .pipe(
              firstFrames(frames),
              takeUntil(stop),
              map((results) => ({ pictures: assembler.push(results), counts: countsOf(results), agreedRate })),
            ),
          defer(() => of({ pictures: assembler.flush(), counts: noCounts, agreedRate })),
        );
      }),
      firstPictures(count),
    ),
  );
}

function firstPictures(count: number) {
  return (source: Observable<PictureStep>): Observable<PictureStep> =>
    defer(() => {
      let left = count;
      return source.pipe(
        map(({ pictures, ...rest }) => {
          const taken = pictures.slice(0, left);
          left -= taken.length;
          return { ...rest, pictures: taken };
        }),
        takeWhile(() => left > 0, true),
      );
    });
}

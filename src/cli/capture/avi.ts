import { defer } from "rxjs";
import { AviLayout } from "../../../operators/node/avi-layout.js";
import { noCounts } from "../stream-account.js";
import type { CaptureFormat } from "./format.js";
import { ending, layOut, stepOf } from "./laid-out.js";
import { capturedPictures } from "./pictures.js";
import { withTail } from "./with-tail.js";

/**
 * Pictures, as films are played.
 *
 * @param limit bytes of a file, at most. Default: 4 GiB, which is as far as it counts
 */
export const aviUpTo = (limit?: number): CaptureFormat => ({
  name: "avi",
  description: "a film of a camera's pictures: MJPEG, or else YUY2 or NV12",
  extensions: ["avi"],
  needsFile: true,
  media: "pictures",
  badFrames: ["skip", "keep"],
  virtual: "camera",
  capture: (target, context) =>
    defer(() => {
      let layout: AviLayout | undefined;
      const steps = capturedPictures(
        target,
        context,
        ["mjpeg", "yuy2", "nv12"],
        ({ pictures, counts, incomplete, agreedRate }) => {
          // It plays at the rate at which the pictures came; those of a capture come faster.
          const film = (layout ??= new AviLayout(target.isRecording === true ? agreedRate : undefined, limit));
          const added = layOut(film, pictures);
          const counted = {
            // Of the last ones the file may have to forget some.
            get written() {
              return film.pictures;
            },
            incomplete,
          };
          return stepOf({ pieces: added.pieces, counts, pictures: counted }, added);
        },
      );
      return withTail(steps, () => (layout === undefined ? { pieces: [], counts: noCounts } : ending(layout)));
    }),
});

export const avi = aviUpTo();

import { defer, map } from "rxjs";
import { AviLayout } from "../../../operators/node/avi-layout.js";
import type { CaptureFormat } from "./format.js";
import { capturedPictures } from "./pictures.js";
import { withTail } from "./with-tail.js";

/** Pictures, as films are played. */
export const avi: CaptureFormat = {
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
      const steps = capturedPictures(target, context, ["mjpeg", "yuy2", "nv12"]).pipe(
        map(({ pictures, counts, agreedRate }) => {
          // It plays at the rate at which the pictures came; those of a capture come faster.
          const film = (layout ??= new AviLayout(target.isRecording === true ? agreedRate : undefined));
          return { pieces: pictures.flatMap((picture) => film.add(picture)), counts };
        }),
      );
      return withTail(steps, () => {
        if (layout === undefined) return [];
        const { tail, head } = layout.finish();
        return [...tail, { at: 0, bytes: head }];
      });
    }),
};

import { defer, from, map, toArray } from "rxjs";
import { toPng } from "../../../operators/node/index.js";
import { rawFormats } from "../video/choose-picture.js";
import type { CaptureFormat } from "./format.js";
import { capturedPictures } from "./pictures.js";

/** Still pictures, each a file. */
export const png: CaptureFormat = {
  name: "png",
  description: "a still picture of a camera; --count for several",
  extensions: ["png"],
  needsFile: false,
  media: "pictures",
  isSeries: true,
  badFrames: ["skip", "keep"],
  virtual: "camera",
  capture: (target, context) =>
    defer(() => {
      let written = 0;
      const one = { ...context, count: context.count ?? 1 };
      return capturedPictures(target, one, rawFormats, ({ pictures, counts, incomplete }) => {
        written += pictures.length;
        return from(pictures).pipe(
          toPng(),
          toArray(),
          map((pieces) => ({ pieces, counts, pictures: { written, incomplete } })),
        );
      });
    }),
};

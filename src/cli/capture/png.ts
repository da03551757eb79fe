import { from, map, toArray } from "rxjs";
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
    capturedPictures(
      target,
      { ...context, count: context.count ?? 1 },
      rawFormats,
      ({ pictures, before, counts, incomplete }) =>
        from(pictures).pipe(
          toPng(),
          toArray(),
          map((pieces) => ({ pieces, counts, pictures: { written: before + pictures.length, incomplete } })),
        ),
    ),
};

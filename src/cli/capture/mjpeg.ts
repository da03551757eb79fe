import { of } from "rxjs";
import type { CaptureFormat } from "./format.js";
import { capturedPictures } from "./pictures.js";

/** JPEG files one after the other, as ffmpeg and players read them from a pipe. */
export const mjpeg: CaptureFormat = {
  name: "mjpeg",
  description: "a camera's JPEGs, one after the other",
  extensions: ["mjpeg", "mjpg"],
  needsFile: false,
  media: "pictures",
  badFrames: ["skip", "keep"],
  virtual: "camera",
  capture: (target, context) =>
    capturedPictures(target, context, ["mjpeg"], ({ pictures, before, counts, incomplete }) =>
      of({
        pieces: pictures.map(({ data }) => data),
        counts,
        pictures: { written: before + pictures.length, incomplete },
      }),
    ),
};

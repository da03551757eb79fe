import { InvalidRequestError } from "../../src/index.js";
import type { CameraPicture } from "../../src/picture.js";
import { rgbOf } from "../../src/yuv.js";

/**
 * The pixels of an uncompressed picture as RGB, three bytes each, as `toRgba` of `rx-isoch/class/uvc` has them by default.
 *
 * @throws {@link InvalidRequestError} `invalid-option` for another format, `length-mismatch` for a picture that came short
 * @internal
 */
export function toRgb({ format, width, height, data }: CameraPicture): Uint8Array {
  const pixels = width * height;
  // Two pixels, of two lines as well in NV12, have their colour together.
  const evenWidth = 2 * Math.ceil(width / 2);
  const size = format === "nv12" ? pixels + evenWidth * Math.ceil(height / 2) : 2 * evenWidth * height;
  if (format !== "yuy2" && format !== "nv12") {
    const advice = format === "mjpeg" ? "its data is a JPEG already: write jpegFile(data)" : "hand over YUY2 or NV12";
    throw new InvalidRequestError("invalid-option", `a picture of ${format} has no pixels to take: ${advice}`);
  }
  if (data.length < size) {
    throw new InvalidRequestError(
      "length-mismatch",
      `a picture of ${format}, ${width} × ${height}, has ${size} bytes, and this one ${data.length}: leave out those that came short`,
    );
  }
  return new Uint8Array(rgbOf({ format, width, height, data }, 3).buffer);
}

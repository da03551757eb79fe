import { InvalidRequestError } from "../../errors.js";
import { oneOf, wholeNumber } from "../../numbers.js";
import { rgbOf } from "../../yuv.js";
import type { VideoFrame } from "./video-frame.js";

/** How {@link toRgba} reads colours. */
export interface RgbaOptions {
  /**
   * The matrix between YCbCr and RGB: that of the colour matching descriptor, where there is one. Default: `bt601`,
   * the one that UVC says for devices without (UVC 1.5, 3.9.2.6).
   */
  readonly matrix?: "bt601" | "bt709" | undefined;
}

/**
 * A raw picture as red, green, blue and opacity, a byte each, from the top left: what an `ImageData` takes. The
 * result is new, and the caller's. Pixels that an incomplete frame lacks are black.
 *
 * @throws `InvalidRequestError` `invalid-option` for a format that is not raw: a JPEG is for a decoder
 *
 * @example
 * ```ts
 * import { toRgba, type VideoFrame } from "rx-isoch/class/uvc";
 *
 * export const picture = (frame: VideoFrame) => ({ width: frame.width, height: frame.height, data: toRgba(frame) });
 * ```
 */
export function toRgba(
  frame: Pick<VideoFrame, "format" | "width" | "height"> & { readonly data: Uint8Array },
  { matrix = "bt601" }: RgbaOptions = {},
): Uint8ClampedArray<ArrayBuffer> {
  const { format, data } = frame;
  const width = wholeNumber("width", frame.width, 1, 0xffff);
  const height = wholeNumber("height", frame.height, 1, 0xffff);
  const chosen = oneOf("matrix", matrix, ["bt601", "bt709"]);
  if (format !== "yuy2" && format !== "nv12") {
    throw new InvalidRequestError(
      "invalid-option",
      `a frame of ${format} is no raw picture: decode it first, as ImageDecoder or ffmpeg do, or choose yuy2 or nv12`,
    );
  }
  return rgbOf({ format, width, height, data }, 4, chosen);
}

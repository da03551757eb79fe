import { InvalidRequestError } from "../../src/index.js";
import type { CameraPicture } from "../../src/picture.js";

/**
 * The pixels of an uncompressed picture as RGB, three bytes each. The colours are those of ITU-R BT.601
 * with the limited range (16 to 235), as a camera that says nothing else sends them.
 *
 * @throws {@link InvalidRequestError} `invalid-option` for another format, `length-mismatch` for a picture that came short
 * @internal
 */
export function toRgb({ format, width, height, data }: CameraPicture): Uint8Array {
  const pixels = width * height;
  const size = format === "nv12" ? pixels * 1.5 : pixels * 2;
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
  const rgb = new Uint8ClampedArray(pixels * 3);
  for (let pixel = 0, to = 0; pixel < pixels; pixel++, to += 3) {
    const column = pixel % width;
    const chroma =
      format === "yuy2"
        ? (pixel - (column % 2)) * 2 + 1
        : pixels + (((pixel - column) / width) >> 1) * width + column - (column % 2);
    const y = ((data[format === "yuy2" ? pixel * 2 : pixel] ?? 0) - 16) * 1.164_383;
    const u = (data[chroma] ?? 128) - 128;
    const v = (data[chroma + (format === "yuy2" ? 2 : 1)] ?? 128) - 128;
    rgb[to] = y + 1.596_027 * v;
    rgb[to + 1] = y - 0.391_762 * u - 0.812_968 * v;
    rgb[to + 2] = y + 2.017_232 * u;
  }
  return new Uint8Array(rgb.buffer);
}

import type { VideoEncoding } from "./model.js";

/**
 * Bytes of a raw picture; `undefined` where the format does not tell.
 * @internal
 */
export function pictureBytes(format: VideoEncoding, width: number, height: number): number | undefined {
  if (format === "yuy2") return Math.ceil(width / 2) * 4 * height;
  if (format === "nv12") return width * height + 2 * Math.ceil(width / 2) * Math.ceil(height / 2);
  return undefined;
}

import { InvalidRequestError } from "../../src/index.js";
import type { PcmFormat } from "../../src/pcm.js";
import type { PictureFormat } from "../../src/picture.js";
import { sampleName } from "./sample-name.js";

const pixelFormats: Readonly<Record<string, string>> = { yuy2: "yuyv422", nv12: "nv12" };

/**
 * The arguments with which ffmpeg reads the pictures of a camera from its standard input: those of the
 * format, then `-i pipe:0`.
 *
 * Errors: {@link InvalidRequestError} `invalid-option`, thrown, for a format that is not MJPEG, YUY2 or
 * NV12.
 *
 * @param picture what the pictures are, and how many of them come in a second
 *
 * @example
 * ```ts
 * import { pictureInput } from "rx-isoch/operators/node";
 *
 * // ["-f", "rawvideo", "-pixel_format", "yuyv422", "-video_size", "640x480", "-framerate", "30", "-i", "pipe:0"]
 * export const input = pictureInput({ format: "yuy2", width: 640, height: 480, framesPerSecond: 30 });
 * ```
 */
export function pictureInput(picture: PictureFormat & { readonly framesPerSecond: number }): string[] {
  const { format, width, height, framesPerSecond } = picture;
  const rate = ["-framerate", String(framesPerSecond), "-i", "pipe:0"];
  if (format === "mjpeg") return ["-f", "mjpeg", ...rate];
  const pixelFormat = pixelFormats[format];
  if (pixelFormat === undefined) {
    throw new InvalidRequestError("invalid-option", `pictures are mjpeg, yuy2 or nv12, not ${format}`);
  }
  return ["-f", "rawvideo", "-pixel_format", pixelFormat, "-video_size", `${width}x${height}`, ...rate];
}

/**
 * The arguments with which ffmpeg reads PCM from its standard input: those of the format, then
 * `-i pipe:0`.
 *
 * Errors: {@link InvalidRequestError} `invalid-option`, thrown, for samples of a kind and size that it does
 * not know.
 *
 * @example
 * ```ts
 * import { pcmInput } from "rx-isoch/operators/node";
 *
 * // ["-f", "s16le", "-ar", "48000", "-ac", "2", "-i", "pipe:0"]
 * export const input = pcmInput({ sampleRate: 48000, channels: 2, bits: 16 });
 * ```
 */
export function pcmInput(format: PcmFormat): string[] {
  const name = sampleName(format);
  const { sampleRate, channels } = format;
  if (!/^(s8|u8|[sf]32|f64|s16|s24)$/.test(name)) {
    throw new InvalidRequestError("invalid-option", `ffmpeg does not know samples of ${name}`);
  }
  const raw = name.endsWith("8") ? name : `${name}le`;
  return ["-f", raw, "-ar", String(sampleRate), "-ac", String(channels), "-i", "pipe:0"];
}

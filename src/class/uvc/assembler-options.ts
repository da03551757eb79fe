import { InvalidRequestError } from "../../errors.js";
import { oneOf, wholeNumber } from "../../numbers.js";
import type { VideoEncoding } from "./model.js";
import { pictureBytes } from "./raw-pictures.js";

/**
 * What becomes of a video frame in which something is missing or wrong.
 *
 * - `drop`: it is not emitted, and counted.
 * - `emit`: it is emitted, with what is wrong in `VideoFrame.flaws`, and counted.
 */
export type IncompletePolicy = "drop" | "emit";

/** What a `VideoFrameAssembler` is to expect. */
export interface AssemblerOptions {
  readonly format: VideoEncoding;
  /** In pixels. */
  readonly width: number;
  /** In pixels. */
  readonly height: number;
  /**
   * Bytes of a video frame at most: dwMaxVideoFrameSize as it was committed. Default, and in any case, for
   * `yuy2` and `nv12`: the bytes of a picture.
   */
  readonly maxFrameSize?: number | undefined;
  /** Microseconds from one bus frame to the next, for `VideoFrame.timestamp`. Default: 125. */
  readonly frameDuration?: number | undefined;
  /** Default: `drop`. */
  readonly incomplete?: IncompletePolicy | undefined;
}

/**
 * Every name of a format.
 * @internal
 */
export const videoEncodings = [
  "mjpeg",
  "yuy2",
  "nv12",
  "h264",
  "h265",
  "unknown",
] as const satisfies readonly VideoEncoding[];
const policies = ["drop", "emit"] as const satisfies readonly IncompletePolicy[];

/** Options that are checked, with the defaults filled in. */
type CheckedOptions = { readonly [Name in keyof AssemblerOptions]-?: Exclude<AssemblerOptions[Name], undefined> };

/** @throws {@link InvalidRequestError} */
export function checkAssembly(options: AssemblerOptions): CheckedOptions {
  const format = oneOf("format", options.format, videoEncodings);
  const width = wholeNumber("width", options.width, 1, 0xffff);
  const height = wholeNumber("height", options.height, 1, 0xffff);
  const exact = pictureBytes(format, width, height);
  const { maxFrameSize = exact, frameDuration = 125, incomplete = "drop" } = options;
  if (maxFrameSize === undefined) {
    throw new InvalidRequestError(
      "invalid-option",
      `frames of ${format} differ in length: maxFrameSize must say what was committed`,
    );
  }
  return {
    format,
    width,
    height,
    maxFrameSize: wholeNumber("maxFrameSize", maxFrameSize, exact ?? 1, 2 ** 30),
    frameDuration: wholeNumber("frameDuration", frameDuration, 1, 2 ** 30),
    incomplete: oneOf("incomplete", incomplete, policies),
  };
}

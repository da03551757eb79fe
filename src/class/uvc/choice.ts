import type { ConfigurationDescriptor } from "../../descriptors/model.js";
import { EndpointError, InvalidRequestError } from "../../errors.js";
import { oneOf, wholeNumber } from "../../numbers.js";
import { videoEncodings } from "./assembler-options.js";
import type { VideoEncoding, VideoFormat, VideoFunction, VideoSize, VideoStreaming } from "./model.js";
import { videoFunctions } from "./video-functions.js";
import { nearestInterval } from "./video-size.js";

/** Units of 100 ns in a second. */
const second = 10_000_000;

/** Which picture. What is left out is the device's choice: its first format, that format's default size, its rate. */
export interface VideoSelector {
  readonly format?: VideoEncoding | undefined;
  /** In pixels, exactly. */
  readonly width?: number | undefined;
  /** In pixels, exactly. */
  readonly height?: number | undefined;
  /** Video frames per second; the nearest that the size has is taken. */
  readonly frameRate?: number | undefined;
  /** The streaming interface, where a device has several. */
  readonly interfaceNumber?: number | undefined;
}

/** A picture that a device has. */
export interface VideoChoice {
  readonly function: VideoFunction;
  readonly streaming: VideoStreaming;
  readonly format: VideoFormat;
  readonly size: VideoSize;
  /** In units of 100 ns. */
  readonly interval: number;
}

/**
 * Finds the picture that is meant among those of a device: in the first format that has one. Of several in that,
 * the one whose rate is nearest is taken, and of those the first; so where another format might be faster, name it.
 * Formats that are `unknown` are taken only where they are asked for.
 *
 * @throws `EndpointError` `no-such-endpoint` for a device that sends no video; `InvalidRequestError`
 * `invalid-option` where it has no such picture, with those that it has; `DescriptorError` as
 * {@link videoFunctions}
 *
 * @example
 * ```ts
 * import type { ConfigurationDescriptor } from "rx-isoch";
 * import { chooseVideo } from "rx-isoch/class/uvc";
 *
 * export const vga = (configuration: ConfigurationDescriptor) =>
 *   chooseVideo(configuration, { format: "yuy2", width: 640, height: 480, frameRate: 30 });
 * ```
 */
export function chooseVideo(configuration: ConfigurationDescriptor, selector: VideoSelector = {}): VideoChoice {
  const { format, width, height, frameRate, interfaceNumber } = checkSelector(selector);
  const all = videoFunctions(configuration).flatMap((each) => choicesOf(each));
  const present = all.filter(
    ({ streaming }) => interfaceNumber === undefined || streaming.interfaceNumber === interfaceNumber,
  );
  if (present.length === 0) throw noVideo(interfaceNumber);
  const fitting = present.filter(
    (each) =>
      (format === undefined ? each.format.encoding !== "unknown" : each.format.encoding === format) &&
      (width === undefined || each.size.width === width) &&
      (height === undefined || each.size.height === height),
  );
  const byDefault = width === undefined && height === undefined ? fitting.filter(isDefaultSize) : [];
  const [first, ...others] = byDefault.length > 0 ? byDefault : fitting;
  if (first === undefined) throw noSuchPicture(selector, present);
  if (frameRate === undefined) return first;
  const wanted = Math.round(second / frameRate);
  const timed = [first, ...others]
    .filter((each) => each.format === first.format)
    .map((each) => ({ ...each, interval: nearestInterval(each.size.intervals, wanted) }));
  return timed.reduce((best, each) => (distance(each, wanted) < distance(best, wanted) ? each : best));
}

function choicesOf(video: VideoFunction): VideoChoice[] {
  return video.streaming
    .filter(({ direction }) => direction === "in")
    .flatMap((streaming) =>
      streaming.formats.flatMap((format) =>
        format.sizes.map((size) => ({ function: video, streaming, format, size, interval: size.defaultInterval })),
      ),
    );
}

function isDefaultSize({ format, size }: VideoChoice): boolean {
  return format.defaultSize === size.index;
}

function distance({ interval }: VideoChoice, wanted: number): number {
  return Math.abs(interval - wanted);
}

function checkSelector(selector: VideoSelector): VideoSelector {
  const { format, width, height, frameRate, interfaceNumber } = selector;
  if (format !== undefined) oneOf("format", format, videoEncodings);
  if (width !== undefined) wholeNumber("width", width, 1, 0xffff);
  if (height !== undefined) wholeNumber("height", height, 1, 0xffff);
  if (interfaceNumber !== undefined) wholeNumber("interfaceNumber", interfaceNumber, 0, 255);
  if (frameRate !== undefined && !(Number.isFinite(frameRate) && frameRate > 0 && frameRate <= 10_000)) {
    throw new InvalidRequestError("invalid-number", `frameRate must be from above 0 to 10000, not ${frameRate}`);
  }
  return selector;
}

function noVideo(interfaceNumber: number | undefined): EndpointError {
  const where = interfaceNumber === undefined ? "" : ` in interface ${interfaceNumber}`;
  return new EndpointError(
    "no-such-endpoint",
    `the device has no video to stream${where}: choose a camera that keeps to the USB Video Class`,
  );
}

function noSuchPicture({ format, width, height }: VideoSelector, present: readonly VideoChoice[]): InvalidRequestError {
  const wanted = [format ?? "known format", `${width ?? "any"} × ${height ?? "any"}`].join(", ");
  const there = new Set(present.map(inWords));
  return new InvalidRequestError(
    "invalid-option",
    `the device has no picture of ${wanted}; it has ${[...there].join("; ")}`,
  );
}

/**
 * "mjpeg, 1280 × 720"
 * @internal
 */
export function inWords({ format, size }: Pick<VideoChoice, "format" | "size">): string {
  const name = format.encoding === "unknown" ? `unknown (${format.guid ?? "no GUID"})` : format.encoding;
  return `${name}, ${size.width} × ${size.height}`;
}

/**
 * Video frames per second.
 * @internal
 */
export function rateOf(interval: number): number {
  return Math.round((100 * second) / interval) / 100;
}

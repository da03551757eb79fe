import { DescriptorError, type ConfigurationDescriptor } from "../../index.js";
import { videoFunctions, type VideoFormat, type VideoIntervals, type VideoStreaming } from "../../class/uvc/index.js";
import type { ClassFormats } from "./class-formats.js";

/** Formats, sizes and rates of cameras: of an interface they are those of all its alternate settings. */
export function videoFormats(configuration: ConfigurationDescriptor): ClassFormats {
  const streams = streamsOf(configuration);
  return ({ interfaceNumber, alternateSetting }) =>
    alternateSetting !== 0
      ? []
      : streams
          .filter((each) => each.interfaceNumber === interfaceNumber)
          .flatMap(({ formats, skipped }) => [
            ...formats.flatMap(inWords),
            ...skipped.map(({ reason }) => `a descriptor that cannot be read: ${reason}`),
          ]);
}

function streamsOf(configuration: ConfigurationDescriptor): readonly VideoStreaming[] {
  try {
    return videoFunctions(configuration).flatMap(({ streaming }) => streaming);
  } catch (error) {
    // Its bytes are shown all the same.
    if (DescriptorError.is(error)) return [];
    throw error;
  }
}

/** "yuy2: 640 × 480 at 30, 15 pictures/s" */
function inWords({ encoding, guid, sizes }: VideoFormat): string[] {
  const name = encoding === "unknown" && guid !== undefined ? guid : encoding;
  return sizes.map(({ width, height, intervals }) => `${name}: ${width} × ${height} at ${rates(intervals)} pictures/s`);
}

function rates(intervals: VideoIntervals): string {
  if (intervals.type === "discrete") return intervals.values.map(rate).join(", ");
  return `${rate(intervals.max)} to ${rate(intervals.min)}`;
}

/** Of an interval in units of 100 ns. */
function rate(interval: number): string {
  return String(Math.round(1e9 / interval) / 100);
}

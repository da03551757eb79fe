import { maxJpegLength } from "./jpeg-picture.js";
import type { CameraFormat } from "./test-card.js";

/** Bytes of the header of a payload with PTS and SCR (UVC 1.5, table 2-6). */
export const payloadHeaderLength = 12;

/** Bytes in a microframe of the alternate settings from 1 on. */
export const alternateSizes: readonly number[] = [192, 512, 1024, 2048, 3072];

/** Pictures of a format and a size, at some intervals. */
export interface CameraFrame {
  readonly format: CameraFormat;
  /** bFormatIndex and bFrameIndex. */
  readonly formatIndex: number;
  readonly frameIndex: number;
  readonly width: number;
  readonly height: number;
  /** The most bytes of a picture. */
  readonly maxSize: number;
  /** In units of 100 ns, the shortest first. */
  readonly intervals: readonly number[];
}

/** What a host can choose. */
export interface CameraMode extends CameraFrame {
  /** In units of 100 ns. */
  readonly interval: number;
}

const sizes = [
  [640, 480],
  [320, 240],
  [1280, 720],
] as const;

/** 30, 15, 10 and 5 pictures a second. */
const allIntervals = [333_333, 666_666, 1_000_000, 2_000_000];

function maxSizeOf(format: CameraFormat, width: number, height: number): number {
  switch (format) {
    case "yuy2":
      return 2 * width * height;
    case "nv12":
      return 1.5 * width * height;
    case "mjpeg":
      return maxJpegLength({ width, height });
  }
}

/** Bytes of a payload that bring each picture over within nine tenths of its interval. */
export function payloadSizeOf(maxSize: number, interval: number): number {
  return Math.ceil((maxSize * 1250) / (0.9 * interval)) + payloadHeaderLength;
}

/** By bFormatIndex and bFrameIndex, each less one: all that there is bandwidth for. */
export function cameraFrames(formats: readonly CameraFormat[]): readonly (readonly CameraFrame[])[] {
  return formats.map((format, formatNumber) =>
    sizes.map(([width, height], frameNumber) => {
      const maxSize = maxSizeOf(format, width, height);
      const most = alternateSizes.at(-1) ?? 0;
      return {
        format,
        formatIndex: formatNumber + 1,
        frameIndex: frameNumber + 1,
        width,
        height,
        maxSize,
        intervals: allIntervals.filter((interval) => payloadSizeOf(maxSize, interval) <= most),
      };
    }),
  );
}

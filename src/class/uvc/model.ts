import type { RawDescriptor } from "../../descriptors/model.js";

/** A descriptor that was passed over, and why. The rest of the function stands without it. */
export interface SkippedDescriptor {
  readonly descriptor: RawDescriptor;
  readonly reason: string;
}

/** A terminal of a video function: where pictures come from or go to (UVC 1.5, 3.7.2.1 and 3.7.2.2). */
export interface VideoTerminal {
  readonly direction: "input" | "output";
  /** bTerminalID. */
  readonly id: number;
  /** wTerminalType, for example 0x0201 for a camera, 0x0101 for USB streaming (UVC 1.5, B.1 to B.3). */
  readonly type: number;
  /** bAssocTerminal, 0 for none. */
  readonly associatedTerminal: number;
  /** bSourceID of an output: the terminal or unit that feeds it. */
  readonly source: number | undefined;
}

/** A unit or terminal descriptor that is kept as it stands, with its bUnitID (UVC 1.5, 3.7.2.3 to 3.7.2.7). */
export interface VideoUnit {
  readonly kind: "selector" | "processing" | "extension" | "encoding";
  /** bUnitID. */
  readonly id: number;
  readonly descriptor: RawDescriptor;
}

/**
 * What the bytes of a video frame are. `mjpeg` is a JPEG a frame; `yuy2` and `nv12` are raw pictures;
 * `h264` and `h265` are a stream, of which a frame is a piece; `unknown` is told by its GUID.
 */
export type VideoEncoding = "mjpeg" | "yuy2" | "nv12" | "h264" | "h265" | "unknown";

/** The intervals from one video frame to the next that a size can have, in units of 100 ns. */
export type VideoIntervals =
  | { readonly type: "discrete"; readonly values: readonly number[] }
  | { readonly type: "stepped"; readonly min: number; readonly max: number; readonly step: number };

/** A size of a format (UVC 1.5, 3.9.2.6; uncompressed, MJPEG and frame-based payloads 1.5, 3.1.2 and 3.2.2). */
export interface VideoSize {
  /** bFrameIndex. */
  readonly index: number;
  readonly width: number;
  readonly height: number;
  /** Bits per second. */
  readonly minBitRate: number;
  /** Bits per second. */
  readonly maxBitRate: number;
  /** dwMaxVideoFrameBufferSize: bytes of a video frame at most, as the device says; 0 in frame-based formats. */
  readonly maxFrameSize: number;
  /** In units of 100 ns; one that the size has. */
  readonly defaultInterval: number;
  readonly intervals: VideoIntervals;
}

/** How colours are meant (UVC 1.5, 3.9.2.6, colour matching); numbers as they stand, 0 for unspecified. */
export interface ColorMatching {
  readonly primaries: number;
  readonly transfer: number;
  /** 4, that of BT.601, is the default. */
  readonly matrix: number;
}

/** A format of a streaming interface, with the sizes that it has. */
export interface VideoFormat {
  /** bFormatIndex. */
  readonly index: number;
  readonly encoding: VideoEncoding;
  /** The GUID as text; of MJPEG, which has none, `undefined`. */
  readonly guid: string | undefined;
  /** bBitsPerPixel, 0 where the format has none. */
  readonly bitsPerPixel: number;
  /** bDefaultFrameIndex. */
  readonly defaultSize: number;
  readonly sizes: readonly VideoSize[];
  readonly color: ColorMatching | undefined;
}

/** A VideoStreaming interface (UVC 1.5, 3.9). */
export interface VideoStreaming {
  readonly interfaceNumber: number;
  /** Seen from the host: `in` for a camera. */
  readonly direction: "in" | "out";
  /** bEndpointAddress of the video endpoint. */
  readonly endpoint: number;
  /** bTerminalLink. */
  readonly terminal: number;
  /** bStillCaptureMethod, 0 for none. */
  readonly stillMethod: number;
  readonly formats: readonly VideoFormat[];
  readonly skipped: readonly SkippedDescriptor[];
}

/** A video function: a VideoControl interface and the streaming interfaces that it names (UVC 1.5, 2.3). */
export interface VideoFunction {
  /** bcdUVC, for example 0x0110. */
  readonly version: number;
  /** dwClockFrequency: of the time stamps in payload headers, in Hz. */
  readonly clockFrequency: number;
  /** The VideoControl interface. */
  readonly interfaceNumber: number;
  readonly terminals: readonly VideoTerminal[];
  readonly units: readonly VideoUnit[];
  readonly streaming: readonly VideoStreaming[];
  readonly skipped: readonly SkippedDescriptor[];
}

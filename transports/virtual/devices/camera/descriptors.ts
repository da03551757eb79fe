import {
  concatenate,
  doubleWord,
  encodeAssociation,
  encodeClassInterface,
  encodeConfiguration,
  encodeInterface,
  encodeIsochEndpoint,
  word,
} from "../../descriptors.js";
import { alternateSizes, type CameraFrame } from "./modes.js";
import type { CameraFormat } from "./test-card.js";

/** bcdUVC: the version of the USB Video Class. */
export type UvcVersion = 0x0100 | 0x0110 | 0x0150;

export const controlInterface = 0;
export const streamingInterface = 1;
/** Ticks a second of the clock in PTS and SCR. */
export const clockFrequency = 48_000_000;

const cameraTerminal = 1;
const streamingTerminal = 2;

/** How a FourCC becomes a GUID. */
function guid(fourCc: string): readonly number[] {
  const code = Array.from(fourCc, (character) => character.charCodeAt(0));
  return [...code, 0x00, 0x00, 0x10, 0x00, 0x80, 0x00, 0x00, 0xaa, 0x00, 0x38, 0x9b, 0x71];
}

/**
 * The configuration of a camera: a terminal that takes pictures and one that sends them, and an interface with an
 * alternate setting for each bandwidth.
 */
export function encodeCamera(
  version: UvcVersion,
  formats: readonly (readonly CameraFrame[])[],
  endpoint: number,
): Uint8Array {
  // bInterfaceProtocol tells a device of UVC 1.5 (UVC 1.5, A.3).
  const protocol = version >= 0x0150 ? 1 : 0;
  return encodeConfiguration(
    2,
    // Video, as a collection of interfaces.
    encodeAssociation(controlInterface, 2, [0x0e, 0x03, 0]),
    encodeInterface(controlInterface, 0, 0, [0x0e, 0x01, protocol]),
    control(version),
    encodeInterface(streamingInterface, 0, 0, [0x0e, 0x02, protocol]),
    streaming(formats, endpoint),
    ...alternateSizes.flatMap((size, i) => [
      encodeInterface(streamingInterface, i + 1, 1, [0x0e, 0x02, protocol]),
      encodeIsochEndpoint(endpoint, packetSize(size)),
    ]),
  );
}

/** wMaxPacketSize: up to three packets of 1024 bytes in a microframe. */
function packetSize(bytes: number): number {
  return bytes <= 1024 ? bytes : 1024 | ((bytes / 1024 - 1) << 11);
}

/** UVC 1.5, 3.7.2. */
function control(version: UvcVersion): Uint8Array {
  const camera = encodeClassInterface(
    0x02,
    ...[cameraTerminal, ...word(0x0201), 0, 0],
    // No lens, no controls.
    ...[...word(0), ...word(0), ...word(0), 3, 0, 0, 0],
  );
  const output = encodeClassInterface(0x03, streamingTerminal, ...word(0x0101), 0, cameraTerminal, 0);
  const total = 13 + camera.length + output.length;
  const header = encodeClassInterface(
    0x01,
    ...word(version),
    ...word(total),
    ...doubleWord(clockFrequency),
    ...[1, streamingInterface],
  );
  return concatenate(header, camera, output);
}

/** UVC 1.5, 3.9.2. */
function streaming(formats: readonly (readonly CameraFrame[])[], endpoint: number): Uint8Array {
  const described = concatenate(...formats.map(describe));
  const total = 13 + formats.length + described.length;
  const header = encodeClassInterface(
    0x01,
    ...[formats.length, ...word(total), endpoint, 0, streamingTerminal],
    // No still pictures, no trigger.
    ...[0, 0, 0, 1, ...formats.map(() => 0)],
  );
  return concatenate(header, described);
}

/** A format, its frames and its colours. */
function describe(frames: readonly CameraFrame[]): Uint8Array {
  const [{ format, formatIndex } = { format: "yuy2" as CameraFormat, formatIndex: 1 }] = frames;
  const isCompressed = format === "mjpeg";
  const rest = [1, 0, 0, 0, 0];
  const header = isCompressed
    ? encodeClassInterface(0x06, formatIndex, frames.length, 0, ...rest)
    : encodeClassInterface(
        0x04,
        ...[formatIndex, frames.length, ...guid(format.toUpperCase()), format === "yuy2" ? 16 : 12],
        ...rest,
      );
  // Primaries and transfer of BT.709, matrix of SMPTE 170M (BT.601).
  const colours = encodeClassInterface(0x0d, 1, 1, 4);
  return concatenate(header, ...frames.map((frame) => describeFrame(frame, isCompressed ? 0x07 : 0x05)), colours);
}

function describeFrame({ frameIndex, width, height, maxSize, intervals }: CameraFrame, subtype: number): Uint8Array {
  const shortest = intervals[0] ?? 0;
  const bitRate = (interval: number): number => Math.floor((maxSize * 8 * 1e7) / interval);
  return encodeClassInterface(
    subtype,
    ...[frameIndex, 0, ...word(width), ...word(height)],
    ...[...doubleWord(bitRate(intervals.at(-1) ?? shortest)), ...doubleWord(bitRate(shortest))],
    ...[...doubleWord(maxSize), ...doubleWord(shortest), intervals.length],
    ...intervals.flatMap((interval) => doubleWord(interval)),
  );
}

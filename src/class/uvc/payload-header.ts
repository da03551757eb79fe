/**
 * Bits of bmHeaderInfo (UVC 1.5, table 2-6).
 * @internal
 */
export const headerBits = {
  frameId: 0x01,
  endOfFrame: 0x02,
  presentationTime: 0x04,
  sourceClock: 0x08,
  payloadSpecific: 0x10,
  still: 0x20,
  error: 0x40,
  endOfHeader: 0x80,
} as const;

/**
 * bHeaderLength and bmHeaderInfo: the least that a header has.
 * @internal
 */
export const leastHeader = 2;

/** The clock of the source when a payload was made (UVC 1.5, table 2-6, SCR). */
export interface SourceClock {
  /** Source time clock, in units of {@link VideoFunction.clockFrequency}; 32 bits that wrap. */
  readonly time: number;
  /** The frame number of the bus then, in milliseconds; 11 bits that wrap. */
  readonly busFrame: number;
}

/** The header of a payload (UVC 1.5, 2.4.3.3). */
export interface PayloadHeader {
  /** bHeaderLength: where the payload begins. */
  readonly length: number;
  /** FID: toggles with each video frame. */
  readonly frameId: 0 | 1;
  /** EOF: the last payload of its video frame. */
  readonly endOfFrame: boolean;
  /** PTS, in units of {@link VideoFunction.clockFrequency}. */
  readonly pts: number | undefined;
  /** SCR. */
  readonly scr: SourceClock | undefined;
  /** RES: what it means depends on the format. */
  readonly payloadSpecific: boolean;
  /** STI: part of a still image. */
  readonly still: boolean;
  /** ERR: something went wrong in the device. */
  readonly error: boolean;
  /** EOH: the end of the header fields; devices forget it. */
  readonly endOfHeader: boolean;
}

/**
 * Reads the header at the beginning of a packet, or `undefined` where there is none: a packet without bytes, and
 * a bHeaderLength that lies, of less than 2 or of more than the packet has.
 *
 * Time stamps for which the header is too short are left out, although it announces them; what lies behind
 * them in a longer one is passed over.
 *
 * @param length of the packet, default: to the end of `bytes`
 *
 * @example
 * ```ts
 * import type { FrameResult } from "rx-isoch";
 * import { parsePayloadHeader } from "rx-isoch/class/uvc";
 *
 * export const beginsAnew = (before: FrameResult, { data }: FrameResult) =>
 *   parsePayloadHeader(before.data)?.frameId !== parsePayloadHeader(data)?.frameId;
 * ```
 */
export function parsePayloadHeader(
  bytes: Uint8Array,
  offset = 0,
  length = bytes.length - offset,
): PayloadHeader | undefined {
  const end = bytes[offset] ?? 0;
  if (length < leastHeader || end < leastHeader || end > length) return undefined;
  const info = bytes[offset + 1] ?? 0;
  const has = (bit: number) => (info & bit) !== 0;
  return {
    length: end,
    frameId: (info & headerBits.frameId) as 0 | 1,
    endOfFrame: has(headerBits.endOfFrame),
    pts: presentationTime(bytes, offset),
    scr: sourceClock(bytes, offset),
    payloadSpecific: has(headerBits.payloadSpecific),
    still: has(headerBits.still),
    error: has(headerBits.error),
    endOfHeader: has(headerBits.endOfHeader),
  };
}

/**
 * PTS of the header at `offset`, if it has one.
 * @internal
 */
export function presentationTime(bytes: Uint8Array, offset: number): number | undefined {
  const info = bytes[offset + 1] ?? 0;
  if ((info & headerBits.presentationTime) === 0 || (bytes[offset] ?? 0) < leastHeader + 4) return undefined;
  return uint32(bytes, offset + leastHeader);
}

/**
 * SCR of the header at `offset`, if it has one.
 * @internal
 */
export function sourceClock(bytes: Uint8Array, offset: number): SourceClock | undefined {
  const info = bytes[offset + 1] ?? 0;
  const at = leastHeader + ((info & headerBits.presentationTime) === 0 ? 0 : 4);
  if ((info & headerBits.sourceClock) === 0 || (bytes[offset] ?? 0) < at + 6) return undefined;
  const low = bytes[offset + at + 4] ?? 0;
  const high = bytes[offset + at + 5] ?? 0;
  return { time: uint32(bytes, offset + at), busFrame: ((high << 8) | low) & 0x7ff };
}

/**
 * Whether a header is too short for the time stamps that it announces.
 * @internal
 */
export function isCutShort(length: number, info: number): boolean {
  const pts = (info & headerBits.presentationTime) === 0 ? 0 : 4;
  const scr = (info & headerBits.sourceClock) === 0 ? 0 : 6;
  return length < leastHeader + pts + scr;
}

function uint32(bytes: Uint8Array, at: number): number {
  const low = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16);
  return low + (bytes[at + 3] ?? 0) * 2 ** 24;
}

/** bmHint: the device is to keep dwFrameInterval (UVC 1.5, table 4-75). */
const keepInterval = 0x0001;

/** Lengths of the probe and commit controls in UVC 1.0, 1.1 and 1.5. */
const lengths = [26, 34, 48] as const;

/** The fields of a probe or commit control that have a meaning here (UVC 1.5, 4.3.1.1). */
export interface VideoProbe {
  /** bFormatIndex. */
  readonly formatIndex: number;
  /** bFrameIndex. */
  readonly sizeIndex: number;
  /** dwFrameInterval, in units of 100 ns. */
  readonly interval: number;
  /** wDelay: milliseconds from capture to the bus. */
  readonly delay: number;
  /** dwMaxVideoFrameSize, in bytes. */
  readonly maxFrameSize: number;
  /** dwMaxPayloadTransferSize, in bytes: of one service interval, header included. */
  readonly maxPayloadSize: number;
  /** dwClockFrequency, from UVC 1.1 on, where the answer goes so far. */
  readonly clockFrequency: number | undefined;
  /** What the device sent, or is to be sent, as it stands. */
  readonly bytes: Uint8Array;
}

/** Bytes of a probe control for a bcdUVC. */
export function probeLength(version: number): number {
  if (version >= 0x0150) return lengths[2];
  return version >= 0x0110 ? lengths[1] : lengths[0];
}

/**
 * The length that a device speaks, if it answered with fewer bytes than its version has: the longest of the
 * three that its answer fills.
 */
export function spokenLength(answered: number, expected: number): number {
  return lengths.findLast((length) => length <= answered && length <= expected) ?? expected;
}

/** Reads a control, however short. Fields that it does not reach are 0. */
export function parseProbe(bytes: Uint8Array): VideoProbe {
  const whole = new Uint8Array(Math.max(bytes.length, lengths[2]));
  whole.set(bytes);
  const fields = new DataView(whole.buffer);
  return {
    formatIndex: fields.getUint8(2),
    sizeIndex: fields.getUint8(3),
    interval: fields.getUint32(4, true),
    delay: fields.getUint16(16, true),
    maxFrameSize: fields.getUint32(18, true),
    maxPayloadSize: fields.getUint32(22, true),
    clockFrequency: bytes.length >= lengths[1] ? fields.getUint32(26, true) : undefined,
    bytes,
  };
}

/** A control of `length` bytes that asks for this; what has no meaning here is taken from `base`. */
export function encodeProbe(
  base: Uint8Array,
  length: number,
  { formatIndex, sizeIndex, interval }: Pick<VideoProbe, "formatIndex" | "sizeIndex" | "interval">,
): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes.set(base.subarray(0, length));
  const fields = new DataView(bytes.buffer);
  fields.setUint16(0, keepInterval, true);
  fields.setUint8(2, formatIndex);
  fields.setUint8(3, sizeIndex);
  fields.setUint32(4, interval, true);
  return bytes;
}

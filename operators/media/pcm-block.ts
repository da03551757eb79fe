import { InvalidRequestError } from "../../src/index.js";
import { oneOf, wholeNumber } from "../../src/numbers.js";
import { slotSize, type PcmFormat } from "../../src/pcm.js";

/** How samples stand on the wire: what they are, and how often a packet of them comes. */
export interface PcmWireFormat extends PcmFormat {
  /** Microseconds from one packet to the next: `PipeEndpoint.frameDuration`. Default: 1000. */
  readonly frameDuration?: number | undefined;
}

/** A {@link PcmWireFormat} with nothing left out. */
export type CompletePcmFormat = { readonly [K in keyof PcmWireFormat]-?: NonNullable<PcmWireFormat[K]> };

/**
 * Checks a format, and fills in what it leaves out.
 *
 * @throws {@link InvalidRequestError}
 * @internal
 */
export function checkPcmFormat(format: PcmWireFormat): CompletePcmFormat {
  const { sampleRate, channels, bits, frameDuration = 1000 } = format;
  const subslotSize = slotSize(format);
  const kind = oneOf("kind", format.kind ?? "pcm", ["pcm", "pcm8", "float"]);
  wholeNumber("sampleRate", sampleRate, 1, 2 ** 20);
  wholeNumber("channels", channels, 1, 255);
  wholeNumber("bits", bits, 1, 64);
  wholeNumber("subslotSize", subslotSize, Math.ceil(bits / 8), 8);
  wholeNumber("frameDuration", frameDuration, 125, 125 * 2 ** 15);
  return { sampleRate, channels, bits, subslotSize, kind, frameDuration };
}

/** What a {@link PcmBlock} is made of. */
export interface PcmBlockInit {
  readonly format: PcmWireFormat;
  /** Whole frames. The array becomes the block's own. */
  readonly data: Uint8Array;
  /** Default: 0. */
  readonly firstFrame?: number | undefined;
  /** Default: 0. */
  readonly lost?: number | undefined;
  /** Microseconds. Default: 0. */
  readonly timestamp?: number | undefined;
}

/**
 * Audio, as it came over the wire. A frame, here, is one sample of every channel.
 *
 * @example
 * ```ts
 * import type { PcmBlock } from "rx-isoch/operators/media";
 *
 * export function peak(block: PcmBlock): number {
 *   let most = 0;
 *   for (const sample of block.float32()) most = Math.max(most, Math.abs(sample));
 *   return most;
 * }
 * ```
 */
export class PcmBlock {
  /** The first frame, counted from 0 since the stream began, lost ones included: a jump is a visible loss. */
  readonly firstFrame: number;
  /** Frames in this block. 0 in the one case of a loss that nothing follows. */
  readonly frames: number;
  readonly channels: number;
  /** Frames in a second. */
  readonly sampleRate: number;
  /** How the samples stand in `data`. */
  readonly format: CompletePcmFormat;
  /** The samples, channels interleaved, as they were on the wire. They are the receiver's. */
  readonly data: Uint8Array;
  /**
   * Frames that were lost, at the nominal rate: directly before this block, or, under the policy `silence`, those
   * of this block itself.
   */
  readonly lost: number;
  /** When its transfer completed, in microseconds, monotonic: `IsochResults.timestamp`. */
  readonly timestamp: number;

  /** @throws `InvalidRequestError` for a format that cannot be */
  constructor({ format, data, firstFrame = 0, lost = 0, timestamp = 0 }: PcmBlockInit) {
    const { channels, sampleRate, subslotSize } = (this.format = checkPcmFormat(format));
    this.channels = channels;
    this.sampleRate = sampleRate;
    this.firstFrame = firstFrame;
    this.frames = Math.floor(data.length / (channels * subslotSize));
    this.data = data;
    this.lost = lost;
    this.timestamp = timestamp;
  }

  /**
   * The samples as 16-bit numbers: a view of `data`, or a copy where that does not begin on an even byte.
   *
   * @throws `InvalidRequestError` `invalid-option` where the samples are not signed numbers in two bytes
   */
  int16(): Int16Array {
    const { kind, subslotSize } = this.format;
    if (kind !== "pcm" || subslotSize !== 2) {
      throw new InvalidRequestError(
        "invalid-option",
        `samples of ${subslotSize} bytes (${kind}) are no 16-bit numbers: take float32()`,
      );
    }
    const count = this.frames * this.channels;
    if (isLittleEndian) {
      const { buffer, byteOffset } = byteOffsetFits(this.data, 2) ? this.data : this.data.slice();
      return new Int16Array(buffer, byteOffset, count);
    }
    const view = viewOf(this.data);
    return Int16Array.from({ length: count }, (_, i) => view.getInt16(2 * i, true));
  }

  /** The samples from -1 to 1: computed, or, where they are floating-point numbers of four bytes, as {@link PcmBlock.int16} does. */
  float32(): Float32Array {
    const { kind, subslotSize } = this.format;
    const count = this.frames * this.channels;
    if (kind === "float" && subslotSize === 4 && isLittleEndian) {
      const { buffer, byteOffset } = byteOffsetFits(this.data, 4) ? this.data : this.data.slice();
      return new Float32Array(buffer, byteOffset, count);
    }
    const view = viewOf(this.data);
    const samples = new Float32Array(count);
    const read = reader(kind, subslotSize);
    for (let i = 0; i < count; i++) samples[i] = read(view, i * subslotSize);
    return samples;
  }
}

const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

function byteOffsetFits({ byteOffset }: Uint8Array, size: number): boolean {
  return byteOffset % size === 0;
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

/** How one sample is read. A number with fewer bits than its slot stands in the upper ones, so the slot is the number. */
function reader(kind: CompletePcmFormat["kind"], size: number): (view: DataView, offset: number) => number {
  if (kind === "float") {
    return size === 8 ? (view, at) => view.getFloat64(at, true) : (view, at) => view.getFloat32(at, true);
  }
  if (kind === "pcm8") return (view, at) => (view.getUint8(at + size - 1) - 128) / 128;
  switch (size) {
    case 1:
      return (view, at) => view.getInt8(at) / 128;
    case 2:
      return (view, at) => view.getInt16(at, true) / 32_768;
    case 3:
      return (view, at) => (view.getUint16(at, true) + view.getInt8(at + 2) * 65_536) / 8_388_608;
    default:
      return (view, at) => view.getInt32(at + size - 4, true) / 2_147_483_648;
  }
}

/** How samples stand, and how many there are: little endian, the channels in turn. */
export interface PcmFormat {
  /** Samples of each channel in a second. */
  readonly sampleRate: number;
  readonly channels: number;
  /** Bits of a sample of one channel that mean something. */
  readonly bits: number;
  /** Bytes of a sample of one channel, whose upper bits are the sample. Default: as many as the bits need. */
  readonly subslotSize?: number | undefined;
  /** `pcm` is signed, `pcm8` unsigned, `float` IEEE 754. Default: `pcm`. */
  readonly kind?: "pcm" | "pcm8" | "float" | undefined;
}

/** Sound as a microphone sends it: what `microphone` of `rx-isoch/operators/media` emits fits. */
export interface PcmSamples {
  readonly format: PcmFormat;
  /** Whole samples. */
  readonly data: Uint8Array;
  /** Samples of each channel that were lost. Default: none. */
  readonly lost?: number | undefined;
}

/**
 * Bytes of a sample of one channel.
 * @internal
 */
export function slotSize({ bits, subslotSize = Math.ceil(bits / 8) }: PcmFormat): number {
  return subslotSize;
}

/**
 * A {@link PcmFormat} in a few letters, as ffmpeg names the most of them: `s16`, `u8`, `f32`.
 * @internal
 */
export function sampleName(format: PcmFormat): string {
  const { kind = "pcm" } = format;
  return `${{ pcm: "s", pcm8: "u", float: "f" }[kind]}${slotSize(format) * 8}`;
}

/** What pictures are. */
export interface PictureFormat {
  /** `MJPEG`: a JPEG; `YUY2`: Y0 U Y1 V; `NV12`: a plane of Y, then one of U and V in turn. */
  readonly format: string;
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
}

/** A picture as a camera sends it: what `camera` of `rx-isoch/operators/media` emits fits. */
export interface CameraPicture extends PictureFormat {
  readonly data: Uint8Array;
}

/** One that tells its time. */
export interface TimedPicture extends CameraPicture {
  /** Microseconds. */
  readonly timestamp: number;
}

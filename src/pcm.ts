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

/** Sound that tells its time. */
export interface TimedPcm extends PcmSamples {
  /** Microseconds. */
  readonly timestamp: number;
}

/**
 * Bytes of a sample of one channel.
 * @internal
 */
export function slotSize({ bits, subslotSize = Math.ceil(bits / 8) }: PcmFormat): number {
  return subslotSize;
}

/** A picture as a camera sends it: what `rx-isoch/class/uvc` assembles fits. */
export interface CameraPicture {
  /** `MJPEG`: a JPEG; `YUY2`: Y0 U Y1 V; `NV12`: a plane of Y, then one of U and V in turn. */
  readonly format: string;
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
  readonly data: Uint8Array;
  /** Microseconds. */
  readonly timestamp: number;
}

/** Sound as a microphone sends it: what `rx-isoch/class/uac` assembles fits. */
export interface PcmSamples {
  /** Samples in a second, of each channel. */
  readonly sampleRate: number;
  readonly channels: number;
  /** 8, 16, 24 or 32: signed, little endian. */
  readonly bitsPerSample: number;
  /** The channels in turn. */
  readonly data: Uint8Array;
  /** Microseconds, of the first sample. */
  readonly timestamp: number;
}

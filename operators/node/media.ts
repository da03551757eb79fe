/** What PCM is: signed, little endian, the channels in turn. */
export interface PcmFormat {
  /** Samples in a second, of each channel. */
  readonly sampleRate: number;
  readonly channels: number;
  /** 8, 16, 24 or 32. */
  readonly bitsPerSample: number;
}

/** Sound as a microphone sends it: what `rx-isoch/class/uac` assembles fits. */
export interface PcmSamples extends PcmFormat {
  readonly data: Uint8Array;
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

/** A picture as a camera sends it: what `rx-isoch/class/uvc` assembles fits. */
export interface CameraPicture extends PictureFormat {
  readonly data: Uint8Array;
}

/** One that tells its time. */
export interface TimedPicture extends CameraPicture {
  /** Microseconds. */
  readonly timestamp: number;
}

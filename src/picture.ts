/** What pictures are. */
export interface PictureFormat {
  /** `mjpeg`: a JPEG; `yuy2`: Y0 U Y1 V; `nv12`: a plane of Y, then one of U and V in turn. */
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

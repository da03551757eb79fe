import type { OperatorFunction } from "rxjs";
import { FrameError, InvalidRequestError, type QueueOptions } from "../../src/index.js";
import { inWords } from "../../src/errors.js";
import { jpegFile } from "../../src/jpeg-file.js";
import type { CameraPicture, TimedPicture } from "../../src/picture.js";
import { writeAll } from "../../src/sink.js";
import { globalClass } from "./global-class.js";

/** What is known of every `VideoFrame`. With the class of the browser at hand, name it: it has the rest. */
export interface ClosableFrame {
  readonly timestamp: number;
  /** Gives its memory back. */
  close(): void;
}

/** What is said of pixels to make WebCodecs' `VideoFrame` of them. */
export interface PixelLayout {
  readonly format: "I422" | "NV12";
  readonly codedWidth: number;
  readonly codedHeight: number;
  /** Microseconds. */
  readonly timestamp: number;
}

/** The class `VideoFrame` of WebCodecs, as far as it is used. */
export interface VideoFrameClass<F extends ClosableFrame> {
  new (data: Uint8Array<ArrayBuffer>, layout: PixelLayout): F;
  new (image: F, init: { readonly timestamp: number }): F;
}

/** The class `ImageDecoder` of WebCodecs, as far as it is used. */
export type ImageDecoderClass<F extends ClosableFrame> = new (init: {
  readonly data: Uint8Array<ArrayBuffer>;
  readonly type: string;
}) => {
  /** The first image of the file, the receiver's to close. */
  decode(): Promise<{ readonly image: F }>;
  /** Gives its memory back. */
  close(): void;
};

/** How {@link toVideoFrames} makes frames. */
export type ToVideoFramesOptions<F extends ClosableFrame> = QueueOptions<TimedPicture> & {
  /** Default: `globalThis.VideoFrame`. */
  readonly VideoFrame?: VideoFrameClass<F> | undefined;
  /** For MJPEG only. Default: `globalThis.ImageDecoder`. */
  readonly ImageDecoder?: ImageDecoderClass<F> | undefined;
};

/**
 * Turns pictures of a camera into WebCodecs' `VideoFrame`, as canvases, `VideoEncoder` and WebGPU take
 * it: MJPEG through `ImageDecoder` (as {@link jpegFile} makes it whole), NV12 as it is, YUY2 with its planes taken apart (I422). One after
 * the other, in order, each with the timestamp of its picture.
 *
 * Decoding takes time. Pictures that come meanwhile wait, at most `queue`; what happens when that is
 * full is an option with a name: see {@link QueueOptions}. A picture that cannot be decoded ends
 * nothing where `lost` is told of it.
 *
 * What is emitted is the receiver's, to `close()`: browsers have memory for a few of them only, and
 * cameras stop where none are closed. What is decoded after an unsubscribe is closed by this.
 *
 * Errors: `UnsupportedError` `unsupported` where WebCodecs is not there; without `lost`,
 * {@link FrameError} `bad-frame` for a picture that cannot be decoded and `OverflowError`
 * `overflow`; {@link InvalidRequestError} `invalid-option` for another format.
 *
 * @example
 * ```ts
 * import { toVideoFrames, type TimedPicture } from "rx-isoch/operators/streams";
 * import type { Observable } from "rxjs";
 *
 * // The latest picture, and none that is older: what is shown live should not lag.
 * export const live = (pictures: Observable<TimedPicture>, dropped: () => void) =>
 *   pictures.pipe(toVideoFrames({ queue: 1, overflow: "drop-oldest", lost: dropped }));
 * ```
 *
 * @see toAudioData
 */
export function toVideoFrames<F extends ClosableFrame = ClosableFrame>(
  options: ToVideoFramesOptions<F> = {},
): OperatorFunction<TimedPicture, F> {
  return (source) =>
    writeAll<TimedPicture, F>(source, options, ({ emit }) => {
      const VideoFrame = globalClass("VideoFrame", options.VideoFrame);
      let isOver = false;
      const decode = async (picture: TimedPicture) => {
        const ImageDecoder = globalClass("ImageDecoder", options.ImageDecoder);
        const frame = await decoded(picture, ImageDecoder, VideoFrame).catch((error: unknown) => {
          if (!("lost" in options)) throw badPicture(error);
          options.lost(picture);
          return undefined;
        });
        if (!isOver && frame !== undefined) emit(frame);
        else frame?.close();
      };
      return {
        write: (picture) => {
          if (picture.format === "mjpeg") return decode(picture);
          const { width, height, timestamp } = picture;
          const { format, data } = planesOf(picture);
          emit(new VideoFrame(data, { format, codedWidth: width, codedHeight: height, timestamp }));
          return undefined;
        },
        close: () => Promise.resolve(undefined),
        abort: () => {
          isOver = true;
          return Promise.resolve();
        },
      };
    });
}

async function decoded<F extends ClosableFrame>(
  { data, timestamp }: TimedPicture,
  ImageDecoder: ImageDecoderClass<F>,
  VideoFrame: VideoFrameClass<F>,
): Promise<F> {
  const decoder = new ImageDecoder({ data: Uint8Array.from(jpegFile(data)), type: "image/jpeg" });
  try {
    const { image } = await decoder.decode();
    try {
      return new VideoFrame(image, { timestamp });
    } finally {
      image.close();
    }
  } finally {
    decoder.close();
  }
}

function badPicture(error: unknown): FrameError {
  return new FrameError("bad-frame", `a picture cannot be decoded (${inWords(error)}): to go on, give lost`, {
    cause: error,
  });
}

function planesOf({ format, width, height, data }: CameraPicture): {
  readonly format: PixelLayout["format"];
  readonly data: Uint8Array<ArrayBuffer>;
} {
  const size = format === "nv12" ? (width * height * 3) / 2 : width * height * 2;
  if (format !== "yuy2" && format !== "nv12") {
    throw new InvalidRequestError("invalid-option", `pictures are mjpeg, yuy2 or nv12, not ${format}`);
  }
  // A picture that came short is one that can be seen in part.
  const whole = new Uint8Array(size);
  if (format === "nv12") {
    whole.fill(0x80, width * height);
    whole.set(data.subarray(0, size));
    return { format: "NV12", data: whole };
  }
  const pixels = width * height;
  for (let from = 0, y = 0, u = pixels, v = pixels * 1.5; from + 3 < size; from += 4) {
    whole[y++] = data[from] ?? 0;
    whole[u++] = data[from + 1] ?? 0x80;
    whole[y++] = data[from + 2] ?? 0;
    whole[v++] = data[from + 3] ?? 0x80;
  }
  return { format: "I422", data: whole };
}

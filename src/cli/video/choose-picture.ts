import { DescriptorError, InvalidRequestError, type ConfigurationDescriptor } from "../../index.js";
import {
  chooseVideo,
  videoFunctions,
  type VideoChoice,
  type VideoEncoding,
  type VideoSelector,
} from "../../class/uvc/index.js";

/** What a picture is to be like, as far as it matters. */
export type PictureWish = Pick<VideoSelector, "width" | "height" | "frameRate">;

/** Formats whose pixels can be taken without a decoder. */
export const rawFormats = ["yuy2", "nv12"] as const satisfies readonly VideoEncoding[];

/** Of a picture in a terminal; the nearest that there is will do. */
const viewWidth = 320;

/** Whether a device sends video. */
export function isCamera(configuration: ConfigurationDescriptor): boolean {
  return streamsOf(configuration).length > 0;
}

/**
 * The picture of the first of these formats that a device has like that.
 *
 * @throws as `chooseVideo`
 */
export function choosePicture(
  configuration: ConfigurationDescriptor,
  formats: readonly [VideoEncoding, ...VideoEncoding[]],
  wish: PictureWish,
): VideoChoice {
  let refused: unknown;
  for (const format of formats) {
    try {
      return chooseVideo(configuration, { ...wish, format });
    } catch (error) {
      if (!InvalidRequestError.is(error)) throw error;
      refused ??= error;
    }
  }
  throw refused;
}

/** The picture to look at while a camera streams: a small one of raw pixels, where it has any, or its default. */
export function chooseView(configuration: ConfigurationDescriptor): VideoChoice {
  const sizes = streamsOf(configuration).flatMap(({ interfaceNumber, formats }) =>
    formats.flatMap(({ encoding, sizes }) => {
      const format = rawFormats.find((each) => each === encoding);
      return format === undefined
        ? []
        : sizes.map(({ width, height }) => ({ interfaceNumber, format, width, height, frameRate: 30 }));
    }),
  );
  const distance = ({ width }: { readonly width: number }) => Math.abs(width - viewWidth);
  const [nearest] = sizes.sort((a, b) => distance(a) - distance(b));
  return chooseVideo(configuration, nearest);
}

function streamsOf(configuration: ConfigurationDescriptor) {
  try {
    return videoFunctions(configuration)
      .flatMap(({ streaming }) => streaming)
      .filter(({ direction, formats }) => direction === "in" && formats.length > 0);
  } catch (error) {
    // A function whose descriptors cannot be read streams all the same, as bytes.
    if (DescriptorError.is(error)) return [];
    throw error;
  }
}

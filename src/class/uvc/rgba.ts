import { InvalidRequestError } from "../../errors.js";
import { oneOf, wholeNumber } from "../../numbers.js";
import type { VideoFrame } from "./video-frame.js";

/** How {@link toRgba} reads colours. */
export interface RgbaOptions {
  /**
   * The matrix between YCbCr and RGB: that of the colour matching descriptor, where there is one. Default: `bt601`,
   * the one that UVC says for devices without (UVC 1.5, 3.9.2.6).
   */
  readonly matrix?: "bt601" | "bt709" | undefined;
}

/** Of red and blue in luma. */
const weights = { bt601: [0.299, 0.114], bt709: [0.2126, 0.0722] } as const;

/** Fixed point of the sums: exact to the rounding, and within 31 bits. */
const bits = 20;
const half = 1 << (bits - 1);

interface Coefficients {
  readonly luma: number;
  readonly redCr: number;
  readonly greenCb: number;
  readonly greenCr: number;
  readonly blueCb: number;
}

/** For 16 to 235 of luma and 16 to 240 of chroma, as video has it (BT.601-7, 2.5.3). */
function coefficients([red, blue]: readonly [number, number]): Coefficients {
  const green = 1 - red - blue;
  const fixed = (value: number) => Math.round(value * 2 ** bits);
  const chroma = 255 / 224;
  return {
    luma: fixed(255 / 219),
    redCr: fixed(2 * (1 - red) * chroma),
    greenCb: fixed((-2 * (1 - blue) * blue * chroma) / green),
    greenCr: fixed((-2 * (1 - red) * red * chroma) / green),
    blueCb: fixed(2 * (1 - blue) * chroma),
  };
}

const matrices = { bt601: coefficients(weights.bt601), bt709: coefficients(weights.bt709) } as const;

/**
 * A raw picture as red, green, blue and opacity, a byte each, from the top left: what an `ImageData` takes. The
 * result is new, and the caller's. Pixels that an incomplete frame lacks are black.
 *
 * @throws `InvalidRequestError` `invalid-option` for a format that is not raw: a JPEG is for a decoder
 *
 * @example
 * ```ts
 * import { toRgba, type VideoFrame } from "rx-isoch/class/uvc";
 *
 * export const picture = (frame: VideoFrame) => ({ width: frame.width, height: frame.height, data: toRgba(frame) });
 * ```
 */
export function toRgba(
  frame: Pick<VideoFrame, "format" | "width" | "height"> & { readonly data: Uint8Array },
  { matrix = "bt601" }: RgbaOptions = {},
): Uint8ClampedArray<ArrayBuffer> {
  const { format, data } = frame;
  const width = wholeNumber("width", frame.width, 1, 0xffff);
  const height = wholeNumber("height", frame.height, 1, 0xffff);
  const { luma, redCr, greenCb, greenCr, blueCb } = matrices[oneOf("matrix", matrix, ["bt601", "bt709"])];
  if (format !== "yuy2" && format !== "nv12") {
    throw new InvalidRequestError(
      "invalid-option",
      `a frame of ${format} is no raw picture: decode it first, as ImageDecoder or ffmpeg do, or choose yuy2 or nv12`,
    );
  }
  const isPacked = format === "yuy2";
  const half2 = (width + 1) >> 1;
  const lineBytes = isPacked ? 4 * half2 : width;
  const chromaBegin = width * height;
  const rgba = new Uint8ClampedArray(4 * width * height);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to += 4) {
      const pair = x >> 1;
      const lumaAt = y * lineBytes + (isPacked ? 2 * x : x);
      const chromaAt = isPacked ? y * lineBytes + 4 * pair + 1 : chromaBegin + (y >> 1) * 2 * half2 + 2 * pair;
      const crAt = chromaAt + (isPacked ? 2 : 1);
      const isThere = lumaAt < data.length && crAt < data.length;
      const scaled = luma * ((isThere ? (data[lumaAt] ?? 16) : 16) - 16) + half;
      const cb = (isThere ? (data[chromaAt] ?? 128) : 128) - 128;
      const cr = (isThere ? (data[crAt] ?? 128) : 128) - 128;
      rgba[to] = (scaled + redCr * cr) >> bits;
      rgba[to + 1] = (scaled + greenCb * cb + greenCr * cr) >> bits;
      rgba[to + 2] = (scaled + blueCb * cb) >> bits;
      rgba[to + 3] = 255;
    }
  }
  return rgba;
}

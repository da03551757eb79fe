import type { CameraPicture } from "./picture.js";

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
 * A raw picture as red, green, blue, and opacity where that is wanted, a byte each, from the top left. Pixels that the
 * data lacks are black.
 *
 * @param channels 3, or 4 with the opacity, which is 255
 * @internal
 */
export function rgbOf(
  { format, width, height, data }: CameraPicture & { readonly format: "yuy2" | "nv12" },
  channels: 3 | 4,
  matrix: keyof typeof matrices = "bt601",
): Uint8ClampedArray<ArrayBuffer> {
  const { luma, redCr, greenCb, greenCr, blueCb } = matrices[matrix];
  const isPacked = format === "yuy2";
  const pairs = (width + 1) >> 1;
  const lineBytes = isPacked ? 4 * pairs : width;
  const chromaBegin = width * height;
  const rgb = new Uint8ClampedArray(channels * width * height).fill(255);
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to += channels) {
      const pair = x >> 1;
      const lumaAt = y * lineBytes + (isPacked ? 2 * x : x);
      const chromaAt = isPacked ? y * lineBytes + 4 * pair + 1 : chromaBegin + (y >> 1) * 2 * pairs + 2 * pair;
      const crAt = chromaAt + (isPacked ? 2 : 1);
      const isThere = lumaAt < data.length && crAt < data.length;
      const scaled = luma * ((isThere ? (data[lumaAt] ?? 16) : 16) - 16) + half;
      const cb = (isThere ? (data[chromaAt] ?? 128) : 128) - 128;
      const cr = (isThere ? (data[crAt] ?? 128) : 128) - 128;
      rgb[to] = (scaled + redCr * cr) >> bits;
      rgb[to + 1] = (scaled + greenCb * cb + greenCr * cr) >> bits;
      rgb[to + 2] = (scaled + blueCb * cb) >> bits;
    }
  }
  return rgb;
}

import { oneOf, wholeNumber } from "../../../../src/numbers.js";
import { bitsInRow, cardSize, cellHeight, cellWidth, numberColumn, numberRow, paintCells } from "./cells.js";
import { JpegPicture } from "./jpeg-picture.js";
import { numberDigits, numberOffset } from "./jpeg-tables.js";
import { RawPicture } from "./raw-picture.js";

/** How a picture is coded: `yuy2` and `nv12` are bytes that stand for pixels, `mjpeg` is one JPEG a picture. */
export type CameraFormat = "yuy2" | "nv12" | "mjpeg";

/** All of them. */
export const cameraFormats: readonly CameraFormat[] = ["yuy2", "nv12", "mjpeg"];

/** Paints one card after the other, in the same memory. */
export class TestCardPainter {
  readonly #size;
  readonly #cells: Uint32Array;
  readonly #picture: RawPicture | JpegPicture;

  /** @throws {@link InvalidRequestError} */
  constructor(format: CameraFormat, width: number, height: number) {
    const size = cardSize(width, height);
    this.#size = size;
    this.#cells = new Uint32Array(size.columns * size.rows);
    const known = oneOf("format", format, cameraFormats);
    this.#picture = known === "mjpeg" ? new JpegPicture(size) : new RawPicture(known, size);
  }

  /** @returns a view that the next card overwrites */
  paint(sequence: number): Uint8Array {
    const number = wholeNumber("sequence", sequence, 0) % 2 ** 32;
    paintCells(this.#cells, this.#size, number);
    return this.#picture.paint(this.#cells, number);
  }
}

/**
 * The bytes of one picture of a {@link cameraDevice}: number `sequence` of a stream, counted from 0 when the
 * stream begins.
 *
 * It has colour bars above, with a white box that goes 16 pixels to the right with each picture; below
 * them the number, as white and grey squares, which {@link readTestCard} reads; and below that colours that
 * are others in each picture. The JPEG has the same colours, exactly, and the number in a comment too.
 *
 * @param width a multiple of 16, from 320
 * @param height a multiple of 16, from 96
 * @param sequence from 0; of larger ones, the lower 32 bits are shown
 * @throws `InvalidRequestError` for other sizes, numbers and formats
 *
 * @example
 * ```ts
 * import { testCard } from "rx-isoch/transports/virtual";
 *
 * const picture = testCard("yuy2", 640, 480, 7);
 * console.log(picture.length); // 614400
 * ```
 */
export function testCard(format: CameraFormat, width: number, height: number, sequence: number): Uint8Array {
  return new TestCardPainter(format, width, height).paint(sequence);
}

/**
 * Reads the number of a {@link testCard} from its pixels.
 *
 * @param luminance what the brightness of a pixel is, 0 to 255, counted from the upper left
 * @throws `InvalidRequestError` for a size that a test card cannot have
 *
 * @example
 * ```ts
 * import { readTestCard, testCard } from "rx-isoch/transports/virtual";
 *
 * const picture = testCard("yuy2", 640, 480, 7);
 * console.log(readTestCard(640, 480, (x, y) => picture[(y * 640 + x) * 2] ?? 0)); // 7
 * ```
 */
export function readTestCard(width: number, height: number, luminance: (x: number, y: number) => number): number {
  const first = numberRow(cardSize(width, height));
  let number = 0;
  for (let bit = 0; bit < 32; bit++) {
    const x = (numberColumn + (bit % bitsInRow) + 0.5) * cellWidth;
    const y = (first + 2 * Math.floor(bit / bitsInRow) + 1) * cellHeight;
    if (luminance(x, y) > 150) number += 2 ** bit;
  }
  return number;
}

/**
 * Reads the number of a {@link testCard} from the bytes of its picture: from the pixels, or from the comment of a
 * JPEG; `undefined` where there is none.
 *
 * @throws `InvalidRequestError` for a size or format that a test card cannot have
 */
export function testCardNumber(
  format: CameraFormat,
  width: number,
  height: number,
  picture: Uint8Array,
): number | undefined {
  if (oneOf("format", format, cameraFormats) !== "mjpeg") {
    const step = format === "yuy2" ? 2 : 1;
    return readTestCard(width, height, (x, y) => picture[(y * width + x) * step] ?? 0);
  }
  const digits = String.fromCharCode(...picture.subarray(numberOffset, numberOffset + numberDigits));
  return /^[0-9a-f]{8}$/.test(digits) ? parseInt(digits, 16) : undefined;
}

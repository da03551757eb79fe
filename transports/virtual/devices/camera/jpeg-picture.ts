import type { CardSize } from "./cells.js";
import { chrominance, jpegHeader, luminance, numberDigits, numberOffset, type BlockCodes } from "./jpeg-tables.js";

/** The most bytes of a {@link JpegPicture}. */
export function maxJpegLength({ width, height }: Pick<CardSize, "width" | "height">): number {
  // Room to spare: a cell, 128 pixels, takes 53 bits at most, and twice that if each byte were followed by a zero.
  return (width * height) / 4 + 1024;
}

/**
 * A picture as baseline JPEG. Its cells are blocks of one colour, which is all that this encoder knows of:
 * it is quick, and what a decoder makes of its pictures are the very colours of the card.
 */
export class JpegPicture {
  readonly #bytes: Uint8Array;
  readonly #headerLength: number;
  #length = 0;
  /** Bits that make no byte yet. */
  #bits = 0;
  #count = 0;

  constructor(size: CardSize) {
    const header = jpegHeader(size);
    this.#bytes = new Uint8Array(maxJpegLength(size));
    this.#bytes.set(header);
    this.#headerLength = header.length;
  }

  /** @returns a view that the next picture overwrites */
  paint(cells: Uint32Array, sequence: number): Uint8Array {
    this.#writeNumber(sequence);
    this.#length = this.#headerLength;
    this.#bits = this.#count = 0;
    let [y, cb, cr] = [128, 128, 128];
    for (const cell of cells) {
      const [nextY, nextCb, nextCr] = [cell & 0xff, (cell >> 8) & 0xff, cell >> 16];
      this.#block(luminance, nextY - y);
      this.#block(luminance, 0);
      this.#block(chrominance, nextCb - cb);
      this.#block(chrominance, nextCr - cr);
      y = nextY;
      cb = nextCb;
      cr = nextCr;
    }
    // The last byte is filled with ones (T.81, F.1.2.3).
    if (this.#count > 0) this.#put(0xff >> this.#count, 8 - this.#count);
    this.#bytes[this.#length++] = 0xff;
    this.#bytes[this.#length++] = 0xd9;
    return this.#bytes.subarray(0, this.#length);
  }

  #writeNumber(sequence: number): void {
    const digits = sequence.toString(16).padStart(numberDigits, "0");
    for (let i = 0; i < numberDigits; i++) this.#bytes[numberOffset + i] = digits.charCodeAt(i);
  }

  #block({ bits, lengths }: BlockCodes, difference: number): void {
    this.#put(bits[difference + 255] ?? 0, lengths[difference + 255] ?? 0);
  }

  /** At most 18 bits, behind at most 7 that wait. */
  #put(bits: number, count: number): void {
    this.#bits = (this.#bits << count) | bits;
    this.#count += count;
    while (this.#count >= 8) {
      this.#count -= 8;
      const byte = (this.#bits >> this.#count) & 0xff;
      this.#bytes[this.#length++] = byte;
      // What could be taken for a marker is told apart by a zero.
      if (byte === 0xff) this.#bytes[this.#length++] = 0;
    }
    this.#bits &= (1 << this.#count) - 1;
  }
}

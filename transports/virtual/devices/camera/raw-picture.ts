import { cellHeight, cellWidth, type CardSize } from "./cells.js";

/** A picture of bytes that stand for pixels. Only cells that have changed are written again. */
export class RawPicture {
  readonly bytes: Uint8Array;
  readonly #size: CardSize;
  readonly #paintCell: (cell: Uint8Array, column: number, row: number) => void;
  readonly #painted: Uint32Array;
  readonly #words: Uint32Array;
  readonly #pairs: Uint16Array;
  /** Y, Cb, Cr. */
  readonly #colour = new Uint8Array(3);

  constructor(format: "yuy2" | "nv12", size: CardSize) {
    const { width, height, columns, rows } = size;
    this.#size = size;
    this.bytes = new Uint8Array(width * height * (format === "yuy2" ? 2 : 1.5));
    this.#words = new Uint32Array(this.bytes.buffer);
    this.#pairs = new Uint16Array(this.bytes.buffer);
    // No colour has its upper byte set.
    this.#painted = new Uint32Array(columns * rows).fill(0xffffffff);
    this.#paintCell = format === "yuy2" ? this.#paintYuy2 : this.#paintNv12;
  }

  paint(cells: Uint32Array): Uint8Array {
    const { columns } = this.#size;
    for (let i = 0; i < cells.length; i++) {
      const colour = cells[i] ?? 0;
      if (colour === this.#painted[i]) continue;
      this.#painted[i] = colour;
      this.#colour[0] = colour & 0xff;
      this.#colour[1] = (colour >> 8) & 0xff;
      this.#colour[2] = colour >> 16;
      this.#paintCell(this.#colour, i % columns, Math.floor(i / columns));
    }
    return this.bytes;
  }

  /** Two pixels are four bytes: Y, Cb, Y, Cr. */
  #paintYuy2([y = 0, cb = 0, cr = 0]: Uint8Array, column: number, row: number): void {
    const [word = 0] = new Uint32Array(Uint8Array.of(y, cb, y, cr).buffer);
    const stride = this.#size.width / 2;
    let at = row * cellHeight * stride + (column * cellWidth) / 2;
    for (let line = 0; line < cellHeight; line++, at += stride) this.#words.fill(word, at, at + cellWidth / 2);
  }

  /** A byte of Y for each pixel; behind them, Cb and Cr for each four. */
  #paintNv12([y = 0, cb = 0, cr = 0]: Uint8Array, column: number, row: number): void {
    const { width, height } = this.#size;
    let at = row * cellHeight * width + column * cellWidth;
    for (let line = 0; line < cellHeight; line++, at += width) this.bytes.fill(y, at, at + cellWidth);
    const [pair = 0] = new Uint16Array(Uint8Array.of(cb, cr).buffer);
    at = (width * height + (row * cellHeight * width) / 2 + column * cellWidth) / 2;
    for (let line = 0; line < cellHeight / 2; line++, at += width / 2) this.#pairs.fill(pair, at, at + cellWidth / 2);
  }
}

import { wholeNumber } from "../../../../src/numbers.js";

/** Pixels of a cell, which has one colour. So wide and high is also what JPEG codes together at 4:2:2. */
export const cellWidth = 16;
export const cellHeight = 8;

/** Cells of the number: its 32 bits stand in two rows, the lowest first, each two cells high. */
export const bitsInRow = 16;
export const numberColumn = 2;

/** What a card looks like in cells; the upper half are bars. */
export interface CardSize {
  readonly width: number;
  readonly height: number;
  readonly columns: number;
  readonly rows: number;
}

/** Y, Cb and Cr in one number, the lowest byte first. */
export type Colour = number;

const colour = (y: number, cb: number, cr: number): Colour => y | (cb << 8) | (cr << 16);

const white = colour(235, 128, 128);
const grey = colour(64, 128, 128);
const black = colour(16, 128, 128);

/** Bars of 75 %: white, yellow, cyan, green, magenta, red, blue, black. */
const bars: readonly Colour[] = [
  colour(180, 128, 128),
  colour(162, 44, 142),
  colour(131, 156, 44),
  colour(112, 72, 58),
  colour(84, 184, 198),
  colour(65, 100, 212),
  colour(35, 212, 114),
  black,
];

/** @throws {@link InvalidRequestError} for a size that is no whole number of cells, or has no room for the number */
export function cardSize(width: number, height: number): CardSize {
  const columns = wholeNumber("width / 16, the size of a cell,", width / cellWidth, 20, 512);
  const pairs = wholeNumber("height / 16, two cells,", height / (2 * cellHeight), 6, 512);
  return { width, height, columns, rows: 2 * pairs };
}

/** The row of cells in which the number begins. */
export function numberRow({ rows }: CardSize): number {
  return rows / 2;
}

/** Paints the cells of card `sequence`, row by row. */
export function paintCells(cells: Uint32Array, size: CardSize, sequence: number): void {
  const { columns, rows } = size;
  const half = rows / 2;
  for (let column = 0; column < columns; column++) {
    const bar = bars[Math.floor((column * bars.length) / columns)] ?? black;
    for (let row = 0; row < half; row++) cells[row * columns + column] = bar;
  }
  paintBox(cells, size, sequence);
  cells.fill(black, half * columns, (half + 4) * columns);
  paintNumber(cells, size, sequence);
  for (let i = (half + 4) * columns; i < rows * columns; i++) cells[i] = noise(sequence, i);
}

/** A white box that goes a cell to the right with each card. */
function paintBox(cells: Uint32Array, { columns }: CardSize, sequence: number): void {
  const left = sequence % (columns - 1);
  for (let row = 1; row < 5; row++) cells.fill(white, row * columns + left, row * columns + left + 2);
}

function paintNumber(cells: Uint32Array, size: CardSize, sequence: number): void {
  const first = numberRow(size);
  for (let bit = 0; bit < 32; bit++) {
    const row = first + 2 * Math.floor(bit / bitsInRow);
    const at = row * size.columns + numberColumn + (bit % bitsInRow);
    cells[at] = cells[at + size.columns] = (sequence >>> bit) & 1 ? white : grey;
  }
}

/** Other colours in each cell of each card, so that what comes from another picture shows (xorshift-multiply). */
function noise(sequence: number, cell: number): Colour {
  let hash = Math.imul(sequence + 1, 0x9e3779b1) ^ Math.imul(cell + 1, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39);
  hash ^= hash >>> 15;
  return colour(16 + ((hash & 0xff) % 220), 64 + ((hash >>> 8) & 0x7f), 64 + ((hash >>> 16) & 0x7f));
}

import { concatenate, word } from "../../descriptors.js";
import { cellHeight, cellWidth, type CardSize } from "./cells.js";

/** How many Huffman codes there are of each length from 1 to 16, and the symbols in their order (ITU-T T.81, B.2.4.2). */
interface HuffmanTable {
  readonly counts: readonly number[];
  readonly symbols: readonly number[];
}

const categories = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

/** The usual tables of DC differences (T.81, K.3.1). */
const dcLuminance: HuffmanTable = { counts: [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0], symbols: categories };
const dcChrominance: HuffmanTable = { counts: [0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0], symbols: categories };

/** Blocks of one colour have no AC coefficients: only "end of block", `0`, is ever said. */
const ac: HuffmanTable = { counts: [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], symbols: [0] };

/** The lengths and codes of the symbols, which are those that each count upwards (T.81, C.2). */
function codesOf({ counts, symbols }: HuffmanTable): { readonly code: number; readonly length: number }[] {
  const codes: { code: number; length: number }[] = [];
  let code = 0;
  let next = 0;
  counts.forEach((count, i) => {
    for (let n = 0; n < count; n++) codes[symbols[next++] ?? 0] = { code: code++, length: i + 1 };
    code <<= 1;
  });
  return codes;
}

/** How a block is coded whose colour is so much greater than that of the block before, by that plus 255. */
export interface BlockCodes {
  readonly bits: Uint32Array;
  readonly lengths: Uint8Array;
}

function blockCodes(table: HuffmanTable): BlockCodes {
  const codes = codesOf(table);
  const bits = new Uint32Array(511);
  const lengths = new Uint8Array(511);
  for (let difference = -255; difference <= 255; difference++) {
    const category = 32 - Math.clz32(Math.abs(difference));
    const { code, length } = codes[category] ?? { code: 0, length: 0 };
    // A negative difference is coded as one less (T.81, F.1.2.1). The last bit is the end of the block.
    const rest = difference < 0 ? difference + 2 ** category - 1 : difference;
    bits[difference + 255] = ((code << category) | rest) << 1;
    lengths[difference + 255] = length + category + 1;
  }
  return { bits, lengths };
}

export const luminance = blockCodes(dcLuminance);
export const chrominance = blockCodes(dcChrominance);

function segment(marker: number, ...content: readonly number[]): Uint8Array {
  return Uint8Array.of(0xff, marker, ...wordBigEndian(2 + content.length), ...content);
}

function wordBigEndian(value: number): readonly [number, number] {
  const [low, high] = word(value);
  return [high, low];
}

function huffman(classAndId: number, { counts, symbols }: HuffmanTable): Uint8Array {
  return segment(0xc4, classAndId, ...counts, ...symbols);
}

/** Where in the {@link jpegHeader} the number stands, as eight digits. */
export const numberOffset = 2 + 18 + 4 + 8;
export const numberDigits = 8;

/** Everything up to the coded picture: baseline, 4:2:2. */
export function jpegHeader({ width, height }: CardSize): Uint8Array {
  const text = (content: string) => Array.from(content, (character) => character.charCodeAt(0));
  return concatenate(
    Uint8Array.of(0xff, 0xd8),
    segment(0xe0, ...text("JFIF\0"), 1, 1, 0, 0, 1, 0, 1, 0, 0),
    segment(0xfe, ...text("picture 00000000")),
    // A DC coefficient is eight times the colour: quantized by eight, a block of one colour is exact.
    segment(0xdb, 0, ...new Array<number>(64).fill(8)),
    segment(
      0xc0,
      ...[8, ...wordBigEndian(height), ...wordBigEndian(width), 3],
      ...[1, (cellWidth / 8) * 16 + cellHeight / 8, 0],
      ...[2, 0x11, 0],
      ...[3, 0x11, 0],
    ),
    huffman(0x00, dcLuminance),
    huffman(0x01, dcChrominance),
    huffman(0x10, ac),
    segment(0xda, 3, 1, 0x00, 2, 0x10, 3, 0x10, 0, 63, 0),
  );
}

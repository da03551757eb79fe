/** How many codes there are of each length from 1 to 16, and the symbols in their order (ITU-T T.81, B.2.4.2), in hexadecimal. */
const dcLuminance = "00010501010101010100000000000000" + "000102030405060708090a0b";
const dcChrominance = "00030101010101010101010000000000" + "000102030405060708090a0b";
const acLuminance =
  "0002010303020403050504040000017d" +
  "01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25262728292a3435363738" +
  "393a434445464748494a535455565758595a636465666768696a737475767778797a838485868788898a92939495969798999aa2a3a4a5a6" +
  "a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa";
const acChrominance =
  "00020102040403040705040400010277" +
  "000102031104052131061241510761711322328108144291a1b1c109233352f0156272d10a162434e125f11718191a262728292a35363738" +
  "393a434445464748494a535455565758595a636465666768696a737475767778797a82838485868788898a92939495969798999aa2a3a4a5" +
  "a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa";

/** The typical tables (T.81, K.3.3), as a segment: each behind its class and number. */
const segment = bytesOf(`ffc401a2 00${dcLuminance} 01${dcChrominance} 10${acLuminance} 11${acChrominance}`);

const markers = { startOfImage: 0xd8, huffmanTables: 0xc4, startOfScan: 0xda } as const;

/**
 * A picture of MJPEG as the bytes of a JPEG file. Cameras may leave out the Huffman tables, as AVI files do,
 * where they are the typical ones (ITU-T T.81, K.3.3): players of films know them, programs for
 * stills may not. Where they are missing they are put in; else, and where it is no JPEG, it is returned as
 * it is, not copied.
 *
 * @example
 * ```ts
 * import { jpegFile, type CameraPicture } from "rx-isoch/operators/node";
 * import { writeFile } from "node:fs/promises";
 *
 * export const save = ({ data }: CameraPicture) => writeFile("still.jpg", jpegFile(data));
 * ```
 */
export function jpegFile(picture: Uint8Array): Uint8Array {
  const scan = scanWithoutTables(picture);
  if (scan === undefined) return picture;
  const file = new Uint8Array(picture.length + segment.length);
  file.set(picture.subarray(0, scan));
  file.set(segment, scan);
  file.set(picture.subarray(scan), scan + segment.length);
  return file;
}

/** Where the first scan begins, if no tables come before it. */
function scanWithoutTables(bytes: Uint8Array): number | undefined {
  if (bytes[0] !== 0xff || bytes[1] !== markers.startOfImage) return undefined;
  for (let at = 2; at + 3 < bytes.length && bytes[at] === 0xff;) {
    const marker = bytes[at + 1];
    if (marker === markers.huffmanTables) return undefined;
    if (marker === markers.startOfScan) return at;
    // A marker can have fill bytes before it (B.1.1.2).
    at += marker === 0xff ? 1 : 2 + (((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0));
  }
  return undefined;
}

function bytesOf(text: string): Uint8Array {
  const digits = text.replaceAll(" ", "");
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) => parseInt(digits.slice(2 * i, 2 * i + 2), 16));
}

import { expect } from "vitest";

/** A chunk of a RIFF file. */
export interface Chunk {
  readonly name: string;
  readonly offset: number;
  readonly data: Buffer;
}

/** The four letters at an offset. */
export const letters = (bytes: Buffer, offset: number): string => bytes.toString("latin1", offset, offset + 4);

/** The chunks between two offsets, by the book: they fill the space, each on an even offset. */
export function chunksIn(bytes: Buffer, start: number, end: number): Chunk[] {
  const chunks: Chunk[] = [];
  let offset = start;
  while (offset < end) {
    const length = bytes.readUInt32LE(offset + 4);
    chunks.push({ name: letters(bytes, offset), offset, data: bytes.subarray(offset + 8, offset + 8 + length) });
    offset += 8 + length + (length % 2);
  }
  expect(offset).toBe(end);
  return chunks;
}

/** The chunks of a WAV file, by the book. */
export function wavChunks(bytes: Buffer): Record<string, Buffer> {
  expect([letters(bytes, 0), bytes.readUInt32LE(4), letters(bytes, 8)]).toStrictEqual([
    "RIFF",
    bytes.length - 8,
    "WAVE",
  ]);
  return Object.fromEntries(chunksIn(bytes, 12, bytes.length).map(({ name, data }) => [name, data]));
}

/** Takes an AVI file apart, and holds it to itself on the way. */
export function parseAvi(bytes: Buffer) {
  expect([letters(bytes, 0), bytes.readUInt32LE(4), letters(bytes, 8)]).toStrictEqual([
    "RIFF",
    bytes.length - 8,
    "AVI ",
  ]);
  const [hdrl, movi, index, ...others] = chunksIn(bytes, 12, bytes.length);
  if (hdrl === undefined || movi === undefined) throw new Error("not two chunks");
  expect([others.length, hdrl.name, letters(hdrl.data, 0), movi.name, letters(movi.data, 0)]).toStrictEqual([
    0,
    "LIST",
    "hdrl",
    "LIST",
    "movi",
  ]);
  const [avih, strl] = chunksIn(bytes, hdrl.offset + 12, movi.offset);
  if (avih === undefined || strl === undefined) throw new Error("no header");
  expect([avih.name, avih.data.length, letters(strl.data, 0)]).toStrictEqual(["avih", 56, "strl"]);
  const [strh, strf] = chunksIn(bytes, strl.offset + 12, movi.offset);
  if (strh === undefined || strf === undefined) throw new Error("no stream");
  expect([strh.name, strh.data.length, strf.name, strf.data.length]).toStrictEqual(["strh", 56, "strf", 40]);
  const pictures = chunksIn(bytes, movi.offset + 12, index?.offset ?? bytes.length);
  for (const { name } of pictures) expect(name).toBe("00dc");
  // It is promised where it is there.
  expect(avih.data.readUInt32LE(12)).toBe(index === undefined ? 0 : 0x10);
  if (index !== undefined) {
    const entries = pictures.flatMap(({ offset, data }) => {
      const entry = Buffer.from("00dc............");
      entry.writeUInt32LE(0x10, 4);
      // From the word `movi` on.
      entry.writeUInt32LE(offset - movi.offset - 8, 8);
      entry.writeUInt32LE(data.length, 12);
      return [...entry];
    });
    expect([index.name, [...index.data]]).toStrictEqual(["idx1", entries]);
  }
  expect([avih.data.readUInt32LE(16), strh.data.readUInt32LE(32)]).toStrictEqual([pictures.length, pictures.length]);
  return {
    microSecondsPerFrame: avih.data.readUInt32LE(0),
    size: [avih.data.readUInt32LE(32), avih.data.readUInt32LE(36)],
    largest: avih.data.readUInt32LE(28),
    codec: letters(strh.data, 4),
    framesPerSecond: strh.data.readUInt32LE(24) / strh.data.readUInt32LE(20),
    bitmap: [strf.data.readUInt32LE(4), strf.data.readUInt32LE(8), letters(strf.data, 16)],
    bits: strf.data.readUInt16LE(14),
    hasIndex: index !== undefined,
    pictures: pictures.map(({ data }) => data),
  };
}

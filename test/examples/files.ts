import { readTestCard } from "../../transports/virtual/index.js";

/** Reads a WAV file of 16 bits as this project writes them: the format, then the samples, to the end. */
export function wavSamples(file: Buffer) {
  const format = file.indexOf("fmt ") + 8;
  const data = file.indexOf("data") + 8;
  const length = file.readUInt32LE(data - 4);
  return {
    // In the extensible form, the coding is the beginning of a GUID.
    coding: file.readUInt16LE(format) === 0xfffe ? file.readUInt16LE(format + 24) : file.readUInt16LE(format),
    channels: file.readUInt16LE(format + 2),
    sampleRate: file.readUInt32LE(format + 4),
    bits: file.readUInt16LE(format + 14),
    samples: Int16Array.from({ length: length / 2 }, (_, i) => file.readInt16LE(data + 2 * i)),
  };
}

/** The pictures of an AVI file, in their order. */
export function aviPictures(file: Buffer): Buffer[] {
  const pictures: Buffer[] = [];
  for (let at = file.indexOf("movi") + 4; file.toString("latin1", at, at + 4) !== "idx1";) {
    const length = file.readUInt32LE(at + 4);
    pictures.push(file.subarray(at + 8, at + 8 + length));
    at += 8 + length + (length % 2);
  }
  return pictures;
}

/** The number of a test card, from its pixels as RGB. */
export function luminanceNumber(width: number, height: number, rgb: ArrayLike<number>): number {
  return readTestCard(width, height, (x, y) => {
    const at = (y * width + x) * 3;
    return 0.299 * (rgb[at] ?? 0) + 0.587 * (rgb[at + 1] ?? 0) + 0.114 * (rgb[at + 2] ?? 0);
  });
}

import type { FileHandle } from "node:fs/promises";
import { FileError, UnsupportedError } from "../../src/index.js";
import type { PcmFormat } from "./media.js";

/** Where the sound of a WAV file is. */
interface WavData extends PcmFormat {
  /** Where it begins, in bytes. */
  readonly offset: number;
  /** Its bytes: whole samples. */
  readonly length: number;
}

const pcmTag = 1;
const extensibleTag = 0xfffe;
/** A file of that many chunks before the sound is none of ours. */
const mostChunks = 1024;

/**
 * Looks for the format and the sound of a WAV file.
 *
 * @throws {@link FileError} `bad-file`, {@link UnsupportedError}
 * @internal
 */
export async function findWavData(file: FileHandle, path: string): Promise<WavData> {
  const bad = (what: string) => new FileError("bad-file", `${path} is no WAV file that can be played: ${what}`);
  const { size } = await file.stat();
  const riff = await read(file, 0, 12);
  if (riff.length < 12 || text(riff, 0) !== "RIFF" || text(riff, 8) !== "WAVE") throw bad("it does not begin as one");
  let format: PcmFormat | undefined;
  let offset = 12;
  for (let chunks = 0; chunks < mostChunks; chunks++) {
    const header = await read(file, offset, 8);
    if (header.length < 8) break;
    const length = header.readUInt32LE(4);
    offset += 8;
    if (text(header, 0) === "fmt ") format = formatOf(await read(file, offset, Math.min(length, 40)), bad);
    if (text(header, 0) === "data") {
      if (format === undefined) throw bad("the sound comes before its format");
      const sampleSize = (format.channels * format.bitsPerSample) / 8;
      // What was never finished says that it goes on for ever; what was cut off, that it is longer.
      const present = Math.min(length, size - offset);
      return { ...format, offset, length: present - (present % sampleSize) };
    }
    offset += length + (length % 2);
  }
  throw bad("there is no sound in it");
}

function formatOf(chunk: Buffer, bad: (what: string) => FileError): PcmFormat {
  if (chunk.length < 16) throw bad("its format is cut off");
  const tag = chunk.readUInt16LE(0);
  // The format proper is then the beginning of a GUID.
  const coding = tag === extensibleTag && chunk.length >= 26 ? chunk.readUInt16LE(24) : tag;
  const format = {
    sampleRate: chunk.readUInt32LE(4),
    channels: chunk.readUInt16LE(2),
    bitsPerSample: chunk.readUInt16LE(14),
  };
  if (coding !== pcmTag || ![8, 16, 24, 32].includes(format.bitsPerSample)) {
    throw new UnsupportedError(
      "unsupported",
      `the file holds format ${coding} of ${format.bitsPerSample} bits, not PCM of 8, 16, 24 or 32: convert it, or read it with fromFfmpeg`,
    );
  }
  if (format.channels === 0 || format.sampleRate === 0) throw bad("it has no channels, or no samples in a second");
  return format;
}

async function read(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
  return buffer.subarray(0, bytesRead);
}

function text(bytes: Buffer, offset: number): string {
  return bytes.toString("latin1", offset, offset + 4);
}

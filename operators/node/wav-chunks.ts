import type { FileHandle } from "node:fs/promises";
import { FileError, UnsupportedError } from "../../src/index.js";
import { slotSize, type PcmFormat } from "../../src/pcm.js";

/** Where the sound of a WAV file is. */
interface WavData {
  readonly format: PcmFormat;
  /** Where it begins, in bytes. */
  readonly offset: number;
  /** Its bytes: whole samples. */
  readonly length: number;
}

const pcmTag = 1;
const floatTag = 3;
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
      const sampleSize = format.channels * slotSize(format);
      // What was never finished says that it goes on for ever; what was cut off, that it is longer.
      const present = Math.min(length, size - offset);
      return { format, offset, length: present - (present % sampleSize) };
    }
    offset += length + (length % 2);
  }
  throw bad("there is no sound in it");
}

function formatOf(chunk: Buffer, bad: (what: string) => FileError): PcmFormat {
  if (chunk.length < 16) throw bad("its format is cut off");
  const tag = chunk.readUInt16LE(0);
  const isExtensible = tag === extensibleTag && chunk.length >= 26;
  // The format proper is then the beginning of a GUID.
  const coding = isExtensible ? chunk.readUInt16LE(24) : tag;
  const [channels, sampleRate, slot] = [chunk.readUInt16LE(2), chunk.readUInt32LE(4), chunk.readUInt16LE(14)];
  const slots = coding === pcmTag ? [8, 16, 24, 32] : coding === floatTag ? [32, 64] : [];
  if (!slots.includes(slot)) {
    throw new UnsupportedError(
      "unsupported",
      `the file holds format ${coding} of ${slot} bits, not PCM: convert it, or read it with fromFfmpeg`,
    );
  }
  if (channels === 0 || sampleRate === 0) throw bad("it has no channels, or no samples in a second");
  const bits = (isExtensible && chunk.readUInt16LE(18)) || slot;
  const kind = coding === floatTag ? "float" : slot === 8 ? "pcm8" : "pcm";
  return { sampleRate, channels, bits: Math.min(bits, slot), subslotSize: slot / 8, kind };
}

async function read(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
  return buffer.subarray(0, bytesRead);
}

function text(bytes: Buffer, offset: number): string {
  return bytes.toString("latin1", offset, offset + 4);
}

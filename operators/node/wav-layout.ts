import { FileError, InvalidRequestError } from "../../src/index.js";
import { wholeNumber } from "../../src/numbers.js";
import { slotSize, type PcmFormat, type PcmSamples } from "../../src/pcm.js";
import type { FileBytes } from "./file-bytes.js";
import type { FileLayout, FinishedFile } from "./file-layout.js";
import { fields, padding, riffLimit } from "./riff.js";
import { sampleName } from "./sample-name.js";

/** What was written into a WAV file. */
export interface WavSummary {
  /** Samples, of each channel. */
  readonly frames: number;
  /** Seconds. */
  readonly duration: number;
  /** Samples of each channel that were lost, as the blocks told of them. */
  readonly lost: number;
}

/** What the file calls samples, by what they are. */
const codings: Readonly<Record<string, number>> = { s8: 1, u8: 1, s16: 1, s24: 1, s32: 1, f32: 3, f64: 3 };

/**
 * The layout of a WAV file of PCM. The header says "as much as there is" until the file is finished, so
 * that one that never is can be read.
 *
 * @internal
 */
export class WavLayout implements FileLayout<PcmSamples, WavSummary> {
  readonly #limit: number;
  readonly #keepsTime: boolean;
  #format: PcmFormat | undefined;
  /** Bytes of sound. */
  #length = 0;
  #lost = 0;

  /**
   * @param limit bytes of a file, at most
   * @param keepsTime what was lost is silence; its blocks leave it out
   */
  constructor(limit = riffLimit, keepsTime = false) {
    this.#limit = limit;
    this.#keepsTime = keepsTime;
  }

  /** @throws {@link InvalidRequestError}, {@link FileError} `file-full` */
  add(samples: PcmSamples): FileBytes[] {
    const { data, lost = 0 } = samples;
    const isFirst = this.#format === undefined;
    const format = this.#format ?? checked(samples.format);
    checkFits(samples, format);
    const silence = this.#keepsTime ? lost * frameSize(format) : 0;
    const length = this.#length + silence + data.length;
    if (headerLength(format) + length + 1 > this.#limit + 8) {
      throw new FileError(
        "file-full",
        `a WAV file ends at 4 GiB, and this one is finished with ${this.#length} bytes of sound: go on with another`,
      );
    }
    this.#format = format;
    this.#length = length;
    this.#lost += lost;
    // A byte is unsigned in these files.
    const isByte = slotSize(format) === 1;
    const bytes = sampleName(format) === "s8" ? data.map((byte) => byte ^ 0x80) : data;
    return [
      ...(isFirst ? [header(format, undefined)] : []),
      ...(silence > 0 ? [{ byte: isByte ? 0x80 : 0, length: silence }] : []),
      bytes,
    ];
  }

  cut(length: number): number {
    const format = this.#format;
    if (format === undefined || length < headerLength(format)) {
      this.#format = undefined;
      return 0;
    }
    const sound = Math.min(this.#length, length - headerLength(format));
    this.#length = sound - (sound % frameSize(format));
    return headerLength(format) + this.#length;
  }

  finish(): FinishedFile<WavSummary> {
    const format = this.#format;
    // Without samples nobody knows of what.
    if (format === undefined) {
      const nothing = new Uint8Array(0);
      const summary = { frames: 0, duration: 0, lost: 0 };
      return { tail: [], head: nothing, headWithoutTail: nothing, summary };
    }
    const frames = this.#length / frameSize(format);
    const pad = padding(this.#length);
    return {
      tail: [pad],
      head: header(format, this.#length, pad.length),
      headWithoutTail: header(format, this.#length),
      summary: { frames, duration: frames / format.sampleRate, lost: this.#lost },
    };
  }
}

function checked(format: PcmFormat): PcmFormat {
  wholeNumber("sampleRate", format.sampleRate, 1, 2 ** 32 - 1);
  wholeNumber("channels", format.channels, 1, 1024);
  if (sampleName(format) in codings) return format;
  throw new InvalidRequestError("invalid-option", `a WAV file has no samples of ${sampleName(format)}`);
}

function checkFits({ format, data }: PcmSamples, present: PcmFormat): void {
  if (inWords(format) !== inWords(present)) {
    throw new InvalidRequestError(
      "invalid-option",
      `the file has ${inWords(present)}, and what came is ${inWords(format)}: begin another`,
    );
  }
  const size = frameSize(format);
  if (data.length % size === 0) return;
  throw new InvalidRequestError(
    "length-mismatch",
    `${data.length} bytes are no whole number of samples of ${size} bytes: hand over whole ones`,
  );
}

function inWords(format: PcmFormat): string {
  return `${format.sampleRate} samples a second, ${format.channels} × ${sampleName(format)}`;
}

/** Bytes of a sample of every channel. */
function frameSize(format: PcmFormat): number {
  return format.channels * slotSize(format);
}

/** Of `RIFF`, `fmt ` and the beginning of `data`: what is not of whole numbers says more. */
function headerLength(format: PcmFormat): number {
  return format.kind === "float" ? 58 : 44;
}

/**
 * @param length bytes of sound; `undefined` while nobody knows
 * @param pad bytes that follow it
 */
function header(format: PcmFormat, length: number | undefined, pad = 0): Uint8Array {
  const { sampleRate, channels } = format;
  const size = frameSize(format);
  const riff = length === undefined ? riffLimit : headerLength(format) - 8 + length + pad;
  const isFloat = format.kind === "float";
  const frames = length === undefined ? riffLimit : length / size;
  return fields(
    ...(["RIFF", [32, riff], "WAVE", "fmt ", [32, isFloat ? 18 : 16]] as const),
    ...([
      [16, codings[sampleName(format)] ?? 1],
      [16, channels],
      [32, sampleRate],
    ] as const),
    ...([
      [32, (sampleRate * size) >>> 0],
      [16, size],
      [16, slotSize(format) * 8],
    ] as const),
    ...(isFloat ? ([[16, 0], "fact", [32, 4], [32, frames]] as const) : []),
    ...(["data", [32, length ?? riffLimit]] as const),
  );
}

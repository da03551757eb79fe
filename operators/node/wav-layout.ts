import { FileError, InvalidRequestError } from "../../src/index.js";
import { wholeNumber } from "../../src/numbers.js";
import type { FileLayout } from "./file-sink.js";
import type { PcmFormat, PcmSamples } from "./media.js";
import { fields, padding, riffLimit } from "./riff.js";

/** What was written into a WAV file. */
export interface WavSummary {
  /** Samples, of each channel. */
  readonly frames: number;
  /** Seconds. */
  readonly duration: number;
}

/** `RIFF`, `fmt ` and the beginning of `data`. */
export const wavHeaderLength = 44;
const pcmTag = 1;

/**
 * The layout of a WAV file of PCM. The header says "as much as there is" until the file is finished, so
 * that one that never is can be read.
 *
 * @internal
 */
export class WavLayout implements FileLayout<PcmSamples, WavSummary> {
  readonly #limit: number;
  #format: PcmFormat | undefined;
  #length = 0;

  /** @param limit bytes of a file, at most */
  constructor(limit = riffLimit) {
    this.#limit = limit;
  }

  /** @throws {@link InvalidRequestError}, {@link FileError} `file-full` */
  add(samples: PcmSamples): Uint8Array[] {
    const { data, bitsPerSample } = samples;
    const isFirst = this.#format === undefined;
    this.#format ??= checked(samples);
    checkFits(samples, this.#format);
    if (wavHeaderLength + this.#length + data.length + 1 > this.#limit + 8) {
      throw new FileError(
        "file-full",
        `a WAV file ends at 4 GiB, and this one is finished with ${this.#length} bytes of sound: go on with another`,
      );
    }
    this.#length += data.length;
    // Eight bits are unsigned in these files, and nowhere else.
    const bytes = bitsPerSample === 8 ? data.map((byte) => byte ^ 0x80) : data;
    return isFirst ? [header(this.#format, undefined), bytes] : [bytes];
  }

  finish(): { readonly tail: Uint8Array[]; readonly head: Uint8Array; readonly summary: WavSummary } {
    const format = this.#format;
    // Without samples nobody knows of what.
    if (format === undefined) return { tail: [], head: new Uint8Array(0), summary: { frames: 0, duration: 0 } };
    const frames = this.#length / sampleSize(format);
    return {
      tail: [padding(this.#length)],
      head: header(format, this.#length),
      summary: { frames, duration: frames / format.sampleRate },
    };
  }
}

function sampleSize({ channels, bitsPerSample }: PcmFormat): number {
  return (channels * bitsPerSample) / 8;
}

function checked({ sampleRate, channels, bitsPerSample }: PcmFormat): PcmFormat {
  if (![8, 16, 24, 32].includes(bitsPerSample)) {
    throw new InvalidRequestError("invalid-option", `samples have 8, 16, 24 or 32 bits, not ${bitsPerSample}`);
  }
  return {
    sampleRate: wholeNumber("sampleRate", sampleRate, 1, 2 ** 32 - 1),
    channels: wholeNumber("channels", channels, 1, 1024),
    bitsPerSample,
  };
}

function checkFits(samples: PcmSamples, format: PcmFormat): void {
  const { sampleRate, channels, bitsPerSample } = format;
  if (samples.sampleRate !== sampleRate || samples.channels !== channels || samples.bitsPerSample !== bitsPerSample) {
    throw new InvalidRequestError(
      "invalid-option",
      `the file has ${sampleRate} samples a second of ${channels} × ${bitsPerSample} bits, and what came has ${samples.sampleRate} of ${samples.channels} × ${samples.bitsPerSample}: begin another`,
    );
  }
  const size = sampleSize(format);
  if (samples.data.length % size === 0) return;
  throw new InvalidRequestError(
    "length-mismatch",
    `${samples.data.length} bytes are no whole number of samples of ${size} bytes: hand over whole ones`,
  );
}

/** @param length bytes of sound; `undefined` while nobody knows */
function header({ sampleRate, channels, bitsPerSample }: PcmFormat, length: number | undefined): Uint8Array {
  const size = sampleSize({ sampleRate, channels, bitsPerSample });
  const riff = length === undefined ? riffLimit : wavHeaderLength - 8 + length + (length % 2);
  return fields(
    ...(["RIFF", [32, riff], "WAVE"] as const),
    ...(["fmt ", [32, 16], [16, pcmTag], [16, channels], [32, sampleRate]] as const),
    ...([
      [32, (sampleRate * size) >>> 0],
      [16, size],
      [16, bitsPerSample],
    ] as const),
    ...(["data", [32, length ?? riffLimit]] as const),
  );
}

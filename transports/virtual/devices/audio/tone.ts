import { InvalidRequestError } from "../../../../src/index.js";
import { wholeNumber } from "../../../../src/numbers.js";

/** What a {@link tone} sounds like. */
export interface ToneOptions {
  /** Samples of each channel in a second. Default: 48,000. */
  readonly sampleRate?: number | undefined;
  /** In Hz, a whole number; channel 2 has twice that, channel 3 three times. Default: 997, which repeats itself after a second only. */
  readonly frequency?: number | undefined;
  /** The largest sample, up to 32,767. Default: 16,384. */
  readonly amplitude?: number | undefined;
  /** Default: 2. */
  readonly channels?: number | undefined;
}

/** A tone by a table of a second of it: each sample is that of its index, exactly, however far that is. */
export class Tone {
  readonly sampleRate: number;
  readonly channels: number;
  readonly #frequency: number;
  /** By phase, of which a turn has as many as there are samples in a second. */
  readonly #table: Int16Array;

  /** @throws {@link InvalidRequestError} */
  constructor({ sampleRate = 48_000, frequency = 997, amplitude = 16_384, channels = 2 }: ToneOptions = {}) {
    this.sampleRate = wholeNumber("sampleRate", sampleRate, 1000, 768_000);
    this.channels = wholeNumber("channels", channels, 1, 16);
    this.#frequency = wholeNumber("frequency", frequency, 1, 1_000_000);
    wholeNumber("amplitude", amplitude, 0, 0x7fff);
    if (frequency * channels * 2 > sampleRate) {
      throw new InvalidRequestError(
        "invalid-number",
        `frequency times channels, ${frequency * channels} Hz, must be at most half of ${sampleRate} samples a second`,
      );
    }
    this.#table = Int16Array.from({ length: sampleRate }, (_, phase) =>
      Math.round(amplitude * Math.sin((2 * Math.PI * phase) / sampleRate)),
    );
  }

  sample(index: number, channel: number): number {
    const turn = (index % this.sampleRate) * this.#frequency * (channel + 1);
    return this.#table[turn % this.sampleRate] ?? 0;
  }
}

/**
 * A sine tone as a {@link microphoneDevice} sends it: `count` samples of each channel from sample `first` of
 * its stream on, interleaved.
 *
 * @throws `InvalidRequestError` for options, indexes and counts that are none
 *
 * @example
 * ```ts
 * import { tone } from "rx-isoch/transports/virtual";
 *
 * const second = tone(0, 48_000, { frequency: 440 });
 * console.log(second.length); // 96000
 * ```
 */
export function tone(first: number, count: number, options: ToneOptions = {}): Int16Array {
  const source = new Tone(options);
  wholeNumber("first", first, 0);
  const { channels } = source;
  return Int16Array.from({ length: wholeNumber("count", count, 0, 2 ** 28) * channels }, (_, i) =>
    source.sample(first + Math.floor(i / channels), i % channels),
  );
}

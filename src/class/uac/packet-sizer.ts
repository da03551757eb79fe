import { InvalidRequestError, inWords } from "../../errors.js";
import { wholeNumber } from "../../numbers.js";

/** What a {@link PacketSizer} counts. */
export interface PacketSizerOptions {
  /** Samples a second, nominally. */
  readonly sampleRate: number;
  /** Microseconds from one packet to the next: `PipeEndpoint.frameDuration`. */
  readonly frameDuration: number;
  /** The most samples that fit in a packet. Default: no limit. */
  readonly maxSamples?: number | undefined;
  /** The fewest samples that a packet can have: 1 for a device that takes no empty ones. Default: 0. */
  readonly minSamples?: number | undefined;
}

/**
 * One unit of what is counted, as a part of a sample: the least that both microseconds (parts of a million) and
 * 16.16 come out even in.
 */
const unitsPerSample = 15_625 * 65_536;
const unitsPerFixed = 15_625;
/** A sample rate times microseconds, in units. */
const unitsPerProduct = unitsPerSample / 1_000_000;

/**
 * How many samples go in each packet (USB 2.0, 5.12.4.2): at the nominal rate, or at what feedback says. What is due
 * beside whole samples is kept in whole units, so nothing is ever rounded away: after n packets the sum is exactly
 * the whole part of what n packets are due.
 *
 * @example
 * ```ts
 * import { PacketSizer } from "rx-isoch/class/uac";
 *
 * const sizer = new PacketSizer({ sampleRate: 44_100, frameDuration: 1000 });
 * export const tenPackets = Array.from({ length: 10 }, () => sizer.next()); // nine of 44, one of 45
 * ```
 */
export class PacketSizer {
  readonly #nominal: number;
  readonly #frameDuration: number;
  readonly #minUnits: number;
  readonly #maxUnits: number;
  #rate: number;
  #due = 0;

  /** @throws `InvalidRequestError` `invalid-number` */
  constructor({ sampleRate, frameDuration, maxSamples, minSamples = 0 }: PacketSizerOptions) {
    wholeNumber("sampleRate", sampleRate, 1, 2 ** 20);
    wholeNumber("frameDuration", frameDuration, 125, 125 * 2 ** 15);
    if (maxSamples !== undefined) wholeNumber("maxSamples", maxSamples, 1, 2 ** 20);
    this.#nominal = this.#rate = sampleRate * frameDuration * unitsPerProduct;
    this.#frameDuration = frameDuration;
    this.#minUnits = wholeNumber("minSamples", minSamples, 0, maxSamples ?? 2 ** 20) * unitsPerSample;
    this.#maxUnits = (maxSamples ?? 2 ** 21) * unitsPerSample;
  }

  /** Samples a second at which packets are made now. */
  get sampleRate(): number {
    return (this.#rate / unitsPerSample / this.#frameDuration) * 1_000_000;
  }

  /**
   * From the next packet on, so many samples in each; `undefined` is the nominal rate.
   *
   * @param samples 16.16 fixed point per packet. What {@link FeedbackDecoder.decode} returns is per frame or
   * microframe: times their number in a service interval.
   * @throws `InvalidRequestError` `invalid-number`
   */
  setRate(samples: number | undefined): void {
    if (samples !== undefined && !(samples > 0 && samples <= 2 ** 36)) {
      throw new InvalidRequestError(
        "invalid-number",
        `samples must be from 1 to 2^36 in 16.16, not ${inWords(samples)}`,
      );
    }
    this.#rate = samples === undefined ? this.#nominal : Math.round(samples * unitsPerFixed);
  }

  /**
   * The number of samples in the next packet. Where more are due than fit, they are due in the next one; of what does
   * not fit there either, nothing is kept. Where fewer are due than there must be, the next one has fewer.
   */
  next(): number {
    const due = Math.min(this.#due + this.#rate, 2 * this.#maxUnits);
    const whole = Math.floor(due / unitsPerSample) * unitsPerSample;
    const sent = Math.min(Math.max(whole, this.#minUnits), this.#maxUnits);
    this.#due = Math.max(due - sent, -this.#maxUnits);
    return sent / unitsPerSample;
  }
}

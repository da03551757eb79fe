import { wholeNumber } from "../../numbers.js";
import type { PacketSizerOptions } from "./packet-sizer.js";

/** What a {@link MirrorSizer} counts. */
export interface MirrorSizerOptions extends PacketSizerOptions {
  /** Microseconds from one captured packet to the next. Default: `frameDuration`. */
  readonly capturedFrameDuration?: number | undefined;
}

/** Captured time, in microseconds, over which the rate is judged. */
const window = 1_000_000;

/**
 * How many samples go in each packet under implicit feedback (USB 2.0, 5.12.4.3): as many as the capture endpoint on
 * the same clock brings in the same time.
 *
 * A packet has to be queued before its time has come, so the captured samples are continued to its end at the rate of
 * the last second. That estimate is made anew for each packet from what was really captured: it does not add up, and
 * samples sent stay as many as samples captured for as long as the stream lasts.
 */
export class MirrorSizer {
  readonly #nominal: number;
  readonly #frameDuration: number;
  readonly #capturedFrameDuration: number;
  readonly #minSamples: number;
  readonly #maxSamples: number;
  /** Samples in a microsecond. */
  #rate: number;
  /** Captured, since the stream began: microseconds, and samples. */
  #capturedTime = 0;
  #captured = 0;
  /** Where the window began. */
  #windowTime = 0;
  #windowCaptured = 0;
  #sentTime = 0;
  #sent = 0;

  /** @throws `InvalidRequestError` `invalid-number` */
  constructor(options: MirrorSizerOptions) {
    const { sampleRate, frameDuration, capturedFrameDuration = frameDuration, maxSamples = 2 ** 20 } = options;
    wholeNumber("sampleRate", sampleRate, 1, 2 ** 20);
    this.#frameDuration = wholeNumber("frameDuration", frameDuration, 125, 125 * 2 ** 15);
    this.#capturedFrameDuration = wholeNumber("capturedFrameDuration", capturedFrameDuration, 125, 125 * 2 ** 15);
    this.#maxSamples = wholeNumber("maxSamples", maxSamples, 1, 2 ** 20);
    this.#minSamples = wholeNumber("minSamples", options.minSamples ?? 0, 0, maxSamples);
    this.#nominal = this.#rate = sampleRate / 1_000_000;
  }

  /** Samples a second at which packets are made now. */
  get sampleRate(): number {
    return this.#rate * 1_000_000;
  }

  /**
   * Packets have come from the capture endpoint.
   *
   * @param samples in all of them; `undefined` where it is not known, for packets that were lost or damaged
   */
  captured(packets: number, samples: number | undefined): void {
    const time = packets * this.#capturedFrameDuration;
    this.#capturedTime += time;
    this.#captured += samples ?? time * this.#rate;
    const passed = this.#capturedTime - this.#windowTime;
    if (passed < window) return;
    const rate = (this.#captured - this.#windowCaptured) / passed;
    // Within an eighth, as explicit feedback is: a clock that is further off is none, but packets that are not there.
    if (Math.abs(rate - this.#nominal) <= this.#nominal / 8) this.#rate = rate;
    this.#windowTime = this.#capturedTime;
    this.#windowCaptured = this.#captured;
  }

  /** Packets that were not sent in their time: the device has missed their samples, and they are not made up for. */
  skipped(packets: number): void {
    this.#sentTime += packets * this.#frameDuration;
    this.#sent += packets * this.#frameDuration * this.#rate;
  }

  /** The number of samples in the next packet. */
  next(): number {
    this.#sentTime += this.#frameDuration;
    const due = this.#captured + (this.#sentTime - this.#capturedTime) * this.#rate - this.#sent;
    const samples = Math.min(Math.max(this.#minSamples, Math.floor(due)), this.#maxSamples);
    this.#sent += samples;
    return samples;
  }
}

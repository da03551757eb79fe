import { InvalidRequestError } from "../../errors.js";
import { wholeNumber } from "../../numbers.js";

/** What a {@link FeedbackDecoder} is for. */
export interface FeedbackOptions {
  /** Samples a second that the endpoint was set to. */
  readonly sampleRate: number;
  /** The speed of the device. */
  readonly speed: "full" | "high" | "super" | "super-plus";
}

/**
 * Reads what an explicit feedback endpoint sends: how many samples its device wants in each frame (full speed) or
 * microframe (USB 2.0, 5.12.4.2).
 *
 * The specification has 10.14 in three bytes at full speed, and 16.16 in four at high speed. Devices send what they
 * like: four bytes at full speed, 16.16 there, 10.14 at high speed, or samples per millisecond there. So the first
 * value, and each after one that made no sense, decides where the binary point is: where it comes close to the
 * nominal rate. snd-usb-audio of Linux does the same.
 *
 * A value that is more than an eighth off the nominal rate is none (the lower limit of snd-usb-audio), as is one of
 * fewer than three bytes: an endpoint that has nothing to say sends an empty packet.
 */
export class FeedbackDecoder {
  /** Samples per frame or microframe, 16.16. */
  readonly nominal: number;
  #shift: number | undefined;
  #rejected = 0;

  /** @throws `InvalidRequestError` */
  constructor({ sampleRate, speed }: FeedbackOptions) {
    wholeNumber("sampleRate", sampleRate, 1, 2 ** 24);
    this.nominal = (sampleRate * 65_536) / (speed === "full" ? 1000 : 8000);
  }

  /** Values that were out of range so far. */
  get rejected(): number {
    return this.#rejected;
  }

  /**
   * Samples per frame (full speed) or microframe, in 16.16 fixed point; `undefined` where the packet has no value, or
   * one that is out of range.
   */
  decode(packet: Uint8Array): number | undefined {
    const given: unknown = packet;
    if (!(given instanceof Uint8Array)) throw new InvalidRequestError("invalid-option", "a packet is a Uint8Array");
    const [low, middle, high, top = 0] = packet;
    if (low === undefined || middle === undefined || high === undefined) return undefined;
    // No rate has the upper four bits: they are not part of the value.
    const value = low | (middle << 8) | (high << 16) | ((top & 0x0f) << 24);
    if (value === 0) return undefined;
    this.#shift ??= this.#findShift(value);
    const samples = this.#shift === undefined ? value : value * 2 ** this.#shift;
    if (this.#isInRange(samples)) return samples;
    this.#shift = undefined;
    this.#rejected++;
    return undefined;
  }

  /** How many places the binary point is off, where that explains the value. */
  #findShift(value: number): number | undefined {
    const shift = Math.round(Math.log2(this.nominal / value));
    return this.#isInRange(value * 2 ** shift) ? shift : undefined;
  }

  #isInRange(samples: number): boolean {
    return Math.abs(samples - this.nominal) <= this.nominal / 8;
  }
}

import type { ControlSetup } from "../../../../../src/index.js";
import { word } from "../../../descriptors.js";
import type { AudioControls } from "../audio-controls.js";
import { Feature, volumeRange } from "../feature.js";
import { controlInterface, featureUnit } from "../layout.js";

/** Requests of the class (UAC 1.0, A.9). */
const requests = {
  setCurrent: 0x01,
  getCurrent: 0x81,
  getMinimum: 0x82,
  getMaximum: 0x83,
  getResolution: 0x84,
} as const;

/** Controls of a feature unit and of an endpoint (UAC 1.0, A.10.2 and A.10.5). */
const controls = { mute: 0x01, volume: 0x02, samplingFrequency: 0x01 } as const;

const nothing = new Uint8Array(0);

/** The mute, the volume and the sampling rate of a device of the USB Audio Class 1.0. */
export class Uac1Controls implements AudioControls {
  readonly isClockValid = true;
  readonly feature = new Feature();
  readonly #endpoint: number;
  readonly #rates: readonly number[];
  readonly #rateSet: () => void;
  #rate: number;

  /** @param rateSet is called when the host has set the rate */
  constructor(endpoint: number, rates: readonly number[], rateSet: () => void) {
    this.#endpoint = endpoint;
    this.#rates = rates;
    this.#rate = rates[0] ?? 48_000;
    this.#rateSet = rateSet;
  }

  get sampleRate(): number {
    return this.#rate;
  }

  /** `undefined` is a STALL. */
  answer({ recipient, request, value, index }: ControlSetup, data: number | Uint8Array): Uint8Array | undefined {
    const control = value >> 8;
    const sent = data instanceof Uint8Array ? data : nothing;
    if (recipient === "endpoint" && index === this.#endpoint && control === controls.samplingFrequency) {
      return this.#answerRate(request, sent);
    }
    // What has a volume is all channels together, number 0.
    const isUnit = recipient === "interface" && index === ((featureUnit << 8) | controlInterface);
    if (!isUnit || (value & 0xff) !== 0) return undefined;
    if (control === controls.mute) return this.#answerMute(request, sent);
    return control === controls.volume ? this.#answerVolume(request, sent) : undefined;
  }

  #answerRate(request: number, sent: Uint8Array): Uint8Array | undefined {
    switch (request) {
      case requests.setCurrent: {
        const [low, middle, high] = sent;
        if (low === undefined || middle === undefined || high === undefined) return undefined;
        const asked = low | (middle << 8) | (high << 16);
        // The closest that there is (UAC 1.0, 5.2.3.2.3.1).
        const [closest] = this.#rates.toSorted((a, b) => Math.abs(a - asked) - Math.abs(b - asked));
        this.#rate = closest ?? this.#rate;
        this.#rateSet();
        return nothing;
      }
      case requests.getCurrent:
        return encodeRate(this.#rate);
      case requests.getMinimum:
        return encodeRate(Math.min(...this.#rates));
      case requests.getMaximum:
        return encodeRate(Math.max(...this.#rates));
      default:
        return undefined;
    }
  }

  #answerMute(request: number, [sent]: Uint8Array): Uint8Array | undefined {
    if (request === requests.getCurrent) return Uint8Array.of(this.feature.isMuted ? 1 : 0);
    if (request !== requests.setCurrent || sent === undefined) return undefined;
    this.feature.isMuted = sent !== 0;
    return nothing;
  }

  #answerVolume(request: number, [low, high]: Uint8Array): Uint8Array | undefined {
    switch (request) {
      case requests.setCurrent: {
        if (low === undefined || high === undefined) return undefined;
        this.feature.volume = ((low | (high << 8)) << 16) >> 16;
        return nothing;
      }
      case requests.getCurrent:
        return Uint8Array.of(...word(this.feature.volume));
      case requests.getMinimum:
        return Uint8Array.of(...word(volumeRange.minimum));
      case requests.getMaximum:
        return Uint8Array.of(...word(volumeRange.maximum));
      case requests.getResolution:
        return Uint8Array.of(...word(volumeRange.resolution));
      default:
        return undefined;
    }
  }
}

function encodeRate(rate: number): Uint8Array {
  return Uint8Array.of(...word(rate), (rate >> 16) & 0xff);
}

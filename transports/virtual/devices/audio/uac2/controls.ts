import type { ControlSetup } from "../../../../../src/index.js";
import type { AudioControls } from "../audio-controls.js";
import { Feature, volumeRange } from "../feature.js";
import { controlInterface, featureUnit } from "../layout.js";
import type { Release } from "../release.js";
import { clockIds, Clocks } from "./clocks.js";
import { answerControl, type Control } from "./control.js";

/** Control selectors of a feature unit (UAC 2.0, A.17.7). */
const selectors = { mute: 0x01, volume: 0x02 } as const;

/** The clocks, the mute and the volume of a device of the USB Audio Class 2.0. */
export class Uac2Controls implements AudioControls {
  readonly feature = new Feature();
  readonly #clocks: Clocks;
  readonly #hasExternalClock: boolean;

  /** @param rateSet is called when the host has set the rate, or selected a clock */
  constructor(rates: readonly number[], release: Release, rateSet: () => void) {
    this.#clocks = new Clocks(rates, release, rateSet);
    this.#hasExternalClock = release.hasExternalClock;
  }

  get sampleRate(): number {
    return this.#clocks.sampleRate;
  }

  get isClockValid(): boolean {
    return this.#clocks.isValid;
  }

  answer(setup: ControlSetup, data: number | Uint8Array): Uint8Array | undefined {
    const { recipient, value, index } = setup;
    // Endpoints and streaming interfaces have no controls; units have them for all channels together, number 0.
    if (recipient !== "interface" || (index & 0xff) !== controlInterface || (value & 0xff) !== 0) return undefined;
    const control = this.#find(index >> 8, value >> 8);
    return control && answerControl(control, setup, data);
  }

  #find(entity: number, selector: number): Control | undefined {
    if (entity === featureUnit) return this.#featureControl(selector);
    const isThere = entity === clockIds.internal || this.#hasExternalClock;
    return isThere ? this.#clocks.find(entity, selector) : undefined;
  }

  /** UAC 2.0, 5.2.5.7.1 and 5.2.5.7.2. */
  #featureControl(selector: number): Control | undefined {
    const { feature } = this;
    switch (selector) {
      case selectors.mute:
        return {
          size: 1,
          get: () => Number(feature.isMuted),
          set: (value) => {
            feature.isMuted = value !== 0;
            return true;
          },
        };
      case selectors.volume:
        return {
          size: 2,
          get: () => feature.volume,
          set: (value) => {
            feature.volume = (value << 16) >> 16;
            return true;
          },
          ranges: () => [[volumeRange.minimum, volumeRange.maximum, volumeRange.resolution]],
        };
      default:
        return undefined;
    }
  }
}

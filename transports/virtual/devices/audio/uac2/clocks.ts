import type { Release } from "../release.js";
import type { Control } from "./control.js";

/** bClockID of the clock entities. */
export const clockIds = { internal: 10, external: 11, selector: 12 } as const;

/** The sources of the selector, in the order of its pins, which count from 1. */
export const selectorPins = [clockIds.external, clockIds.internal] as const;
const internalPin = 2;

/** Control selectors (UAC 2.0, A.17.1 and A.17.2). */
const selectors = { sampleRate: 0x01, clockValid: 0x02, selectedPin: 0x01 } as const;

/** The clocks of a device of the USB Audio Class 2.0. */
export class Clocks {
  readonly #rates: readonly number[];
  readonly #clockLock: number;
  readonly #changed: () => void;
  #rate: number;
  #pin: number;
  /** How often the internal one still says that it is not valid. */
  #unlocked: number;

  /** @param changed is called when the host has set a rate, or a pin */
  constructor(rates: readonly number[], { clockLock, hasExternalClock }: Release, changed: () => void) {
    this.#rates = rates;
    this.#rate = rates[0] ?? 48_000;
    this.#pin = hasExternalClock ? 1 : internalPin;
    this.#clockLock = this.#unlocked = clockLock;
    this.#changed = changed;
  }

  get sampleRate(): number {
    return this.#rate;
  }

  /** Whether the one that is selected is valid. */
  get isValid(): boolean {
    return this.#pin === internalPin && this.#unlocked === 0;
  }

  /** The control of an entity. */
  find(entity: number, selector: number): Control | undefined {
    switch (entity) {
      case clockIds.internal:
        return selector === selectors.sampleRate ? this.#internalRate() : this.#internalValidity(selector);
      case clockIds.external:
        return this.#external(selector);
      case clockIds.selector:
        return selector === selectors.selectedPin ? this.#selectedPin() : undefined;
      default:
        return undefined;
    }
  }

  /** UAC 2.0, 5.2.5.1.1. A device that has one rate only does not let the host set it. */
  #internalRate(): Control {
    const get = () => this.#rate;
    const ranges = () => this.#ranges();
    if (this.#rates.length === 1) return { size: 4, get, ranges };
    return {
      size: 4,
      get,
      ranges,
      set: (rate) => {
        if (!this.#rates.includes(rate)) return false;
        if (rate !== this.#rate) this.#unlocked = this.#clockLock;
        this.#rate = rate;
        this.#changed();
        return true;
      },
    };
  }

  /** A sub-range for each rate. */
  #ranges(): readonly (readonly [number, number, number])[] {
    return this.#rates.map((rate) => [rate, rate, 0] as const);
  }

  /** UAC 2.0, 5.2.5.1.2. */
  #internalValidity(selector: number): Control | undefined {
    if (selector !== selectors.clockValid) return undefined;
    return {
      size: 1,
      get: () => {
        if (this.#unlocked === 0) return 1;
        this.#unlocked--;
        return 0;
      },
    };
  }

  /** It would run at any of the rates, and measures none. */
  #external(selector: number): Control | undefined {
    switch (selector) {
      case selectors.sampleRate:
        return { size: 4, get: () => 0, ranges: () => this.#ranges() };
      case selectors.clockValid:
        return { size: 1, get: () => 0 };
      default:
        return undefined;
    }
  }

  /** UAC 2.0, 5.2.5.2.1. */
  #selectedPin(): Control {
    return {
      size: 1,
      get: () => this.#pin,
      set: (pin) => {
        if (pin < 1 || pin > selectorPins.length) return false;
        this.#pin = pin;
        this.#changed();
        return true;
      },
    };
  }
}

import { oneOf, wholeNumber } from "../../numbers.js";

/**
 * What is done about a clock of UAC 2.0 that says that it is not valid: an external one without a signal, or one that
 * has not locked yet. Devices of UAC 1.0 have no such clocks.
 */
export interface ClockOptions {
  /**
   * `switch`: where a clock selector has an external source selected that is not valid, it is made to select the first
   * one that is, and has the sample rate; so it is where any other source is still not valid after `clockTimeout`. The
   * device keeps that setting, also where the source then refuses the rate after all, or does not lock. Where no source
   * is both, the selector is left as it is.
   * `keep`: selectors are left as they are.
   * `any`: clocks are not asked, for devices that call a clock invalid that works. Default: `switch`.
   */
  readonly clock?: "switch" | "keep" | "any" | undefined;
  /**
   * Milliseconds that a clock has to become valid, once the rate is set; 0 asks once. There are devices that
   * take more than two seconds to lock. Default: 5000.
   */
  readonly clockTimeout?: number | undefined;
}

/**
 * The options with their defaults.
 *
 * @throws `InvalidRequestError`
 * @internal
 */
export function checkClockOptions({ clock = "switch", clockTimeout = 5000 }: ClockOptions): {
  readonly clock: "switch" | "keep" | "any";
  readonly clockTimeout: number;
} {
  return {
    clock: oneOf("clock", clock, ["switch", "keep", "any"]),
    clockTimeout: wholeNumber("clockTimeout", clockTimeout, 0, 600_000),
  };
}

import { DeviceError } from "../../errors.js";
import { isStall } from "./clock-requests.js";
import type { SampleRateRange } from "./model.js";
import { sampleRatesInWords } from "./sample-rates.js";

/** Clocks are not exact: some endpoints say what they measure. */
export function isCloseRate(actual: number, wanted: number): boolean {
  return Math.abs(actual - wanted) <= wanted / 1000;
}

export function otherRate(wanted: number, actual: number, rates: readonly SampleRateRange[]): DeviceError {
  return new DeviceError(
    "rate-refused",
    `the device runs at ${actual} Hz, and not at ${wanted}: choose what it has, ${sampleRatesInWords(rates)}; other streams on its clock, or an external one, may hold it at that`,
  );
}

/** What a request to set a rate failed with. */
export function rateRefused(error: unknown, sampleRate: number, rates: readonly SampleRateRange[]): unknown {
  if (!isStall(error)) return error;
  return new DeviceError(
    "rate-refused",
    `the device refuses to run at ${sampleRate} Hz: choose another rate of ${sampleRatesInWords(rates)}`,
    { cause: error },
  );
}

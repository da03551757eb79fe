import { EndpointError } from "../../errors.js";
import type { AudioAlternate, SampleRateRange } from "./model.js";

/** Whether a device has this rate. A range with a step is taken at its ends and at each step from its lower one. */
export function hasSampleRate(rates: readonly SampleRateRange[], sampleRate: number): boolean {
  return rates.some(
    ({ min, max, step }) =>
      sampleRate === max || (sampleRate >= min && sampleRate < max && (step <= 1 || (sampleRate - min) % step === 0)),
  );
}

/** Sample rates in words: `44100, 48000 Hz`, `8000 to 96000 Hz`. */
export function sampleRatesInWords(rates: readonly SampleRateRange[]): string {
  const each = rates.map(({ min, max, step }) =>
    min === max ? `${min}` : `${min} to ${max}${step > 1 ? ` in steps of ${step}` : ""}`,
  );
  return each.length === 0 ? "none" : `${each.join(", ")} Hz`;
}

/**
 * @throws {@link EndpointError} `no-such-format`
 * @internal
 */
export function checkSampleRate(
  { interfaceNumber, alternate }: AudioAlternate,
  rates: readonly SampleRateRange[],
  sampleRate: number,
): void {
  if (hasSampleRate(rates, sampleRate)) return;
  throw new EndpointError(
    "no-such-format",
    `interface ${interfaceNumber}, alternate setting ${alternate}, has no ${sampleRate} Hz: choose one of ${sampleRatesInWords(rates)}`,
  );
}

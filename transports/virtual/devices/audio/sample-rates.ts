import { InvalidRequestError } from "../../../../src/index.js";

const known: readonly number[] = [48_000, 44_100];

/** @throws {@link InvalidRequestError} */
export function checkSampleRates(rates: readonly number[] = known): readonly number[] {
  if (rates.length > 0 && new Set(rates).size === rates.length && rates.every((rate) => known.includes(rate))) {
    return [...rates];
  }
  throw new InvalidRequestError("invalid-option", `sampleRates must be some of ${known.join(" and ")}, each once`);
}

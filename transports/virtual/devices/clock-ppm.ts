import { InvalidRequestError } from "../../../src/index.js";

/**
 * Checks how much faster than the bus a device's clock runs, in parts per million.
 *
 * @throws {@link InvalidRequestError}
 */
export function checkClockPpm(clockPpm: number): number {
  if (Number.isFinite(clockPpm) && Math.abs(clockPpm) <= 100_000) return clockPpm;
  throw new InvalidRequestError("invalid-number", `clockPpm must be from -100000 to 100000, not ${clockPpm}`);
}

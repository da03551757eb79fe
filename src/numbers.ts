import { inWords, InvalidRequestError } from "./errors.js";

/**
 * Checks a number that goes in: whole, and from `min` to `max`.
 *
 * @throws {@link InvalidRequestError} `invalid-number`, naming `what`, for NaN, infinities,
 * fractions, numbers outside the range, and values that are no numbers at all.
 * @internal
 */
export function wholeNumber(what: string, value: unknown, min: number, max = Number.MAX_SAFE_INTEGER): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw new InvalidRequestError(
    "invalid-number",
    `${what} must be a whole number from ${min} to ${max}, not ${inWords(value)}`,
  );
}

/**
 * Checks an option that takes one of a few words.
 *
 * @throws {@link InvalidRequestError} `invalid-option`, naming `what` and the words it takes.
 * @internal
 */
export function oneOf<T extends string>(what: string, value: unknown, words: readonly T[]): T {
  const found = words.find((word) => word === value);
  if (found !== undefined) return found;
  throw new InvalidRequestError("invalid-option", `${what} must be one of ${words.join(", ")}, not ${inWords(value)}`);
}

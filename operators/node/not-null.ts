import { InvalidRequestError } from "../../src/index.js";

/**
 * What a Node stream can have for a value: `null` is its end.
 *
 * @throws {@link InvalidRequestError} `invalid-option`
 * @internal
 */
export function notNull<T>(value: T): T {
  if (value !== null) return value;
  throw new InvalidRequestError(
    "invalid-option",
    "null came, which is the end of a Node stream and no value in it: filter it out, or map it to something else",
  );
}

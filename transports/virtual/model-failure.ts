import { IsochError, TransportError } from "../../src/index.js";

/**
 * What a device model threw, as one of our errors.
 *
 * @param purpose what the model was asked to do
 */
export function modelFailure(purpose: string, cause: unknown): IsochError {
  if (IsochError.is(cause)) return cause;
  return new TransportError(
    "transport-failed",
    `the model of a virtual device failed to ${purpose}: ${String(cause)}; correct the model`,
    { cause },
  );
}

/** Asks something of a device model. */
export function askModel<T>(purpose: string, ask: () => T): T {
  try {
    return ask();
  } catch (cause) {
    throw modelFailure(purpose, cause);
  }
}

import { DeviceError, IsochError } from "../../../src/index.js";
import { inWords } from "../../../src/errors.js";

/** The names that the algorithms of WebUSB reject with. */
export type ExceptionName =
  | "AbortError"
  | "DataError"
  | "InvalidAccessError"
  | "InvalidStateError"
  | "NetworkError"
  | "NotFoundError"
  | "NotSupportedError"
  | "SecurityError";

/** A DOMException. In Node it can have a cause, which browsers leave out. */
export function exception(name: ExceptionName, message: string, cause?: unknown): DOMException {
  const error = new DOMException(message, name);
  if (cause !== undefined) Object.defineProperty(error, "cause", { value: cause, configurable: true });
  return error;
}

export function disconnected(): DOMException {
  return exception("NotFoundError", "the device is no longer connected");
}

/** What a step on the device failed with, by the name that the specification has for it. */
export function failed(what: string, cause: unknown): DOMException {
  if (cause instanceof DOMException) return cause;
  if (DeviceError.is(cause) && (cause.code === "device-gone" || cause.code === "no-such-device")) return disconnected();
  const message = IsochError.is(cause) ? cause.message : inWords(cause);
  return exception("NetworkError", `${what}: ${message}`, cause);
}

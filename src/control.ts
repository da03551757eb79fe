import { InvalidRequestError } from "./errors.js";
import { oneOf, wholeNumber } from "./numbers.js";
import type { ControlSetup } from "./transport.js";

/**
 * Checks a control request: that it fits in a setup packet, and that its data is what its direction
 * asks for (USB 2.0, 9.3).
 *
 * @throws {@link InvalidRequestError}
 * @internal
 */
export function checkControl(setup: ControlSetup, data: number | Uint8Array): void {
  oneOf("type", setup.type, ["standard", "class", "vendor"]);
  oneOf("recipient", setup.recipient, ["device", "interface", "endpoint", "other"]);
  wholeNumber("request", setup.request, 0, 0xff);
  wholeNumber("value", setup.value, 0, 0xffff);
  wholeNumber("index", setup.index, 0, 0xffff);
  if (oneOf("direction", setup.direction, ["in", "out"]) === "in") {
    wholeNumber("data, the number of bytes asked for,", data, 0, 0xffff);
  } else if (!(data instanceof Uint8Array)) {
    throw new InvalidRequestError("invalid-option", "data must be a Uint8Array with the bytes to send");
  } else {
    wholeNumber("the length of data", data.length, 0, 0xffff);
  }
}

import { lastValueFrom } from "rxjs";
import { DeviceError, type ControlSetup, type Direction, type TransportDevice } from "../../../src/index.js";
import type { WebUsbControlSetup } from "../usb.js";

const requestTypes = ["standard", "class", "vendor"] as const;
const recipients = ["device", "interface", "endpoint", "other"] as const;

/**
 * `USBControlTransferParameters` as a setup packet, each number cut to its field.
 *
 * @throws TypeError for a word that is none
 */
export function toControlSetup(parameters: WebUsbControlSetup, direction: Direction): ControlSetup {
  const { requestType: type, recipient, request, value, index } = parameters;
  if (!requestTypes.includes(type)) throw new TypeError("requestType is not one of USBRequestType");
  if (!recipients.includes(recipient)) throw new TypeError("recipient is not one of USBRecipient");
  return { direction, type, recipient, request: request & 0xff, value: value & 0xffff, index: index & 0xffff };
}

/** A control transfer; `undefined` for a STALL. */
export async function controlTransfer(
  device: TransportDevice,
  setup: ControlSetup,
  data: number | Uint8Array,
): Promise<Uint8Array | undefined> {
  try {
    return await lastValueFrom(device.controlTransfer(setup, data), { defaultValue: new Uint8Array(0) });
  } catch (error) {
    if (DeviceError.is(error) && error.code === "control-stalled") return undefined;
    throw error;
  }
}

import { DeviceError, type ControlSetup } from "../../src/index.js";
import type { WebUsbDevice } from "./usb.js";

/** A control transfer on a USBDevice. Rejects as the device does, and where it stalls. */
export async function controlTransfer(
  usb: WebUsbDevice,
  id: string,
  setup: ControlSetup,
  data: number | Uint8Array,
): Promise<Uint8Array> {
  const { type: requestType, recipient, request, value, index } = setup;
  const parameters = { requestType, recipient, request, value, index };
  const result =
    typeof data === "number"
      ? await usb.controlTransferIn(parameters, data)
      : await usb.controlTransferOut(parameters, data.slice());
  if (result.status === "stall") {
    throw new DeviceError(
      "control-stalled",
      `${id} refused the ${requestType} request ${request} (value ${value}, index ${index}): check them against the device's documentation`,
    );
  }
  if (typeof data !== "number" || !("data" in result) || !ArrayBuffer.isView(result.data)) return new Uint8Array(0);
  const { buffer, byteOffset, byteLength } = result.data;
  return new Uint8Array(buffer, byteOffset, Math.min(byteLength, data)).slice();
}

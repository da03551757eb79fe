import { DeviceError, TransferStateError, type IsochErrorOptions } from "./errors.js";

/**
 * The device was unplugged.
 *
 * @param options what the layer below said, where it said anything
 * @internal
 */
export function unplugged(id: string, options?: IsochErrorOptions): DeviceError {
  return new DeviceError("device-gone", `${id} was unplugged: wait for it to attach again`, options);
}

/**
 * Something was asked of a handle on a device that was closed.
 * @internal
 */
export function handleClosed(id: string): TransferStateError {
  return new TransferStateError("pipe-closed", `this handle on ${id} is closed: open the device again`);
}

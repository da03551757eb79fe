import { hexAddress } from "./endpoint.js";
import { BusyError, DeviceError, EndpointError, TransferStateError, type IsochErrorOptions } from "./errors.js";

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

/**
 * Another handle of this program has the interface.
 * @internal
 */
export function interfaceClaimed(interfaceNumber: number, id: string): BusyError {
  return new BusyError(
    "interface-busy",
    `interface ${interfaceNumber} of ${id} is claimed by another handle of this program: close it there first`,
  );
}

/**
 * No alternate setting that is selected has the endpoint, or it is of another transfer type.
 * @internal
 */
export function notSelected(endpointAddress: number, id: string): EndpointError {
  return new EndpointError(
    "not-in-alternate",
    `endpoint ${hexAddress(endpointAddress)} of ${id} is not an isochronous endpoint of a selected alternate setting: select one that has it`,
  );
}

import type { DeviceInfo, DeviceSelector } from "./transport.js";

/**
 * Whether a device is one that the selector means.
 * @internal
 */
export function matchesSelector(info: DeviceInfo, { vendorId, productId, serialNumber, id }: DeviceSelector): boolean {
  return (
    (vendorId === undefined || vendorId === info.descriptor.vendorId) &&
    (productId === undefined || productId === info.descriptor.productId) &&
    (serialNumber === undefined || serialNumber === info.serialNumber) &&
    (id === undefined || id === info.id)
  );
}

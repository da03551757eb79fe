import type { WebUsbDevice, WebUsbFilter, WebUsbRequestOptions } from "../usb.js";

/** Whether the user would be offered this device: one filter matches it (where there are any), and no exclusion. */
export function isMeant(device: WebUsbDevice, { filters, exclusionFilters = [] }: WebUsbRequestOptions): boolean {
  const isWanted = filters.length === 0 || filters.some((filter) => matches(device, filter));
  return isWanted && !exclusionFilters.some((filter) => matches(device, filter));
}

/** "Match a device filter": the class is that of the device, or of one of its interfaces. */
function matches(device: WebUsbDevice, filter: WebUsbFilter): boolean {
  const { vendorId, productId, classCode, serialNumber } = filter;
  if (vendorId !== undefined && vendorId !== device.vendorId) return false;
  if (productId !== undefined && productId !== device.productId) return false;
  if (serialNumber !== undefined && serialNumber !== device.serialNumber) return false;
  if (classCode === undefined) return true;
  const alternates = device.configurations.flatMap(({ interfaces }) => interfaces.flatMap((each) => each.alternates));
  return (
    hasClass(filter, device.deviceClass, device.deviceSubclass, device.deviceProtocol) ||
    alternates.some((each) => hasClass(filter, each.interfaceClass, each.interfaceSubclass, each.interfaceProtocol))
  );
}

function hasClass(
  { classCode, subclassCode, protocolCode }: WebUsbFilter,
  code: number,
  subclass: number,
  protocol: number,
): boolean {
  return (
    classCode === code &&
    (subclassCode === undefined || subclassCode === subclass) &&
    (protocolCode === undefined || protocolCode === protocol)
  );
}

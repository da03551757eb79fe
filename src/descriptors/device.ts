import type { DeviceDescriptor } from "./model.js";
import { badDescriptor, descriptorAt, descriptorTypes, requireLength } from "./reader.js";

/**
 * bDeviceClass of a hub (USB 2.0, 11.23.1).
 * @internal
 */
export const hubClass = 0x09;

/**
 * Takes a device descriptor apart (USB 2.0, 9.6.1; USB 3.2, 9.6.1).
 *
 * Bytes after the descriptor are left alone, so the content of Linux's sysfs file `descriptors`,
 * where the configurations follow, can be passed as it is. From bcdUSB 3.00 on, a bMaxPacketSize0 of 9
 * is the exponent that the specification says, 512 bytes; any other value stands for itself, because
 * there are such devices that say 64 at high speed.
 *
 * @param bytes - What GET_DESCRIPTOR answered. Neither kept nor written to.
 * @throws {@link DescriptorError} `bad-descriptor` if it is cut off, or is another descriptor.
 *
 * @example
 * ```ts
 * import { parseDeviceDescriptor } from "rx-isoch";
 *
 * export function isKinect(bytes: Uint8Array): boolean {
 *   const { vendorId, productId } = parseDeviceDescriptor(bytes);
 *   return vendorId === 0x045e && productId === 0x02ae;
 * }
 * ```
 */
export function parseDeviceDescriptor(bytes: Uint8Array): DeviceDescriptor {
  const descriptor = descriptorAt(bytes, 0, bytes.length);
  if (descriptor.type !== descriptorTypes.device) {
    badDescriptor(`a device descriptor has type 0x1, and the one at byte 0 has 0x${descriptor.type.toString(16)}`);
  }
  requireLength(descriptor, "device", 18);
  const { fields } = descriptor;
  const usbVersion = fields.getUint16(2, true);
  const packetSize = fields.getUint8(7);
  return {
    usbVersion,
    deviceClass: fields.getUint8(4),
    deviceSubclass: fields.getUint8(5),
    deviceProtocol: fields.getUint8(6),
    maxPacketSize0: usbVersion >= 0x0300 && packetSize === 9 ? 512 : packetSize,
    vendorId: fields.getUint16(8, true),
    productId: fields.getUint16(10, true),
    deviceVersion: fields.getUint16(12, true),
    manufacturerIndex: fields.getUint8(14),
    productIndex: fields.getUint8(15),
    serialNumberIndex: fields.getUint8(16),
    configurationCount: fields.getUint8(17),
  };
}

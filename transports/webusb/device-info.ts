import type { DeviceDescriptor, DeviceInfo, Speed } from "../../src/index.js";
import { highOrFull } from "./speed.js";
import type { WebUsbDevice } from "./usb.js";

/**
 * What a USBDevice tells before it is opened. Its configurations lack bInterval and the companions, so
 * they are not told of; the speed is a guess.
 */
export function toDeviceInfo(id: string, device: WebUsbDevice): DeviceInfo {
  const version = (major: number, minor: number, subminor: number) => (major << 8) | (minor << 4) | subminor;
  const descriptor: DeviceDescriptor = {
    usbVersion: version(device.usbVersionMajor, device.usbVersionMinor, device.usbVersionSubminor),
    deviceClass: device.deviceClass,
    deviceSubclass: device.deviceSubclass,
    deviceProtocol: device.deviceProtocol,
    maxPacketSize0: 64,
    vendorId: device.vendorId,
    productId: device.productId,
    deviceVersion: version(device.deviceVersionMajor, device.deviceVersionMinor, device.deviceVersionSubminor),
    manufacturerIndex: 0,
    productIndex: 0,
    serialNumberIndex: 0,
    configurationCount: device.configurations.length,
  };
  return {
    id,
    speed: guessSpeed(device),
    descriptor,
    configurations: [],
    manufacturer: device.manufacturerName ?? undefined,
    product: device.productName ?? undefined,
    serialNumber: device.serialNumber ?? undefined,
  };
}

function guessSpeed({ usbVersionMajor, configurations }: WebUsbDevice): Speed {
  if (usbVersionMajor >= 3) return "super";
  if (usbVersionMajor < 2) return "full";
  const clues = configurations.flatMap(({ interfaces }) =>
    interfaces.flatMap(({ alternates }) =>
      alternates.flatMap(({ endpoints }) =>
        endpoints.map(({ type, packetSize }) => ({ transferType: type, maxPacketSize: packetSize })),
      ),
    ),
  );
  return highOrFull(clues) ?? "high";
}

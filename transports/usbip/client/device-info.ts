import type {
  ConfigurationDescriptor,
  DeviceDescriptor,
  DeviceInfo,
  DeviceSelector,
  Speed,
} from "../../../src/index.js";
import { matchesSelector } from "../../../src/device-selector.js";
import type { UsbipDevice } from "../protocol/index.js";

/** What a device says of itself, once it is imported. */
export interface DeviceDescription {
  readonly descriptor: DeviceDescriptor;
  readonly configurations: readonly ConfigurationDescriptor[];
  readonly manufacturer: string | undefined;
  readonly product: string | undefined;
  readonly serialNumber: string | undefined;
}

/** What the wire knows a device by: bus number × 65536 + device number. Another one after a replug. */
export function deviceIdOf({ busNumber, deviceNumber }: UsbipDevice): number {
  return (busNumber * 0x10000 + deviceNumber) % 2 ** 32;
}

/** What the list says of a device: no strings, no configurations, and zeros in some fields. */
export function listedInfo(device: UsbipDevice): DeviceInfo {
  return {
    id: device.busId,
    speed: speedOf(device),
    descriptor: {
      usbVersion: 0,
      deviceClass: device.deviceClass,
      deviceSubclass: device.deviceSubclass,
      deviceProtocol: device.deviceProtocol,
      maxPacketSize0: 0,
      vendorId: device.vendorId,
      productId: device.productId,
      deviceVersion: device.deviceVersion,
      manufacturerIndex: 0,
      productIndex: 0,
      serialNumberIndex: 0,
      configurationCount: device.configurationCount,
    },
    configurations: [],
  };
}

/** What is known of a device that is imported. */
export function importedInfo(device: UsbipDevice, description: DeviceDescription): DeviceInfo {
  return { id: device.busId, speed: speedOf(device), ...description };
}

/** Whether a device may be meant, as far as the list tells. */
export function mayMatch(device: UsbipDevice, { vendorId, productId, id }: DeviceSelector): boolean {
  return matchesSelector(listedInfo(device), { vendorId, productId, id });
}

/** A speed that the server does not know is taken for the commonest. */
function speedOf({ speed = "high" }: UsbipDevice): Speed {
  return speed;
}

import {
  IsochError,
  parseConfigurationDescriptor,
  parseDeviceDescriptor,
  type DeviceInfo,
  type Speed,
} from "../../src/index.js";
import type { NativeDeviceInfo } from "./addon.js";

/** `enum libusb_speed`. A speed that the system does not know is taken for the commonest. */
const speeds: readonly Speed[] = ["high", "low", "full", "high", "super", "super-plus", "super-plus"];

/**
 * What is known of a device without opening it. A configuration that does not parse is left out, and
 * so is a device with such a descriptor.
 */
export function toDeviceInfo(native: NativeDeviceInfo): DeviceInfo | undefined {
  const descriptor = parsed(parseDeviceDescriptor, native.descriptor);
  if (descriptor === undefined) return undefined;
  return {
    id: deviceId(native),
    speed: speeds[native.speed] ?? "high",
    descriptor,
    configurations: native.configurations.flatMap((bytes) => parsed(parseConfigurationDescriptor, bytes) ?? []),
    manufacturer: native.manufacturer,
    product: native.product,
    serialNumber: native.serialNumber,
  };
}

/** The port, and the address there, which changes when a device is plugged in again. */
export function deviceId({ bus, address, ports }: Pick<NativeDeviceInfo, "bus" | "address" | "ports">): string {
  return `${bus}-${ports.length === 0 ? "0" : ports.join(".")}:${address}`;
}

/** `undefined` for bytes that are no such descriptor. */
function parsed<T>(parse: (bytes: Uint8Array) => T, bytes: Uint8Array): T | undefined {
  try {
    return parse(bytes);
  } catch (error) {
    if (IsochError.is(error)) return undefined;
    throw error;
  }
}

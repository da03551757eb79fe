import { joined } from "../../src/joined.js";

/** The fields of a device descriptor (USB 2.0, 9.6.1); what is left out is zero. */
export interface DeviceDescriptorFields {
  /** bcdUSB. */
  readonly usbVersion: number;
  /** bMaxPacketSize0 as it stands on the wire. */
  readonly maxPacketSize0: number;
  readonly vendorId: number;
  readonly productId: number;
  readonly deviceClass?: number | undefined;
  readonly deviceSubclass?: number | undefined;
  readonly deviceProtocol?: number | undefined;
  /** bcdDevice. */
  readonly deviceVersion?: number | undefined;
  readonly manufacturerIndex?: number | undefined;
  readonly productIndex?: number | undefined;
  readonly serialNumberIndex?: number | undefined;
}

/** A device descriptor with one configuration. */
export function encodeDevice(fields: DeviceDescriptorFields): Uint8Array {
  const { deviceClass = 0, deviceSubclass = 0, deviceProtocol = 0, deviceVersion = 0 } = fields;
  const { manufacturerIndex = 0, productIndex = 0, serialNumberIndex = 0 } = fields;
  return Uint8Array.of(
    18,
    1,
    ...word(fields.usbVersion),
    deviceClass,
    deviceSubclass,
    deviceProtocol,
    fields.maxPacketSize0,
    ...word(fields.vendorId),
    ...word(fields.productId),
    ...word(deviceVersion),
    manufacturerIndex,
    productIndex,
    serialNumberIndex,
    1,
  );
}

/** Configuration 1 around the descriptors of its interfaces, powered by the bus (USB 2.0, 9.6.3). */
export function encodeConfiguration(interfaceCount: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const total = parts.reduce((sum, part) => sum + part.length, 9);
  return concatenate(Uint8Array.of(9, 2, ...word(total), interfaceCount, 1, 0, 0x80, 50), ...parts);
}

/** bInterfaceClass, bInterfaceSubClass and bInterfaceProtocol. */
export type InterfaceClass = readonly [base: number, subclass: number, protocol: number];

/** An interface (USB 2.0, 9.6.5). */
export function encodeInterface(
  number: number,
  alternate: number,
  endpointCount: number,
  interfaceClass: InterfaceClass,
): Uint8Array {
  return Uint8Array.of(9, 4, number, alternate, endpointCount, ...interfaceClass, 0);
}

/** An interface of the vendor class. */
export function encodeVendorInterface(number: number, alternate: number, endpointCount: number): Uint8Array {
  return encodeInterface(number, alternate, endpointCount, [0xff, 0, 0]);
}

/** An association of interfaces that are one function (Interface Association Descriptor ECN, 9.X.Y). */
export function encodeAssociation(first: number, count: number, functionClass: InterfaceClass): Uint8Array {
  return Uint8Array.of(8, 11, first, count, ...functionClass, 0);
}

/** A descriptor of a device class for an interface, CS_INTERFACE, in the form that audio and video share. */
export function encodeClassInterface(subtype: number, ...fields: readonly number[]): Uint8Array {
  return Uint8Array.of(3 + fields.length, 0x24, subtype, ...fields);
}

/** An asynchronous isochronous data endpoint (USB 2.0, 9.6.6). */
export function encodeIsochEndpoint(address: number, maxPacketSize: number, interval = 1): Uint8Array {
  return Uint8Array.of(7, 5, address, 0x05, ...word(maxPacketSize), interval);
}

/** A SuperSpeed endpoint companion (USB 3.2, 9.6.7). */
export function encodeCompanion(burst: number, mult: number, bytesPerInterval: number): Uint8Array {
  return Uint8Array.of(6, 0x30, burst - 1, mult - 1, ...word(bytesPerInterval));
}

/**
 * The binary device object store (USB 3.2, 9.6.2) of a device that works at SuperSpeed only and
 * never leaves U0, with the two capabilities that each has to tell of.
 */
export function encodeSuperSpeedBos(): Uint8Array {
  // bmAttributes: link power management, which the specification demands (9.6.2.1).
  const usb2Extension = Uint8Array.of(7, 0x10, 0x02, 0x02, 0, 0, 0);
  // wSpeedsSupported and bFunctionalitySupport: 5 Gb/s; no exit latencies (9.6.2.2).
  const superSpeed = Uint8Array.of(10, 0x10, 0x03, 0, ...word(1 << 3), 3, 0, ...word(0));
  const total = 5 + usb2Extension.length + superSpeed.length;
  return concatenate(Uint8Array.of(5, 0x0f, ...word(total), 2), usb2Extension, superSpeed);
}

/** Descriptors one after the other. */
export function concatenate(...descriptors: readonly Uint8Array[]): Uint8Array {
  return joined(descriptors);
}

/** 16 bits, little endian. */
export function word(value: number): readonly [number, number] {
  return [value & 0xff, (value >> 8) & 0xff];
}

/** 32 bits, little endian. */
export function doubleWord(value: number): readonly [number, number, number, number] {
  return [value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, (value >> 24) & 0xff];
}

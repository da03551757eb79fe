import type { Speed } from "../../../src/index.js";
import type { UsbipDevice, UsbipInterface } from "./messages.js";
import { busIdSize, deviceSize, pathSize, protocolError, viewOf } from "./wire.js";

/** Numbers of enum usb_device_speed (include/uapi/linux/usb/ch9.h). */
const speedNumbers: Readonly<Record<Speed, number>> = { low: 1, full: 2, high: 3, super: 5, "super-plus": 6 };
const speeds: ReadonlyMap<number, Speed> = new Map(
  Object.entries(speedNumbers).map(([speed, number]) => [number, speed as Speed]),
);

/** Writes a device, without its interfaces, at `offset`. */
export function writeDevice(bytes: Uint8Array, offset: number, device: UsbipDevice): void {
  writeText(bytes, offset, device.path, pathSize);
  writeText(bytes, offset + pathSize, device.busId, busIdSize);
  const view = viewOf(bytes);
  const at = offset + pathSize + busIdSize;
  view.setUint32(at, device.busNumber);
  view.setUint32(at + 4, device.deviceNumber);
  view.setUint32(at + 8, device.speed === undefined ? 0 : speedNumbers[device.speed]);
  view.setUint16(at + 12, device.vendorId);
  view.setUint16(at + 14, device.productId);
  view.setUint16(at + 16, device.deviceVersion);
  bytes.set(
    [
      device.deviceClass,
      device.deviceSubclass,
      device.deviceProtocol,
      device.configurationValue,
      device.configurationCount,
      device.interfaceCount,
    ],
    at + 18,
  );
}

/** Reads a device out of its 312 bytes. */
export function readDevice(bytes: Uint8Array): UsbipDevice {
  const view = viewOf(bytes);
  const at = pathSize + busIdSize;
  return {
    path: readText(bytes.subarray(0, pathSize), "path"),
    busId: readBusId(bytes.subarray(pathSize, at)),
    busNumber: view.getUint32(at),
    deviceNumber: view.getUint32(at + 4),
    speed: speeds.get(view.getUint32(at + 8)),
    vendorId: view.getUint16(at + 12),
    productId: view.getUint16(at + 14),
    deviceVersion: view.getUint16(at + 16),
    deviceClass: view.getUint8(at + 18),
    deviceSubclass: view.getUint8(at + 19),
    deviceProtocol: view.getUint8(at + 20),
    configurationValue: view.getUint8(at + 21),
    configurationCount: view.getUint8(at + 22),
    interfaceCount: view.getUint8(deviceSize - 1),
  };
}

/** Four bytes an interface. */
export function readInterfaces(bytes: Uint8Array): UsbipInterface[] {
  const interfaces: UsbipInterface[] = [];
  const view = viewOf(bytes);
  for (let at = 0; at < bytes.length; at += 4) {
    interfaces.push({
      interfaceClass: view.getUint8(at),
      interfaceSubclass: view.getUint8(at + 1),
      interfaceProtocol: view.getUint8(at + 2),
    });
  }
  return interfaces;
}

/** Writes a text and the zeros that fill up its field. */
export function writeText(bytes: Uint8Array, offset: number, text: string, size: number): void {
  const encoded = new TextEncoder().encode(text);
  // What is too long is cut: the last byte of the field closes the text.
  bytes.fill(0, offset, offset + size);
  bytes.set(encoded.subarray(0, size - 1), offset);
}

/** @throws {@link TransportError} `protocol-error` */
export function readBusId(bytes: Uint8Array): string {
  const text = readText(bytes, "bus id");
  if (!/^[\x21-\x7e]+$/.test(text)) throw protocolError("sent a bus id that is none");
  return text;
}

function readText(bytes: Uint8Array, what: string): string {
  const end = bytes.indexOf(0);
  if (end < 0) throw protocolError(`sent a ${what} without an end`);
  return new TextDecoder().decode(bytes.subarray(0, end));
}

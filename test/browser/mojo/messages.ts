import type { Fields } from "./codec.js";

// The messages of WebUSB between Chromium's renderer and its browser process, as of Chromium 156: device.mojom.UsbDevice
// and blink.mojom.WebUsbService, each method by its number.

const buffer: Fields = { buffer: "bytes" };
const setup: Fields = { type: "u32", recipient: "u32", request: "u8", value: "u16", index: "u16" };
const packet: Fields = { length: "u32", transferred: "u32", status: "u32" };
const endpoint: Fields = {
  number: "u8",
  direction: "u32",
  type: "u32",
  packetSize: "u32",
  synchronization: "u32",
  usage: "u32",
  interval: "u8",
  extra: "bytes",
};
const alternate: Fields = {
  setting: "u8",
  classCode: "u8",
  subclassCode: "u8",
  protocolCode: "u8",
  name: "string16",
  endpoints: { array: endpoint },
  extra: "bytes",
};
const configuration: Fields = {
  value: "u8",
  name: "string16",
  selfPowered: "bool",
  remoteWakeup: "bool",
  power: "u8",
  interfaces: { array: { number: "u8", first: "u8", alternates: { array: alternate } } },
  extra: "bytes",
};
const device: Fields = {
  guid: "string",
  usbVersionMajor: "u8",
  usbVersionMinor: "u8",
  usbVersionSubminor: "u8",
  deviceClass: "u8",
  deviceSubclass: "u8",
  deviceProtocol: "u8",
  bus: "u32",
  port: "u32",
  vendorId: "u16",
  productId: "u16",
  deviceVersionMajor: "u8",
  deviceVersionMinor: "u8",
  deviceVersionSubminor: "u8",
  manufacturerName: "string16",
  productName: "string16",
  serialNumber: "string16",
  landingPage: { struct: { url: "string" } },
  active: "u8",
  configurations: { array: configuration },
};

const done: Fields = { success: "bool" };
const moved: Fields = { packets: { array: packet } };

/** By number: what it is asked with, and answered with. */
export const service = {
  getDevices: { id: 0, asked: {}, answered: { results: { array: device } } },
  getDevice: { id: 1, asked: { guid: "string", receiver: "handle" }, answered: undefined },
  getPermission: { id: 2, asked: {}, answered: { result: { struct: device } } },
  forgetDevice: { id: 3, asked: { guid: "string" }, answered: {} },
  setClient: { id: 4, asked: {}, answered: undefined },
} as const satisfies Methods;

export const client = {
  added: { id: 0, asked: { device: { struct: device } }, answered: undefined },
  removed: { id: 1, asked: { device: { struct: device } }, answered: undefined },
} as const satisfies Methods;

export const usbDevice = {
  open: { id: 0, asked: {}, answered: { result: "enum-union" } },
  close: { id: 1, asked: {}, answered: {} },
  setConfiguration: { id: 2, asked: { value: "u8" }, answered: done },
  claimInterface: { id: 3, asked: { number: "u8" }, answered: { result: "u32" } },
  releaseInterface: { id: 4, asked: { number: "u8" }, answered: done },
  selectAlternate: { id: 5, asked: { number: "u8", alternate: "u8" }, answered: done },
  reset: { id: 6, asked: {}, answered: done },
  clearHalt: { id: 7, asked: { direction: "u32", number: "u8" }, answered: done },
  controlIn: {
    id: 8,
    asked: { setup: { struct: setup }, length: "u32", timeout: "u32" },
    answered: { status: "u32", data: { struct: buffer } },
  },
  controlOut: {
    id: 9,
    asked: { setup: { struct: setup }, data: { struct: buffer }, timeout: "u32" },
    answered: { status: "u32" },
  },
  isochronousIn: {
    id: 12,
    asked: { number: "u8", lengths: "u32s", timeout: "u32" },
    answered: { data: { struct: buffer }, ...moved },
  },
} as const satisfies Methods;

export type Methods = Readonly<
  Record<string, { readonly id: number; readonly asked: Fields; readonly answered: Fields | undefined }>
>;

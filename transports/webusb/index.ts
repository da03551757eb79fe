export { toWebUsb, type ToWebUsbOptions } from "./to-webusb.js";
export { webusb, type WebUsbOptions, type WebUsbTransport } from "./transport.js";
export type {
  FullWebUsb,
  FullWebUsbDevice,
  WebUsb,
  WebUsbAlternate,
  WebUsbBytes,
  WebUsbConfiguration,
  WebUsbConnection,
  WebUsbControlSetup,
  WebUsbDevice,
  WebUsbEndpoint,
  WebUsbFilter,
  WebUsbInResult,
  WebUsbInterface,
  WebUsbIsochInResult,
  WebUsbIsochOutResult,
  WebUsbOutResult,
  WebUsbRequestOptions,
  WebUsbStatus,
} from "./usb.js";

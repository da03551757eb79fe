export type { ByteStream, ByteStreamHandler, StreamAcceptor } from "./byte-stream.js";
export { usbip, type UsbipOptions } from "./client/transport.js";
export type { UsbipLimits } from "./protocol/index.js";
export { UsbipServer, type UsbipExport, type UsbipImport, type UsbipServerOptions } from "./server/usbip-server.js";

import { TransportError } from "../../../src/index.js";

/** 1.1.1, the version of every implementation there is. */
export const protocolVersion = 0x0111;

/** Codes of the messages before an import, 16 bits. */
export const operation = {
  requestImport: 0x8003,
  replyImport: 0x0003,
  requestDeviceList: 0x8005,
  replyDeviceList: 0x0005,
} as const;

/** Codes of the messages after an import, 32 bits. */
export const urbCommand = {
  submit: 1,
  unlink: 2,
  submitReply: 3,
  unlinkReply: 4,
} as const;

/** Bytes of version, code and status. */
export const operationHeaderSize = 8;
/** Bytes that every message after an import begins with. */
export const urbHeaderSize = 48;
/** Bytes of an isochronous packet descriptor. */
export const packetDescriptorSize = 16;
/** Bytes of a device, without its interfaces. */
export const deviceSize = 312;
export const pathSize = 256;
export const busIdSize = 32;
/** What stands for the number of packets where a transfer has none; 0 does as well. */
export const noPackets = 0xffffffff;

/** A peer that does not speak the protocol. */
export function protocolError(message: string): TransportError {
  return new TransportError("protocol-error", `the USB/IP peer ${message}: close the connection`);
}

/** A view for the big-endian numbers of the wire. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

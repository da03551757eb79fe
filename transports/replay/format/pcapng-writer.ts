import { joined } from "../../../src/joined.js";
import { blockTypes, byteOrderMagic, linkTypes, optionCodes } from "./pcapng.js";

interface Option {
  readonly code: number;
  readonly value: Uint8Array;
}

/** Microseconds: the power of ten that is negated (if_tsresol). */
const microseconds = 6;
const encoder = new TextEncoder();

/** What a capture begins with: a section header, and the one interface, which is a monitor of Linux's kind. */
export function captureHeader(): Uint8Array {
  const section = new Uint8Array(16);
  const fields = new DataView(section.buffer);
  fields.setUint32(0, byteOrderMagic, true);
  fields.setUint16(4, 1, true);
  // The length of the section is not known.
  fields.setBigInt64(8, -1n, true);
  const link = new Uint8Array(8);
  // A snapshot length of 0 is none.
  new DataView(link.buffer).setUint16(0, linkTypes.usbLinuxMmapped, true);
  return joined([
    block(blockTypes.sectionHeader, section, [{ code: optionCodes.application, value: encoder.encode("rx-isoch") }]),
    block(blockTypes.interfaceDescription, link, [
      { code: optionCodes.timestampResolution, value: Uint8Array.of(microseconds) },
    ]),
  ]);
}

/**
 * An enhanced packet block.
 *
 * @param time microseconds since 1970
 */
export function enhancedPacket(time: number, packet: Uint8Array, comment?: string): Uint8Array {
  const body = new Uint8Array(20 + padded(packet.length));
  const fields = new DataView(body.buffer);
  const whole = Math.max(0, Math.round(time));
  fields.setUint32(4, Math.floor(whole / 2 ** 32), true);
  fields.setUint32(8, whole % 2 ** 32, true);
  fields.setUint32(12, packet.length, true);
  fields.setUint32(16, packet.length, true);
  body.set(packet, 20);
  const options = comment === undefined ? [] : [{ code: optionCodes.comment, value: encoder.encode(comment) }];
  return block(blockTypes.enhancedPacket, body, options);
}

function block(type: number, body: Uint8Array, options: readonly Option[]): Uint8Array {
  const end = options.length === 0 ? 0 : 4;
  const size = options.reduce((sum, { value }) => sum + 4 + padded(value.length), 12 + body.length + end);
  const bytes = new Uint8Array(size);
  const fields = new DataView(bytes.buffer);
  fields.setUint32(0, type, true);
  fields.setUint32(4, size, true);
  bytes.set(body, 8);
  let at = 8 + body.length;
  for (const { code, value } of options) {
    fields.setUint16(at, code, true);
    fields.setUint16(at + 2, value.length, true);
    bytes.set(value, at + 4);
    at += 4 + padded(value.length);
  }
  fields.setUint32(size - 4, size, true);
  return bytes;
}

function padded(length: number): number {
  return Math.ceil(length / 4) * 4;
}

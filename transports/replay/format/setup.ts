import type { ControlSetup } from "../../../src/index.js";

const types = ["standard", "class", "vendor"] as const;
const recipients = ["device", "interface", "endpoint", "other"] as const;

/** bRequest of standard requests (USB 2.0, table 9-4). */
export const requests = {
  clearFeature: 1,
  getDescriptor: 6,
  getConfiguration: 8,
  setConfiguration: 9,
  getInterface: 10,
  setInterface: 11,
} as const;

/** bDescriptorType (USB 2.0, table 9-5). */
export const descriptorTypes = { device: 1, configuration: 2, string: 3 } as const;

/**
 * A setup packet (USB 2.0, 9.3).
 *
 * @param length wLength
 */
export function encodeSetup({ direction, type, recipient, request, value, index }: ControlSetup, length: number) {
  const bytes = new Uint8Array(8);
  const fields = new DataView(bytes.buffer);
  bytes[0] = (direction === "in" ? 0x80 : 0) | (types.indexOf(type) << 5) | recipients.indexOf(recipient);
  bytes[1] = request;
  fields.setUint16(2, value, true);
  fields.setUint16(4, index, true);
  fields.setUint16(6, length, true);
  return bytes;
}

/** A setup packet without its wLength: what makes two requests the same. */
export function setupKey(setup: Uint8Array): string {
  return setup.subarray(0, 6).join();
}

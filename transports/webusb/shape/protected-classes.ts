import type { InterfaceDescriptor } from "../../../src/index.js";

/** Audio, HID, mass storage, smart card, video, audio/video and wireless controller. */
const protectedClasses = new Set([0x01, 0x03, 0x08, 0x0b, 0x0e, 0x10, 0xe0]);

/** Whether no page may claim an interface, by the specification ("has a protected interface class"). */
export function isProtected({ alternates }: InterfaceDescriptor): boolean {
  return alternates.some(({ interfaceClass }) => protectedClasses.has(interfaceClass));
}

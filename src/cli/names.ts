import type { DeviceDescriptor, DeviceInfo } from "../index.js";

/** "1209:0001" */
export function idsOf({ vendorId, productId }: Pick<DeviceDescriptor, "vendorId" | "productId">): string {
  const hex = (id: number) => id.toString(16).padStart(4, "0");
  return `${hex(vendorId)}:${hex(productId)}`;
}

/** Names a device for people: "counter 1209:0001" */
export function nameOf({ info }: { readonly info: Pick<DeviceInfo, "descriptor" | "product"> }): string {
  const ids = idsOf(info.descriptor);
  return info.product === undefined ? ids : `${printable(info.product)} ${ids}`;
}

/** Where a device is, for people: "on the virtual bus", "at 1-2:5 by libusb" */
export function placeOf({ info }: { readonly info: Pick<DeviceInfo, "id"> }, transport: string): string {
  return transport === "virtual" ? "on the virtual bus" : `at ${info.id} by ${transport}`;
}

/** What a device calls itself goes to a terminal, which obeys control characters. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "?").trim();
}

/** One event of a USB request, as a device or usbmon saw it. */
export interface CapturedEvent {
  readonly event: "submit" | "complete" | "error";
  readonly transferType: "isochronous" | "interrupt" | "control" | "bulk";
  /** Direction in bit 7. */
  readonly endpoint: number;
  readonly status: number;
  /** The eight bytes that begin a control transfer, where the event has them. */
  readonly setup: Uint8Array | undefined;
  /** A view into the capture. */
  readonly data: Uint8Array;
}

const fileHeader = 24;
const recordHeader = 16;
const usbHeader = 64;
/** LINKTYPE_USB_LINUX_MMAPPED: usbmon's header in its 64-byte form. */
const linkType = 220;
const events = new Map([
  ["S", "submit"],
  ["C", "complete"],
  ["E", "error"],
] as const);
const transferTypes = ["isochronous", "interrupt", "control", "bulk"] as const;

/** Takes a capture apart that QEMU wrote; a record that is not all there yet is left out. */
export function parseCapture(bytes: Uint8Array): CapturedEvent[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < fileHeader || view.getUint32(0, true) !== 0xa1b2c3d4 || view.getUint32(20, true) !== linkType) {
    throw new Error("no capture of USB in usbmon's format");
  }
  const found: CapturedEvent[] = [];
  for (let at = fileHeader; at + recordHeader <= bytes.length;) {
    const usb = at + recordHeader;
    const end = usb + view.getUint32(at + 8, true);
    if (end > bytes.length) break;
    const event = events.get(String.fromCharCode(view.getUint8(usb + 8)) as "S");
    const transferType = transferTypes[view.getUint8(usb + 9)];
    if (event === undefined || transferType === undefined) throw new Error(`no event of USB at byte ${usb}`);
    found.push({
      event,
      transferType,
      endpoint: view.getUint8(usb + 10),
      status: view.getInt32(usb + 28, true),
      setup: view.getUint8(usb + 14) === 0 ? bytes.subarray(usb + 40, usb + 48) : undefined,
      data: bytes.subarray(usb + usbHeader, end),
    });
    at = end;
  }
  return found;
}

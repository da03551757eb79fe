import { EMPTY, of } from "rxjs";
import type { IsochTransport, TransportDevice } from "../../src/index.js";
import { UsbDeviceShape } from "./shape/device.js";
import { UsbShape } from "./shape/usb.js";
import type { FullWebUsb, FullWebUsbDevice } from "./usb.js";

/** How {@link toWebUsb} differs from a browser, or does not. */
export interface ToWebUsbOptions {
  /**
   * Whether interfaces of audio, video, HID, mass storage, smart card and wireless classes cannot be
   * claimed, as in a page. Default: `false`.
   */
  readonly protectedClasses?: boolean | undefined;
}

/**
 * The other way round: the devices of a transport in the shape of `navigator.usb`, or a device that
 * one has opened in the shape of a `USBDevice`. Code that was written for a browser runs in Node with it, on a
 * virtual bus, on libusb, or on the devices of a USB/IP server.
 *
 * States, statuses and the names of exceptions are those of the specification. What it leaves open is as in Chromium:
 * a change while another is under way is an `InvalidStateError`, data that the packets do not add up to a
 * `DataError`. What differs:
 *
 * - of a transport, `requestDevice` asks nobody, and brings the first device that matches;
 * - of a device, `close()` gives back its interfaces, and whoever opened the device closes it;
 * - `transferIn` and `transferOut` are `NotSupportedError`: no transport has bulk or interrupt transfers;
 *   and so is `selectConfiguration` with another configuration than the one that is selected;
 * - interfaces and configurations have no names.
 *
 * @example
 * ```ts
 * import { counterDevice, VirtualBus } from "rx-isoch/transports/virtual";
 * import { toWebUsb } from "rx-isoch/transports/webusb";
 *
 * export async function readFrames(): Promise<number> {
 *   const usb = toWebUsb(new VirtualBus({ devices: [counterDevice()] }));
 *   const device = await usb.requestDevice({ filters: [{ vendorId: 0x1209 }] });
 *   await device.open();
 *   await device.claimInterface(0);
 *   await device.selectAlternateInterface(0, 1);
 *   const { packets } = await device.isochronousTransferIn(1, [3072, 3072, 3072]);
 *   await device.close();
 *   return packets.filter(({ status }) => status === "ok").length;
 * }
 * ```
 *
 * @see {@link webusb}
 */
export function toWebUsb(transport: IsochTransport, options?: ToWebUsbOptions): FullWebUsb;
export function toWebUsb(device: TransportDevice, options?: ToWebUsbOptions): FullWebUsbDevice;
export function toWebUsb(
  source: IsochTransport | TransportDevice,
  { protectedClasses = false }: ToWebUsbOptions = {},
): FullWebUsb | FullWebUsbDevice {
  if ("devices" in source) return new UsbShape(source, protectedClasses);
  return new UsbDeviceShape({
    info: source.info,
    open: () => of(source),
    close: () => EMPTY,
    protectedClasses,
  });
}

import { firstValueFrom } from "rxjs";
import { IsochError, statusOf, type TransportDevice } from "../../../src/index.js";
import { counterDevice, realTimeClock, VirtualBus } from "../../../transports/virtual/index.js";
import { toWebUsb, webusb, type WebUsbDevice, type WebUsbOptions } from "../../../transports/webusb/index.js";
import { RawPort } from "../../support/raw-port.js";
import { altered, ManualUsb } from "./altered-device.js";

/** A device with a `USB` around it that tells what a test says; the bus is real in time. */
export async function lab(
  changes: (inner: WebUsbDevice) => Partial<WebUsbDevice> = () => ({}),
  options: Omit<WebUsbOptions, "usb"> = {},
) {
  const bus = new VirtualBus({ clock: realTimeClock() });
  const attachment = bus.attach(counterDevice());
  const [inner] = await toWebUsb(bus).getDevices();
  if (inner === undefined) throw new Error("the bus has a device");
  const device = altered(inner, changes(inner));
  const usb = new ManualUsb(device);
  return { bus, attachment, inner, device, usb, transport: webusb({ usb, ...options }) };
}

export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    return IsochError.is(error) ? error.code : `not one of ours: ${String(error)}`;
  }
  return "no error";
}

export async function errorOf(work: Promise<unknown>): Promise<IsochError> {
  try {
    await work;
  } catch (error) {
    if (IsochError.is(error)) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

export const open = (transport: ReturnType<typeof webusb>): Promise<TransportDevice> =>
  firstValueFrom(transport.open({}));
export const port = (transport: ReturnType<typeof webusb>, alternate = 1) =>
  RawPort.open(transport, {}, 0x81, alternate);
export const rejecting = (name: string) => () => Promise.reject(new DOMException("as the test says", name));
export const lost = rejecting("NotFoundError");
export const never = () => new Promise<never>(() => undefined);
export const soon = () => new Promise<void>((resolve) => setTimeout(resolve, 20));
export const statusesOf = ({ statuses }: { readonly statuses: Uint8Array }) => Array.from(statuses, statusOf);

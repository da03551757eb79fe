import type { WebUsb, WebUsbDevice } from "../../../transports/webusb/index.js";

/** The same device, with some members of the test's own. */
export function altered(device: WebUsbDevice, changes: Partial<WebUsbDevice>): WebUsbDevice {
  return new Proxy(device, {
    get: (target, name) => {
      if (Object.hasOwn(changes, name)) return Reflect.get(changes, name) as unknown;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}

/** The same `USB`, with each of its devices altered. */
export function alteredUsb(usb: WebUsb, changes: (inner: WebUsbDevice) => Partial<WebUsbDevice>): WebUsb {
  const devices = new WeakMap<WebUsbDevice, WebUsbDevice>();
  const listeners = new Map<Connected, Connected>();
  const alter = (inner: WebUsbDevice): WebUsbDevice => {
    const device = devices.get(inner) ?? altered(inner, changes(inner));
    devices.set(inner, device);
    return device;
  };
  return {
    getDevices: async () => (await usb.getDevices()).map(alter),
    requestDevice: async (options) => alter(await usb.requestDevice(options)),
    addEventListener: (type, listener) => {
      const told: Connected =
        listeners.get(listener) ??
        (({ device }) => {
          listener({ device: alter(device) });
        });
      listeners.set(listener, told);
      usb.addEventListener(type, told);
    },
    removeEventListener: (type, listener) => {
      usb.removeEventListener(type, listeners.get(listener) ?? listener);
    },
  };
}

/** As Chromium on Linux has it: what is aborted is rejected like a packet that failed. */
export function abortsAsFailures(inner: WebUsbDevice): Partial<WebUsbDevice> {
  const failure = (error: unknown): never => {
    if (!(error instanceof DOMException) || error.name !== "AbortError") throw error;
    throw new DOMException("the transfer failed", "NetworkError");
  };
  return {
    controlTransferIn: (...call) => inner.controlTransferIn(...call).catch(failure),
    controlTransferOut: (...call) => inner.controlTransferOut(...call).catch(failure),
    isochronousTransferIn: (...call) => inner.isochronousTransferIn(...call).catch(failure),
    isochronousTransferOut: (...call) => inner.isochronousTransferOut(...call).catch(failure),
  };
}

type Connected = Parameters<WebUsb["addEventListener"]>[1];

/** A `USB` whose devices come and go as a test says. */
export class ManualUsb implements WebUsb {
  readonly present: WebUsbDevice[];
  readonly listeners = { connect: new Set<Connected>(), disconnect: new Set<Connected>() };

  constructor(...present: WebUsbDevice[]) {
    this.present = present;
  }

  getDevices(): Promise<WebUsbDevice[]> {
    return Promise.resolve([...this.present]);
  }

  requestDevice(): Promise<WebUsbDevice> {
    return Promise.reject(new DOMException("nothing was chosen", "NotFoundError"));
  }

  addEventListener(type: "connect" | "disconnect", listener: Connected): void {
    this.listeners[type].add(listener);
  }

  removeEventListener(type: "connect" | "disconnect", listener: Connected): void {
    this.listeners[type].delete(listener);
  }

  tell(type: "connect" | "disconnect", device: WebUsbDevice): void {
    for (const listener of [...this.listeners[type]]) listener({ device });
  }
}

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

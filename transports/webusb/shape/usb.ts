import { AsyncSubject, lastValueFrom, merge, type Subscription, take, timer } from "rxjs";
import type { DeviceInfo, IsochTransport } from "../../../src/index.js";
import type { FullWebUsb, FullWebUsbDevice, WebUsbConnection, WebUsbRequestOptions } from "../usb.js";
import { UsbDeviceShape } from "./device.js";
import { exception } from "./exceptions.js";
import { isMeant } from "./filters.js";

type EventType = "connect" | "disconnect";
type Listener = (event: WebUsbConnection) => void;

/** Milliseconds that a bus without devices is listened to: it says nothing. */
const patience = 2000;

/** The devices of a transport, followed: the first list, then who comes and goes. */
class Following {
  readonly #subscription: Subscription;
  readonly #listed = new AsyncSubject<undefined>();
  #isListed = false;

  constructor(
    transport: IsochTransport,
    attached: (info: DeviceInfo, isNews: boolean) => void,
    detached: (info: DeviceInfo) => void,
  ) {
    this.#subscription = transport.devices().subscribe({
      next: ({ type, device }) => {
        if (type === "detach") detached(device);
        else attached(device, this.#isListed);
        if (!this.#isListed) setTimeout(this.#list);
      },
      error: (error: unknown) => {
        this.#listed.error(error);
      },
    });
  }

  /** Resolves when all that were there are told of: with the end of the turn in which the first was. */
  async listed(): Promise<void> {
    await lastValueFrom(merge(this.#listed, timer(patience)).pipe(take(1)), { defaultValue: undefined });
    this.#list();
  }

  end(): void {
    this.#subscription.unsubscribe();
    this.#list();
  }

  readonly #list = (): void => {
    if (this.#isListed) return;
    this.#isListed = true;
    this.#listed.next(undefined);
    this.#listed.complete();
  };
}

/** A `USB` over a transport. Its devices are followed while somebody listens, or waits for them. */
export class UsbShape implements FullWebUsb {
  readonly #transport: IsochTransport;
  readonly #protectedClasses: boolean;
  readonly #listeners: Readonly<Record<EventType, Set<Listener>>> = { connect: new Set(), disconnect: new Set() };
  /** By id. */
  readonly #devices = new Map<string, UsbDeviceShape>();
  #followers = 0;
  #following: Following | undefined;

  constructor(transport: IsochTransport, protectedClasses: boolean) {
    this.#transport = transport;
    this.#protectedClasses = protectedClasses;
  }

  async getDevices(): Promise<FullWebUsbDevice[]> {
    const following = this.#follow();
    try {
      await following.listed();
      return [...this.#devices.values()];
    } finally {
      this.#unfollow();
    }
  }

  /** There is nobody to ask: the first that the filters mean. */
  async requestDevice(options: WebUsbRequestOptions = { filters: [] }): Promise<FullWebUsbDevice> {
    const found = (await this.getDevices()).find((device) => isMeant(device, options));
    if (found === undefined) throw exception("NotFoundError", "no device matches the filters");
    return found;
  }

  addEventListener(type: EventType, listener: Listener): void {
    const listeners = this.#listeners[type];
    if (listeners.has(listener)) return;
    listeners.add(listener);
    this.#follow();
  }

  removeEventListener(type: EventType, listener: Listener): void {
    if (this.#listeners[type].delete(listener)) this.#unfollow();
  }

  #follow(): Following {
    this.#followers++;
    if (this.#following !== undefined) return this.#following;
    const missing = new Set(this.#devices.keys());
    const following = new Following(
      this.#transport,
      (info, isNews) => {
        missing.delete(info.id);
        if (this.#devices.has(info.id)) return;
        const device = this.#shapeOf(info);
        this.#devices.set(info.id, device);
        if (isNews) this.#tell("connect", device);
      },
      ({ id }) => {
        this.#detached(id);
      },
    );
    this.#following = following;
    following.listed().then(
      () => {
        // Gone while nobody looked.
        if (this.#following === following) for (const id of missing) this.#detached(id);
      },
      () => undefined,
    );
    return following;
  }

  #unfollow(): void {
    if (--this.#followers > 0) return;
    this.#following?.end();
    this.#following = undefined;
  }

  #detached(id: string): void {
    const device = this.#devices.get(id);
    if (device === undefined) return;
    this.#devices.delete(id);
    device.leave();
    this.#tell("disconnect", device);
  }

  #tell(type: EventType, device: FullWebUsbDevice): void {
    for (const listener of [...this.#listeners[type]]) listener({ device });
  }

  #shapeOf(info: DeviceInfo): UsbDeviceShape {
    return new UsbDeviceShape({
      info,
      open: () => this.#transport.open({ id: info.id }),
      close: (device) => device.close(),
      protectedClasses: this.#protectedClasses,
    });
  }
}

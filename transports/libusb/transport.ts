import { Observable, type Subscriber } from "rxjs";
import {
  DeviceError,
  type DeviceEvent,
  type DeviceInfo,
  type DeviceSelector,
  type IsochTransport,
  type TransportCapabilities,
  type TransportDevice,
} from "../../src/index.js";
import { matchesSelector } from "../../src/device-selector.js";
import { oneOf } from "../../src/numbers.js";
import { opening } from "../../src/opening.js";
import { subscribeInner } from "../../src/subscribe-inner.js";
import {
  loadAddon,
  type DeviceChange,
  type LibusbCounters,
  type NativeContext,
  type NativeDeviceInfo,
} from "./addon.js";
import { capabilitiesOn, packetRulesOn, windowsDrivers, type WindowsDriver } from "./capabilities.js";
import { toDeviceInfo } from "./device-info.js";
import { explain } from "./errors.js";
import { deviceChanges, type HotplugSource } from "./hotplug.js";
import { OpenedDevice } from "./opened-device.js";
import { SharedContext } from "./shared-context.js";

/** How {@link libusb} works. */
export interface LibusbOptions {
  /**
   * Whether a driver of the kernel that holds an interface is detached when the interface is
   * claimed, and attached again when it is released. Default: `true`.
   */
  readonly detachKernelDriver?: boolean | undefined;
  /**
   * Who tells of devices that come and go: the package `usb`, by udev, or the addon, by the kernel.
   * Default: `usb` where it loads and udevd runs, else the addon.
   */
  readonly hotplug?: HotplugSource | undefined;
  /**
   * Windows only: the driver that the devices were given, which libusb does not tell. `libusbk` takes packets of any
   * length, `winusb` does not: see {@link TransportCapabilities.lengthsPerFrame}. Default: `winusb`.
   */
  readonly windowsDriver?: WindowsDriver | undefined;
}

/**
 * USB devices of this machine, by libusb. Node only.
 *
 * The addon is loaded at the first use. Transfers are resubmitted on a thread of its own, so that a
 * program that is held up loses nothing until the ring of its stream is full. The bus clock is hidden:
 * a gap is reported with its estimated length.
 *
 * @throws `InvalidRequestError` `invalid-option`
 *
 * @example
 * ```ts
 * import { isochPipe } from "rx-isoch";
 * import { libusb } from "rx-isoch/transports/libusb";
 *
 * const camera = isochPipe(libusb(), { vendorId: 0x046d, endpoint: 0x81 });
 * export const subscription = camera.results().subscribe((results) => {
 *   console.log(results.bytesTransferred, "bytes,", results.lost, "frames lost");
 * });
 * ```
 */
export function libusb(options: LibusbOptions = {}): IsochTransport {
  return new LibusbTransport(options);
}

/**
 * What the addon has in use in this process, for tests and for the curious: all zero, but for
 * buffers that the program still holds, once everything is closed.
 *
 * @throws `UnsupportedError` `no-addon`
 */
export function libusbCounters(): LibusbCounters {
  return loadAddon().counters();
}

class LibusbTransport implements IsochTransport {
  readonly name = "libusb";
  readonly capabilities: TransportCapabilities;
  readonly #context = new SharedContext();
  readonly #options: LibusbOptions;

  constructor(options: LibusbOptions) {
    const windowsDriver = oneOf("windowsDriver", options.windowsDriver ?? "winusb", windowsDrivers);
    this.capabilities = capabilitiesOn(process.platform, windowsDriver);
    this.#options = options;
  }

  devices(): Observable<DeviceEvent> {
    return this.#context.use(
      ({ native, changes }) =>
        new Observable<DeviceEvent>((subscriber) => {
          const known = new KnownDevices(subscriber, native);
          // First to listen, then to look: what comes in between is seen twice, and told once.
          subscribeInner(deviceChanges(changes, this.#options.hotplug), subscriber, {
            next: (change) => {
              known.change(change);
            },
          });
          known.look();
        }),
    );
  }

  open(selector: DeviceSelector): Observable<TransportDevice> {
    return opening(this, () => this.#open(selector));
  }

  async #open(selector: DeviceSelector): Promise<OpenedDevice> {
    const context = await this.#context.acquire();
    try {
      for (const location of await present(context.native)) {
        const info = toDeviceInfo(location);
        if (info === undefined || !matchesSelector(info, selector)) continue;
        return await OpenedDevice.open(context.native, location, info, {
          detachKernelDriver: this.#options.detachKernelDriver ?? true,
          packetRules: packetRulesOn(process.platform),
          closed: () => this.#context.release(),
        });
      }
      throw new DeviceError(
        "no-such-device",
        "no USB device matches the selector: plug it in, or look at what devices() lists",
      );
    } catch (error) {
      await this.#context.release();
      throw error;
    }
  }
}

/** The devices that a subscriber was told of. */
class KnownDevices {
  readonly #subscriber: Subscriber<DeviceEvent>;
  readonly #context: NativeContext;
  readonly #known = new Map<string, DeviceInfo>();
  /** The changes are told in order, each after what it takes to look. */
  #last = Promise.resolve();

  constructor(subscriber: Subscriber<DeviceEvent>, context: NativeContext) {
    this.#subscriber = subscriber;
    this.#context = context;
  }

  look(): void {
    this.#next(async () => {
      for (const native of await present(this.#context)) this.#attached(native);
    });
  }

  change(change: DeviceChange): void {
    this.#next(async () => {
      const key = keyOf(change);
      if (change.arrived) {
        const native = (await present(this.#context)).find((each) => keyOf(each) === key);
        if (native !== undefined) this.#attached(native);
        return;
      }
      const device = this.#known.get(key);
      this.#known.delete(key);
      if (device !== undefined) this.#subscriber.next({ type: "detach", device });
    });
  }

  #next(work: () => Promise<void>): void {
    this.#last = this.#last
      .then(async () => {
        if (this.#subscriber.closed) return;
        await work();
      })
      .catch((error: unknown) => {
        this.#subscriber.error(error);
      });
  }

  #attached(native: NativeDeviceInfo): void {
    const key = keyOf(native);
    if (this.#known.has(key)) return;
    const device = toDeviceInfo(native);
    if (device === undefined) return;
    this.#known.set(key, device);
    this.#subscriber.next({ type: "attach", device });
  }
}

async function present(context: NativeContext): Promise<readonly NativeDeviceInfo[]> {
  try {
    return await context.devices();
  } catch (error) {
    throw explain(error, { to: "list the devices" });
  }
}

function keyOf({ bus, address }: { readonly bus: number; readonly address: number }): string {
  return `${bus}:${address}`;
}

import { defer, from, map, Observable, Subject } from "rxjs";
import {
  AccessError,
  DeviceError,
  TransportError,
  type DeviceEvent,
  type DeviceInfo,
  type DeviceSelector,
  type IsochError,
  type IsochTransport,
  type Speed,
  type TransportCapabilities,
  type TransportDevice,
} from "../../src/index.js";
import { matchesSelector } from "../../src/device-selector.js";
import { opening } from "../../src/opening.js";
import { inWords } from "../../src/errors.js";
import { oneOf, wholeNumber } from "../../src/numbers.js";
import { nameOf, noneChosen } from "./errors.js";
import { maxFramesPerCall } from "./frames-per-call.js";
import { OpenedDevice } from "./opened-device.js";
import { SharedDevice, type DeviceOptions } from "./shared-device.js";
import type { WebUsb, WebUsbConnection, WebUsbDevice, WebUsbRequestOptions } from "./usb.js";

/** Where the devices of {@link webusb} come from, and how they are used. */
export interface WebUsbOptions {
  /**
   * `navigator.usb`: the devices that the page may use, and what tells of their coming and going. Left out,
   * nobody tells: a device that is unplugged is noticed when something is asked of it.
   */
  readonly usb?: WebUsb | undefined;
  /** Only these, which the page got from `requestDevice`. Default: all of `usb`. */
  readonly devices?: readonly WebUsbDevice[] | undefined;
  /**
   * The speed that the devices run at, where what their descriptors tell is wrong: it says how long a
   * frame is. Default: as the descriptors have it.
   */
  readonly speed?: Speed | undefined;
  /**
   * Frames in a call of WebUSB, from 1 to 128; a longer transfer is several calls. One packet that fails
   * costs all frames of its call; fewer frames, more calls. Default: 4 ms worth, but at most 32.
   */
  readonly framesPerCall?: number | undefined;
}

/** A transport over WebUSB, which asks its user for devices. */
export interface WebUsbTransport extends IsochTransport {
  /**
   * Asks the user for a device, at each subscription, which has to come in a click or a key; emits it and
   * completes. Whoever follows `devices()` hears of it, too: `requestDevice` by itself tells nobody.
   *
   * Errors: `DeviceError` `no-such-device` if the user chose none; `AccessError` where the page may not
   * ask, or not now.
   */
  request(options?: WebUsbRequestOptions): Observable<DeviceInfo>;
}

/**
 * The devices that a browser lets the page use, or any other object of the shape of `navigator.usb`
 * or of a `USBDevice`. Runs in pages and in workers.
 *
 * Transfers are calls that are in flight beside one another, and answered on the thread of the program: one
 * that is held up longer than what is queued loses frames, and is told of it.
 *
 * | what | how it is |
 * |---|---|
 * | a packet that fails | WebUSB gives nothing of its call. The frames of it read `failed`; where a transfer is one call, it is rejected, and its frames are lost. `stall` and `babble` (`data-overrun`) are told of packet by packet, but not by Chromium on Linux |
 * | the frame of the bus | is hidden: a gap is reported with its estimated length |
 * | a request of more than 250 ms | is handed over in parts: what a program that is held up for longer than that loses within it, nobody can tell it |
 * | cancel | there is none: an aborted transfer runs to its end |
 * | configurations and speed | WebUSB tells neither bInterval nor the speed. Configurations are read when a device is opened, and are not known before; the speed is deduced from them ({@link WebUsbOptions.speed}) |
 * | a device in no configuration | its first is selected |
 * | claimed interfaces | belong to the page. Handles share the device, those of several `webusb()` over it as well, and cannot claim the same interface |
 * | code of the page beside | what it had opened or claimed before stays so, in the alternate setting that it had; what it opens afterwards is closed with the last handle. If it closes, resets or claims what is in use here, that ends with `pipe-closed` |
 * | audio, video, HID and other protected classes | `access-denied`: no page may claim them |
 * | Windows | Chromium has no isochronous transfers there: `unsupported` with the first |
 *
 * @example
 * ```ts
 * import { isochPipe } from "rx-isoch";
 * import { webusb, type WebUsb } from "rx-isoch/transports/webusb";
 * import { switchMap } from "rxjs";
 *
 * // In a browser: navigator.usb
 * export function startOnClick(usb: WebUsb) {
 *   const transport = webusb({ usb });
 *   return transport
 *     .request({ filters: [{ vendorId: 0x1209 }] })
 *     .pipe(switchMap(({ id }) => isochPipe(transport, { id, endpoint: 0x81 }).results()))
 *     .subscribe((results) => {
 *       console.log(results.bytesTransferred, "bytes,", results.lost, "frames lost");
 *     });
 * }
 * ```
 *
 * @throws `InvalidRequestError` for an option that is none
 * @see {@link toWebUsb}
 */
export function webusb(options: WebUsbOptions): WebUsbTransport {
  return new Transport(options);
}

const speeds: readonly Speed[] = ["low", "full", "high", "super", "super-plus"];

class Transport implements WebUsbTransport {
  readonly name = "webusb";
  readonly capabilities: TransportCapabilities = {
    startFrame: false,
    frameNumber: false,
    lengthsPerFrame: true,
    cancel: "none",
    blocking: false,
    dma: false,
  };
  readonly #usb: WebUsb | undefined;
  readonly #devices: readonly WebUsbDevice[] | undefined;
  readonly #options: DeviceOptions;
  /** Devices that the user chose just now. */
  readonly #chosen = new Subject<WebUsbDevice>();
  /** Held, because for a device that nobody holds Chromium makes another object the next time, which is another id. */
  readonly #held = new Set<WebUsbDevice>();
  /** Devices that are open, or being opened. */
  #users = 0;

  constructor({ usb, devices, speed, framesPerCall }: WebUsbOptions) {
    this.#usb = usb;
    this.#devices = devices;
    this.#options = {
      speed: speed === undefined ? undefined : oneOf("speed", speed, speeds),
      framesPerCall:
        framesPerCall === undefined ? undefined : wholeNumber("framesPerCall", framesPerCall, 1, maxFramesPerCall),
    };
  }

  devices(): Observable<DeviceEvent> {
    return new Observable((subscriber) => {
      const known = new Set<WebUsbDevice>();
      const attach = (device: WebUsbDevice) => {
        if (known.has(device) || !this.#isMeant(device)) return;
        known.add(device);
        this.#held.add(device);
        subscriber.next({ type: "attach", device: this.#infoOf(SharedDevice.of(device)) });
      };
      // What comes and goes before the list is there is told of after it.
      let meanwhile: (() => void)[] | undefined = [];
      const inOrder = (tell: () => void) => {
        if (meanwhile === undefined) tell();
        else meanwhile.push(tell);
      };
      const connected = ({ device }: WebUsbConnection) => {
        inOrder(() => {
          attach(device);
        });
      };
      const disconnected = ({ device }: WebUsbConnection) => {
        inOrder(() => {
          this.#held.delete(device);
          if (!known.delete(device)) return;
          subscriber.next({ type: "detach", device: this.#infoOf(SharedDevice.of(device)) });
        });
      };
      this.#usb?.addEventListener("connect", connected);
      this.#usb?.addEventListener("disconnect", disconnected);
      subscriber.add(() => {
        this.#usb?.removeEventListener("connect", connected);
        this.#usb?.removeEventListener("disconnect", disconnected);
      });
      subscriber.add(
        this.#chosen.subscribe({
          next: (device) => {
            connected({ device });
          },
          error: (error: unknown) => {
            subscriber.error(error);
          },
        }),
      );
      this.#present().then(
        (present) => {
          for (const device of present) attach(device);
          const queued = meanwhile ?? [];
          meanwhile = undefined;
          for (const tell of queued) tell();
        },
        (error: unknown) => {
          subscriber.error(error);
        },
      );
    });
  }

  request(options: WebUsbRequestOptions = { filters: [] }): Observable<DeviceInfo> {
    return defer(() => {
      if (this.#usb === undefined) throw noUsb();
      return from(this.#usb.requestDevice(options).catch(refuse));
    }).pipe(
      map((device) => {
        this.#held.add(device);
        this.#chosen.next(device);
        return this.#infoOf(SharedDevice.of(device));
      }),
    );
  }

  open(selector: DeviceSelector): Observable<TransportDevice> {
    return opening(this, () => this.#open(selector));
  }

  async #open(selector: DeviceSelector): Promise<OpenedDevice> {
    const found = (await this.#present())
      .map((device) => SharedDevice.of(device))
      .find((device) => matchesSelector(this.#infoOf(device), selector));
    if (found === undefined) {
      throw new DeviceError(
        "no-such-device",
        "no device that this page may use matches the selector: ask the user for it (request), in a click",
      );
    }
    this.#watch();
    try {
      await found.acquire();
    } catch (error) {
      this.#unwatch();
      throw error;
    }
    return new OpenedDevice(found, this.#options, () => {
      this.#unwatch();
    });
  }

  /** What is open is to hear that it is gone, whether or not anybody follows `devices()`. */
  #watch(): void {
    if (this.#users++ === 0) this.#usb?.addEventListener("disconnect", this.#disconnected);
  }

  #unwatch(): void {
    if (--this.#users === 0) this.#usb?.removeEventListener("disconnect", this.#disconnected);
  }

  readonly #disconnected = ({ device }: WebUsbConnection): void => {
    this.#held.delete(device);
    SharedDevice.of(device).leave();
  };

  async #present(): Promise<readonly WebUsbDevice[]> {
    if (this.#devices !== undefined) return this.#devices.filter((device) => !SharedDevice.of(device).isGone);
    if (this.#usb === undefined) throw noUsb();
    try {
      const present = await this.#usb.getDevices();
      this.#held.clear();
      for (const device of present) this.#held.add(device);
      return present;
    } catch (error) {
      throw new AccessError("access-denied", `the page may not use USB: ${inWords(error)}`, {
        native: nameOf(error),
        cause: error,
      });
    }
  }

  #isMeant(device: WebUsbDevice): boolean {
    return this.#devices === undefined || this.#devices.includes(device);
  }

  #infoOf(device: SharedDevice): DeviceInfo {
    return device.infoAt(this.#options.speed);
  }
}

function noUsb(): IsochError {
  return new TransportError(
    "transport-failed",
    "there is no WebUSB here: it takes Chromium, https, and the permission policy usb",
  );
}

/** Why `requestDevice` brought none. */
function refuse(error: unknown): never {
  if (nameOf(error) === "NotFoundError") throw noneChosen(error);
  throw new AccessError(
    "access-denied",
    `the page may not ask for a device now: do it in a click (${inWords(error)})`,
    {
      native: nameOf(error),
      cause: error,
    },
  );
}

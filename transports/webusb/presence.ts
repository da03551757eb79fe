import { AsyncSubject, type Observable } from "rxjs";
import type { DeviceError, IsochError } from "../../src/index.js";
import { unplugged } from "../../src/device-errors.js";
import { nameOf } from "./errors.js";
import type { WebUsbControlSetup, WebUsbDevice } from "./usb.js";

/** A request that every device answers (USB 2.0, 9.4.5). */
const getStatus: WebUsbControlSetup = { requestType: "standard", recipient: "device", request: 0, value: 0, index: 0 };

/** Whether a USBDevice is still plugged in. Where nobody tells, it has to be asked. */
export class Presence {
  readonly #usb: WebUsbDevice;
  readonly #id: string;
  readonly #left: (gone: DeviceError) => void;
  readonly #gone = new AsyncSubject<IsochError>();
  #unplugged: DeviceError | undefined;
  #asking: Promise<boolean> | undefined;

  /** @param left called once, when it leaves, before {@link Presence.gone} emits */
  constructor(usb: WebUsbDevice, id: string, left: (gone: DeviceError) => void) {
    this.#usb = usb;
    this.#id = id;
    this.#left = left;
  }

  get isGone(): boolean {
    return this.#unplugged !== undefined;
  }

  /** Emits when it was unplugged, and completes. */
  get gone(): Observable<IsochError> {
    return this.#gone.asObservable();
  }

  /** @throws {@link DeviceError} `device-gone` if it is known to be gone */
  check(): void {
    if (this.#unplugged !== undefined) throw this.#unplugged;
  }

  /** It was unplugged. */
  leave(): void {
    if (this.#unplugged !== undefined) return;
    const gone = unplugged(this.#id);
    this.#unplugged = gone;
    this.#left(gone);
    this.#gone.next(gone);
    this.#gone.complete();
  }

  /** Asks the device; where it does not answer, it has left when this resolves. */
  ask(): Promise<boolean> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  /** What is asked of a device does not outlast it: nobody knows whether it would ever end. */
  unlessGone<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const watch = this.#gone.subscribe({ next: reject, error: reject });
      void work.then(resolve, reject).finally(() => {
        watch.unsubscribe();
      });
    });
  }

  /**
   * To open what is open does nothing, and fails where the browser knows that it is gone. The system knows
   * earlier, and lets no request through.
   */
  async #ask(): Promise<boolean> {
    if (this.#usb.opened) {
      try {
        await this.#usb.open();
        await this.unlessGone(this.#usb.controlTransferIn(getStatus, 2));
        return !this.isGone;
      } catch (error) {
        if (nameOf(error) !== "NotFoundError") return !this.isGone;
      }
    }
    this.leave();
    return false;
  }
}

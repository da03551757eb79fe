import type { WebUsbDevice } from "./usb.js";
import { whenLetIn } from "./when-let-in.js";

/** A USBDevice that is open, of which the page's own code may have a part: what that had opened stays open. */
export class Session {
  readonly #usb: WebUsbDevice;
  /** Opened here, and to be closed here; else the program had opened it, and will close it. */
  #isOurs = false;
  #interruptions = 0;

  constructor(usb: WebUsbDevice) {
    this.#usb = usb;
  }

  /** How often it was closed or reset from here: what was asked of it before that is cut short by it. */
  get interruptions(): number {
    return this.#interruptions;
  }

  async open(): Promise<void> {
    this.#isOurs ||= !this.#usb.opened;
    await whenLetIn(() => this.#usb.open());
  }

  /** Closes it, unless the program had opened it. */
  async close(): Promise<void> {
    if (!this.#isOurs) return;
    this.#interruptions++;
    await this.whileOpen(() => this.#usb.close());
    this.#isOurs = false;
  }

  async reset(): Promise<void> {
    this.#interruptions++;
    await this.#usb.reset();
  }

  /** Gives something back, if somebody else has not done so meanwhile. */
  async whileOpen(work: () => Promise<void>): Promise<void> {
    await whenLetIn(work, () => !this.#usb.opened);
  }
}

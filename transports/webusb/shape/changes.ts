import { exception } from "./exceptions.js";

/** What of a device is being changed now. As Chromium has it: one change at a time. */
export class Changes {
  /** The device itself is being opened, closed or reset. */
  #isOfDevice = false;
  /** Interfaces that are being claimed, released or switched. */
  readonly #interfaces = new Set<number>();

  async ofDevice(work: () => Promise<void>): Promise<void> {
    this.#isOfDevice = true;
    try {
      await work();
    } finally {
      this.#isOfDevice = false;
    }
  }

  async ofInterface(interfaceNumber: number, work: () => Promise<void>): Promise<void> {
    this.#interfaces.add(interfaceNumber);
    try {
      await work();
    } finally {
      this.#interfaces.delete(interfaceNumber);
    }
  }

  /** @throws InvalidStateError while something is being changed */
  checkNone(): void {
    if (!this.#isOfDevice && this.#interfaces.size === 0) return;
    throw exception("InvalidStateError", "the device, or an interface of it, is being changed");
  }

  /** @throws InvalidStateError while the device is being changed as a whole */
  checkDevice(): void {
    if (this.#isOfDevice) throw exception("InvalidStateError", "the device is being opened, closed or reset");
  }

  /** @throws InvalidStateError while the interface is being changed */
  checkInterface(interfaceNumber: number): void {
    if (!this.#interfaces.has(interfaceNumber)) return;
    throw exception("InvalidStateError", "the interface is being changed");
  }
}

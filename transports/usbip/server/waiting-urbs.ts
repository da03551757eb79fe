import { protocolError } from "../protocol/wire.js";
import { takenBackOutcome, type Urb } from "./urb.js";

/** More at a time than any driver has; nothing else limits how many a client leaves here. */
const most = 1024;

/**
 * Transfers from interrupt endpoints, which nothing answers: as with a device that has nothing to
 * say and answers NAK, they end when they are taken back. An error would have a Linux driver submit
 * the next one at once, for ever.
 */
export class WaitingUrbs {
  /** With the interface that each is from. */
  readonly #urbs = new Map<Urb, number>();
  #cost = 0;

  /** Bytes that they are counted at. */
  get cost(): number {
    return this.#cost;
  }

  /** @throws {@link TransportError} `protocol-error` for one too many */
  add(urb: Urb, interfaceNumber: number): void {
    if (this.#urbs.size === most) throw protocolError(`has ${most} transfers pending from interrupt endpoints`);
    this.#urbs.set(urb, interfaceNumber);
    this.#cost += urb.cost;
  }

  cancel(urb: Urb): void {
    if (!this.#urbs.delete(urb)) return;
    this.#cost -= urb.cost;
    urb.finish(takenBackOutcome(urb.command));
  }

  /** Those of an interface. */
  cancelAll(interfaceNumber: number): void {
    for (const [urb, from] of [...this.#urbs]) if (from === interfaceNumber) this.cancel(urb);
  }
}

import type { ImportedDevice } from "./imported-device.js";
import { errno, type SubmitCommand, type UnlinkCommand, type UsbipMessage } from "../protocol/index.js";
import { protocolError } from "../protocol/wire.js";
import { replyTo, type Urb, type UrbOutcome } from "./urb.js";

interface Unlink {
  readonly seqnum: number;
  /** Bytes it is counted at, until its reply is sent. */
  readonly cost: number;
}

interface Pending {
  readonly urb: Urb;
  /** Those that asked for it back, to be answered when it has ended. */
  readonly unlinks: Unlink[];
}

/** The transfers that a client has submitted and not been told of, by their numbers. */
export class PendingUrbs {
  readonly #device: ImportedDevice;
  readonly #send: (message: UsbipMessage, cost: number) => void;
  readonly #pending = new Map<number, Pending>();

  /** @param send sends a reply; `cost` is what was counted for it already */
  constructor(device: ImportedDevice, send: (message: UsbipMessage, cost: number) => void) {
    this.#device = device;
    this.#send = send;
  }

  /** @throws {@link TransportError} `protocol-error` for a number that is pending already */
  submit(command: SubmitCommand, cost: number): void {
    const { seqnum } = command;
    if (this.#pending.has(seqnum)) throw protocolError(`submitted number ${seqnum} twice`);
    const finish = (outcome: UrbOutcome): void => {
      this.#finish(seqnum, outcome);
    };
    const urb: Urb = { command, cost, finish };
    this.#pending.set(seqnum, { urb, unlinks: [] });
    this.#device.submit(urb);
  }

  unlink({ seqnum, target }: UnlinkCommand, cost: number): void {
    const pending = this.#pending.get(target);
    if (pending === undefined) {
      // Its reply is on the way already.
      this.#send({ type: "unlink-reply", seqnum, status: 0 }, cost);
      return;
    }
    pending.unlinks.push({ seqnum, cost });
    if (pending.unlinks.length === 1) this.#device.cancel(pending.urb);
  }

  /**
   * A transfer that was taken back, but of which packets had moved, is answered as one that ended
   * before the unlink came: that is the only reply with room for what had moved, and the client has
   * to be ready for it at any time.
   */
  #finish(seqnum: number, outcome: UrbOutcome): void {
    const pending = this.#pending.get(seqnum);
    if (pending === undefined) return;
    this.#pending.delete(seqnum);
    const { urb, unlinks } = pending;
    const isTakenBack = unlinks.length > 0 && outcome.isVoid === true;
    if (!isTakenBack) this.#send(replyTo(urb.command, outcome), urb.cost);
    const status = isTakenBack ? errno.ECONNRESET : 0;
    // Where the submit has no reply of its own, the first of these stands for it.
    let rest = isTakenBack ? urb.cost : 0;
    for (const unlink of unlinks) {
      this.#send({ type: "unlink-reply", seqnum: unlink.seqnum, status }, unlink.cost + rest);
      rest = 0;
    }
  }
}

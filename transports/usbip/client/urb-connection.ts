import { AsyncSubject, asyncScheduler, type Observable, type Subscription } from "rxjs";
import { asIsochError } from "../../../src/errors.js";
import type { IsochError } from "../../../src/index.js";
import {
  encodeMessage,
  UrbReplyReader,
  type AwaitedReply,
  type SubmitCommand,
  type UrbReplyHeader,
} from "../protocol/index.js";
import { protocolError } from "../protocol/wire.js";
import { connectionLost, notAnswered, outOfReach } from "./errors.js";
import type { Link } from "./link.js";
import { Watchdog } from "../watchdog.js";

/** A submit that waits for its reply. One of the three is called, once, never within `submit` or `unlink`. */
export interface PendingUrb extends AwaitedReply {
  /** @throws `TransportError` `protocol-error`, which closes the connection */
  answered(reply: UrbReplyHeader, packets: DataView): void;
  /** It was taken back, and nothing is known of it. */
  unlinked(): void;
  /** The connection has failed. */
  failed(error: IsochError): void;
}

/** What of a submit its sender says. */
export type UrbFields = Pick<
  SubmitCommand,
  "direction" | "endpoint" | "flags" | "length" | "startFrame" | "interval" | "setup" | "packets" | "data"
>;

/** Whose connection it is, and what it is held to. */
export interface ConnectionContext {
  /** For messages. */
  readonly id: string;
  /** Bus number × 65536 + device number. */
  readonly deviceId: number;
  /** Milliseconds that the server has to answer an unlink, to finish a message that it began, and to close. */
  readonly timeout: number;
}

/**
 * Unlinked submits whose reply may still come, at most: a server that had finished a transfer when the
 * unlink came may answer the unlink first.
 */
const maxGhosts = 256;
/** No number of a submit or an unlink: what the watchdog knows a reply by that has begun. */
const begun = 0;

/**
 * The connection of an imported device: submits and unlinks that wait for their replies.
 *
 * `open`, until it fails or is closed; then nothing is pending any more. Whatever the server does that
 * it may not do, and whatever it fails to do in time, closes the connection.
 */
export class UrbConnection {
  readonly #link: Link;
  readonly #context: ConnectionContext;
  readonly #pending = new Map<number, PendingUrb>();
  /** By the number of the unlink, that of its submit. */
  readonly #unlinks = new Map<number, number>();
  readonly #ghosts = new Map<number, AwaitedReply>();
  readonly #watchdog: Watchdog;
  readonly #reader: UrbReplyReader<AwaitedReply>;
  readonly #lost = new AsyncSubject<IsochError>();
  readonly #closed = new AsyncSubject<never>();
  #closing: Subscription | undefined;
  #failure: IsochError | undefined;
  #seqnum = 0;

  constructor(link: Link, context: ConnectionContext) {
    this.#link = link;
    this.#context = context;
    this.#watchdog = new Watchdog((seqnum) => {
      const what =
        seqnum === begun
          ? "finish a message that it began"
          : this.#unlinks.has(seqnum)
            ? "take a transfer back"
            : "complete a transfer";
      this.#fail(notAnswered(what, context.timeout));
    });
    this.#reader = new UrbReplyReader<AwaitedReply>({
      awaited: (seqnum) => this.#pending.get(seqnum) ?? this.#ghosts.get(seqnum),
      submitted: (seqnum, _awaited, reply, packets) => {
        this.#watchdog.settle(begun);
        this.#answered(seqnum, reply, packets);
      },
      unlinked: (seqnum, status) => {
        this.#watchdog.settle(begun);
        this.#unlinked(seqnum, status);
      },
    });
  }

  /** Begins to listen; the link may have something to tell at once. */
  open(): void {
    this.#link.handOver({
      received: (bytes) => {
        this.#attempt(() => {
          this.#reader.push(bytes);
          if (this.#reader.isWithin) this.#watchdog.expectFromNow(begun, this.#context.timeout);
        });
      },
      ended: () => {
        this.#attempt(() => {
          this.#reader.finish();
        });
        this.#fail(connectionLost(this.#context.id));
      },
      closed: (error) => {
        this.#fail(connectionLost(this.#context.id, error));
        this.#settle();
      },
    });
  }

  /** Why nothing is taken any more, if so: the device is out of reach, or was closed. */
  get failure(): IsochError | undefined {
    return this.#failure;
  }

  /** Emits why the connection failed, after all that was pending was told, and completes; completes without once it is closed. */
  get lost(): Observable<IsochError> {
    return this.#lost.asObservable();
  }

  /**
   * @param milliseconds in which the reply has to come; left out, it may take its time
   * @returns its number
   * @throws why nothing is taken any more
   */
  submit(urb: PendingUrb, fields: UrbFields, milliseconds?: number): number {
    if (this.#failure !== undefined) throw this.#failure;
    const seqnum = this.#number();
    this.#pending.set(seqnum, urb);
    if (milliseconds !== undefined) this.#watchdog.expect(seqnum, milliseconds);
    const packetCount = fields.packets?.lengths.length ?? 0;
    this.#link.write(
      encodeMessage({ type: "submit", seqnum, deviceId: this.#context.deviceId, packetCount, ...fields }),
    );
    return seqnum;
  }

  /** Asks for a submit back, if it is pending. To be asked once. */
  unlink(target: number): void {
    const { deviceId, timeout } = this.#context;
    if (!this.#pending.has(target)) return;
    const seqnum = this.#number();
    this.#unlinks.set(seqnum, target);
    this.#watchdog.settle(target);
    this.#watchdog.expect(seqnum, timeout);
    this.#link.write(encodeMessage({ type: "unlink", seqnum, deviceId, target }));
  }

  /** Closes, with nothing pending. Starts at once, and only once. Completes when the stream is closed. */
  close(refusal: IsochError): Observable<never> {
    if (this.#closing === undefined) {
      // A carrier that does not close is left alone in the end: nobody waits for ever.
      this.#closing = asyncScheduler.schedule(() => {
        this.#link.destroy();
        this.#settle();
      }, this.#context.timeout);
      this.#end(refusal, refusal);
      this.#lost.complete();
      this.#link.end();
      if (this.#link.isClosed) this.#settle();
    }
    return this.#closed.asObservable();
  }

  #answered(seqnum: number, reply: UrbReplyHeader, packets: DataView): void {
    this.#ghosts.delete(seqnum);
    const urb = this.#pending.get(seqnum);
    if (urb === undefined) return;
    this.#pending.delete(seqnum);
    this.#watchdog.settle(seqnum);
    try {
      urb.answered(reply, packets);
    } catch (error) {
      const failure = asIsochError(error);
      urb.failed(failure);
      throw failure;
    }
  }

  #unlinked(seqnum: number, status: number): void {
    const target = this.#unlinks.get(seqnum);
    if (target === undefined) throw protocolError(`answered the unlink ${seqnum}, which is not pending`);
    this.#unlinks.delete(seqnum);
    this.#watchdog.settle(seqnum);
    const urb = this.#pending.get(target);
    if (urb === undefined) return;
    this.#pending.delete(target);
    if (status === 0) this.#bury(target, urb);
    urb.unlinked();
  }

  /** Its reply may be on its way, or have been given up: Linux does both. */
  #bury(seqnum: number, { direction, length, packets }: AwaitedReply): void {
    const [oldest] = this.#ghosts.keys();
    if (oldest !== undefined && this.#ghosts.size >= maxGhosts) this.#ghosts.delete(oldest);
    this.#ghosts.set(seqnum, { direction, length, packets, data: undefined });
  }

  #attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#fail(asIsochError(error));
    }
  }

  #fail(error: IsochError): void {
    if (this.#failure !== undefined) return;
    this.#link.destroy();
    this.#end(error, outOfReach(this.#context.id, error));
    this.#lost.next(error);
    this.#lost.complete();
  }

  /** @param error what is pending meets with; what is asked later meets with `refusal` */
  #end(error: IsochError, refusal: IsochError): void {
    this.#failure ??= refusal;
    this.#reader.stop();
    this.#watchdog.stop();
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    this.#unlinks.clear();
    this.#ghosts.clear();
    for (const urb of pending) urb.failed(error);
  }

  #settle(): void {
    this.#closing?.unsubscribe();
    this.#closed.complete();
  }

  #number(): number {
    do this.#seqnum = (this.#seqnum + 1) >>> 0;
    while (
      this.#seqnum === 0 ||
      this.#pending.has(this.#seqnum) ||
      this.#unlinks.has(this.#seqnum) ||
      this.#ghosts.has(this.#seqnum)
    );
    return this.#seqnum;
  }
}

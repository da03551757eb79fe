import { asyncScheduler, type Observable, type Subscription } from "rxjs";
import {
  InvalidRequestError,
  serviceInterval,
  TransferStateError,
  UnsupportedError,
  type EndpointDescriptor,
  type IsochError,
  type Speed,
  type Submission,
  type TransportEndpoint,
} from "../../../src/index.js";
import { InFlight } from "../drained.js";
import { urbFlags } from "../protocol/index.js";
import { FrameLine } from "./frame-line.js";
import type { Piece } from "./piece.js";
import { Transfer } from "./transfer.js";
import type { UrbConnection } from "./urb-connection.js";

/** What an endpoint needs of the device it is on. */
export interface EndpointContext {
  readonly connection: UrbConnection;
  /** For messages. */
  readonly id: string;
  readonly descriptor: EndpointDescriptor;
  readonly speed: Speed;
  /** Milliseconds that an answer may be late. */
  readonly timeout: number;
}

/**
 * What is with the server at a time, at most about: the schedules of host controllers end after a second.
 * The rest waits here, and so does a start that is farther away.
 */
const window = { microseconds: 500_000, bytes: 1 << 24 } as const;
const longestTimer = 2 ** 31 - 1;
const noSetup = new Uint8Array(8);
const noData = new Uint8Array(0);

/** An isochronous endpoint of an imported device. */
export class UsbipEndpoint implements TransportEndpoint {
  readonly #context: EndpointContext;
  readonly #frameDuration: number;
  /** Frames (full speed) or microframes, which the wire counts, in a service interval. */
  readonly #unit: number;
  readonly #line: FrameLine;
  readonly #inFlight = new InFlight<Submission>();
  /** What nobody was told of yet, in the order of submission. */
  readonly #queue: Transfer[] = [];
  /** Of those, what is not all with the server. */
  readonly #waiting: Transfer[] = [];
  #microsecondsSent = 0;
  #bytesSent = 0;
  #piecesSent = 0;
  /** A start was sent of which nobody knows how far away it is. */
  #isBlind = false;
  #hold: Subscription | undefined;
  #refusal: IsochError | undefined;
  #lastTimestamp = 0;

  constructor(context: EndpointContext) {
    const { descriptor, speed } = context;
    this.#context = context;
    this.#frameDuration = serviceInterval(descriptor, speed);
    this.#unit = this.#frameDuration / (speed === "full" ? 1000 : 125);
    this.#line = new FrameLine(this.#unit, this.#frameDuration);
  }

  get address(): number {
    return this.#context.descriptor.address;
  }

  /** Completes when nothing is in flight. */
  get drained(): Observable<never> {
    return this.#inFlight.drained;
  }

  now(): number {
    return performance.now() * 1000;
  }

  submit(submission: Submission): void {
    const refusal = this.#context.connection.failure ?? this.#refusal;
    if (refusal !== undefined) throw refusal;
    if (submission.start !== "asap") this.#checkStart(submission.start);
    const { direction } = this.#context.descriptor;
    const transfer = new Transfer(submission, direction, this.#frameDuration, {
      settled: (piece) => {
        this.#settled(transfer, piece);
      },
      failed: (error) => {
        this.fail(error);
      },
    });
    this.#queue.push(transfer);
    this.#waiting.push(transfer);
    this.#inFlight.add(submission);
    this.#pump();
  }

  cancel(submission: Submission): void {
    const transfer = this.#queue.find((each) => each.submission === submission);
    if (transfer === undefined || transfer.isCancelling || transfer.isSettled) return;
    transfer.isCancelling = true;
    const index = this.#waiting.indexOf(transfer);
    if (index >= 0) this.#waiting.splice(index, 1);
    for (const { seqnum } of transfer.takeBack()) {
      if (seqnum !== undefined) this.#context.connection.unlink(seqnum);
    }
    this.#pump();
    // Nothing completes within a cancel.
    queueMicrotask(() => {
      this.#deliver();
    });
  }

  /** The endpoint is no more: what is in flight is cancelled, and nothing else is taken. */
  retire(): void {
    this.#refusal ??= new TransferStateError(
      "pipe-closed",
      "another alternate setting was selected, or the interface was released: open the endpoint again",
    );
    for (const { submission } of [...this.#queue]) this.cancel(submission);
  }

  /** The connection has failed: everything completes with that. */
  fail(error: IsochError): void {
    this.#hold?.unsubscribe();
    this.#waiting.length = 0;
    for (const transfer of [...this.#queue]) if (!transfer.isSettled) transfer.fail(error);
    this.#deliver();
  }

  /** @throws {@link InvalidRequestError} `start-in-past`, `start-overlap`, as far as is known here; {@link UnsupportedError} */
  #checkStart(start: number): void {
    if (!this.#line.isTold) {
      throw new UnsupportedError(
        "unsupported",
        "the frame numbers of this server do not count on, so no start can be named: start as soon as possible",
      );
    }
    if (!this.#line.takesStarts) {
      throw new UnsupportedError(
        "unsupported",
        "this server begins when it can, whatever start is named, as Linux does: start as soon as possible",
      );
    }
    const { reached } = this.#line;
    if (start < reached) {
      throw new InvalidRequestError(
        "start-in-past",
        `frame ${start} has passed, the bus is at ${reached} or later: start later, or as soon as possible`,
      );
    }
    let free = reached;
    for (const { submission, isCancelling } of this.#queue) {
      if (isCancelling) continue;
      free = (submission.start === "asap" ? free : submission.start) + submission.lengths.length;
    }
    if (start < free) {
      throw new InvalidRequestError(
        "start-overlap",
        `frame ${start} comes before the end of what is queued, ${free} or later: start there, or as soon as possible`,
      );
    }
  }

  /** Sends what there is room for. */
  #pump(): void {
    this.#hold?.unsubscribe();
    if (this.#context.connection.failure !== undefined) return;
    for (let head = this.#waiting[0]; head !== undefined; head = this.#waiting[0]) {
      const piece = head.next;
      if (piece === undefined) {
        this.#waiting.shift();
        continue;
      }
      const isFull = this.#microsecondsSent >= window.microseconds || this.#bytesSent >= window.bytes;
      if (isFull && this.#piecesSent > 0) return;
      const start = head.isUnsent ? head.submission.start : "asap";
      const delay = start === "asap" ? 0 : this.#line.timeUntil(start, this.now());
      if (delay > window.microseconds) {
        this.#holdFor(delay - window.microseconds);
        return;
      }
      head.advance();
      this.#send(piece, start, delay);
    }
  }

  #holdFor(microseconds: number): void {
    const delay = Math.min(Math.ceil(microseconds / 1000), longestTimer);
    this.#hold = asyncScheduler.schedule(() => {
      this.#pump();
    }, delay);
  }

  /** @param delay microseconds until its start */
  #send(piece: Piece, start: number | "asap", delay: number): void {
    const { connection, descriptor, timeout } = this.#context;
    const { direction } = descriptor;
    const isIn = direction === "in";
    this.#piecesSent++;
    this.#bytesSent += piece.length;
    this.#microsecondsSent += piece.count * this.#frameDuration;
    if (start !== "asap" && !this.#line.isAnchored) this.#isBlind = true;
    const isBlind = this.#isBlind && !this.#line.isAnchored;
    const limit = timeout + (this.#microsecondsSent + delay) / 1000;
    piece.seqnum = connection.submit(
      piece,
      {
        direction,
        endpoint: descriptor.address & 0x0f,
        flags: (isIn ? urbFlags.directionIn : 0) | (start === "asap" ? urbFlags.isoAsap : 0),
        length: piece.length,
        startFrame: start === "asap" ? 0 : this.#line.toWire(start),
        interval: this.#unit,
        setup: noSetup,
        packets: piece.descriptors,
        data: isIn ? noData : piece.data,
      },
      isBlind ? undefined : limit,
    );
  }

  #settled(transfer: Transfer, piece: Piece): void {
    transfer.settledAt = this.now();
    if (piece.seqnum === undefined) return;
    this.#piecesSent--;
    this.#bytesSent -= piece.length;
    this.#microsecondsSent -= piece.count * this.#frameDuration;
    this.#pump();
    this.#deliver();
  }

  #deliver(): void {
    for (let head = this.#queue[0]; head?.isSettled === true; head = this.#queue[0]) {
      this.#queue.shift();
      const { submission } = head;
      // What was taken back may have been so before what it was queued behind had come.
      head.settledAt = this.#lastTimestamp = Math.max(this.#lastTimestamp, head.settledAt);
      head.finish(this.#context.id, this.#line);
      submission.completed(submission);
      this.#inFlight.delete(submission);
    }
  }
}

import type { Direction, IsochError, Submission, TransportEndpoint } from "../../src/index.js";
import { cutIntoBatches, type Batch } from "./batch.js";
import {
  batchRejected,
  endpointRetired,
  explain,
  movesNoMore,
  nameOf,
  neverMoved,
  noMethods,
  takenAway,
} from "./errors.js";
import { Refusals } from "./refusals.js";
import { Transfer } from "./transfer.js";
import type { WebUsbDevice } from "./usb.js";

/** What an endpoint needs of the device it is on. */
export interface EndpointContext {
  readonly usb: WebUsbDevice;
  /** For messages. */
  readonly id: string;
  readonly address: number;
  readonly direction: Direction;
  /** Microseconds. */
  readonly frameDuration: number;
  /** Frames in a call, at most. */
  readonly batch: number;
  /** Whether the device is there; if it is not, everything of it has failed when this resolves. */
  readonly checkPresent: () => Promise<boolean>;
}

/** What is in flight at a time, at most about; the rest waits here. */
const window = { microseconds: 250_000, bytes: 1 << 23 } as const;
/** Bytes in a call. */
const maxBatchBytes = 1 << 20;

/** An isochronous endpoint of a USBDevice: calls that are in flight beside one another. */
export class WebUsbIsochEndpoint implements TransportEndpoint {
  readonly #context: EndpointContext;
  /** What nobody was told of yet, in the order of submission. */
  readonly #queue: Transfer[] = [];
  /** Of those, what the browser has not got. */
  readonly #waiting: Batch[] = [];
  readonly #refusals = new Refusals();
  readonly #idle: (() => void)[] = [];
  #inFlight = 0;
  #bytesInFlight = 0;
  #refusal: IsochError | undefined;
  /** What cuts short what is in flight: nothing, where it was to be cancelled. */
  #failure: IsochError | undefined;
  #lastTimestamp = 0;

  constructor(context: EndpointContext) {
    this.#context = context;
  }

  get isIdle(): boolean {
    return this.#queue.length === 0;
  }

  /** Resolves when everything has completed. */
  drained(): Promise<void> {
    if (this.isIdle) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  now(): number {
    return performance.now() * 1000;
  }

  submit(submission: Submission): void {
    if (this.#refusal !== undefined) throw this.#refusal;
    const batches = cutIntoBatches(submission, this.#context.batch, maxBatchBytes);
    this.#queue.push(new Transfer(submission, batches));
    this.#waiting.push(...batches);
    this.#pump();
  }

  cancel(): void {
    // A transfer is a promise, and cannot be called off: it runs to its end.
  }

  /** The alternate setting is given up: nothing else is taken, and the browser aborts what is in flight. */
  retire(): void {
    this.#refusal ??= endpointRetired();
    this.#dropWaiting();
    // Nothing completes while a step on the device is being asked for.
    queueMicrotask(() => {
      this.#deliver();
    });
  }

  /** Everything completes with that, now: whatever comes of the calls in flight comes too late. */
  fail(error: IsochError): void {
    if (this.#failure !== undefined) return;
    this.#failure = this.#refusal = error;
    for (const { batches } of this.#queue) for (const batch of batches) batch.cut();
    this.#waiting.length = 0;
    this.#deliver();
  }

  #pump(): void {
    const { frameDuration } = this.#context;
    for (let batch = this.#waiting[0]; batch !== undefined; batch = this.#waiting[0]) {
      const isFull =
        (this.#inFlight + batch.count) * frameDuration > window.microseconds ||
        this.#bytesInFlight + batch.length > window.bytes;
      if (this.#inFlight > 0 && isFull) return;
      this.#waiting.shift();
      this.#send(batch);
    }
  }

  #send(batch: Batch): void {
    const { usb, address, direction } = this.#context;
    const number = address & 0x0f;
    const sentAt = this.now();
    this.#inFlight += batch.count;
    this.#bytesInFlight += batch.length;
    const call = async (): Promise<() => void> => {
      if (direction === "in") {
        const result = await usb.isochronousTransferIn(number, batch.packetLengths);
        return () => {
          batch.received(result);
        };
      }
      const result = await usb.isochronousTransferOut(number, batch.data, batch.packetLengths);
      return () => {
        batch.sent(result);
      };
    };
    void call().then(
      (take) => {
        this.#landed(batch, () => {
          try {
            take();
            this.#refusals.clear();
          } catch (error) {
            this.#refused(batch, error, sentAt);
          }
        });
      },
      async (error: unknown) => {
        const isThere = nameOf(error) !== "NotFoundError" || (await this.#context.checkPresent());
        this.#landed(batch, () => {
          if (isThere) this.#refused(batch, error, sentAt);
        });
      },
    );
  }

  #landed(batch: Batch, settle: () => void): void {
    this.#inFlight -= batch.count;
    this.#bytesInFlight -= batch.length;
    if (batch.outcome === undefined) settle();
    this.#pump();
    this.#deliver();
  }

  #refused(batch: Batch, error: unknown, sentAt: number): void {
    const { id, frameDuration } = this.#context;
    // What is given up is aborted; Chromium on Linux has the same name for that as for a bad packet.
    if (this.#refusal !== undefined) {
      batch.cut();
      return;
    }
    switch (nameOf(error)) {
      case "AbortError":
      case "InvalidStateError":
      case "NotFoundError":
        this.fail(takenAway(id, error));
        return;
      case "SecurityError":
      case "NotAllowedError":
        this.fail(explain(error, { to: "move frames of", id, isGone: false }));
        return;
      case "TypeError":
      case "NotSupportedError":
        this.fail(noMethods(id, error));
        return;
      default:
    }
    batch.reject(batchRejected(id, error));
    const verdict = this.#refusals.add(batch.count * frameDuration, sentAt, this.now());
    if (verdict === "never-moved") this.fail(neverMoved(id, error));
    if (verdict === "moves-no-more") this.fail(movesNoMore(id, error));
  }

  #dropWaiting(): void {
    for (const batch of this.#waiting) batch.cut();
    this.#waiting.length = 0;
  }

  #deliver(): void {
    for (let head = this.#queue[0]; head?.isSettled === true; head = this.#queue[0]) {
      this.#queue.shift();
      const { submission } = head;
      this.#lastTimestamp = Math.max(this.#lastTimestamp, this.now());
      head.finish(this.#failure, this.#lastTimestamp);
      submission.completed(submission);
    }
    if (this.isIdle) for (const resolve of this.#idle.splice(0)) resolve();
  }
}

import { Subscription } from "rxjs";
import {
  DeviceError,
  statusCodes,
  UnsupportedError,
  type IsochError,
  type ResultSource,
  type StreamPlan,
  type StreamSink,
  type Submission,
  type TransportEndpoint,
} from "../../../src/index.js";
import { Pump } from "../../../src/pump.js";
import { createTimeline } from "../../../src/timeline.js";
import type { ReplayClock, SharedStart } from "./clock.js";
import { ConsumerRoom } from "./consumer-room.js";
import type { TransferFeed } from "./feed.js";
import type { RecordedTransfer } from "./recorded-transfers.js";
import { fill, type Filling } from "./fill.js";
import { withEnds } from "./with-ends.js";

/** What an endpoint needs of the device it is on. */
export interface EndpointContext {
  /** For messages. */
  readonly id: string;
  readonly isIn: boolean;
  readonly clock: ReplayClock;
  readonly start: SharedStart;
  readonly isPaced: boolean;
  /** Microseconds. */
  readonly frameDuration: number;
  readonly openFeed: () => TransferFeed;
}

/** Milliseconds that an unpaced replay keeps the program to itself. */
const slice = 8;

/** An isochronous endpoint whose completions were recorded. */
export class ReplayEndpoint implements TransportEndpoint {
  readonly #context: EndpointContext;
  readonly #queue: Filling[] = [];
  readonly #room = new ConsumerRoom(() => {
    this.#turnSoon();
  });
  #feed: TransferFeed | undefined;
  #transfer: RecordedTransfer | undefined;
  /** Frames of that one that were served. */
  #index = 0;
  /** Microseconds between the capture and now; `undefined` before the first transfer. */
  #shift: number | undefined;
  #wake = Subscription.EMPTY;
  #isTurning = false;
  #isReading = false;
  #refusal: IsochError | undefined;
  #timestamp = 0;

  constructor(context: EndpointContext) {
    this.#context = context;
  }

  /** Where nothing but the consumer sets the pace, it waits for one that pauses. */
  stream(plan: StreamPlan, sink: StreamSink): ResultSource {
    const { frameDuration, isPaced } = this.#context;
    const pump = new Pump(this, plan, createTimeline(frameDuration), sink);
    return withEnds(isPaced ? pump : this.#room.limit(pump, plan.ring), {
      now: () => this.now(),
      lead: () => this.#feed?.lead,
      tail: () => this.#feed?.tail,
    });
  }

  now(): number {
    return this.#context.clock.now();
  }

  submit(submission: Submission): void {
    if (this.#refusal !== undefined) throw this.#refusal;
    if (submission.start !== "asap") {
      throw new UnsupportedError("unsupported", "a replay begins where the capture does: start as soon as possible");
    }
    this.#queue.push({ submission, served: 0, offset: 0, isSettled: false });
    this.#turnSoon();
  }

  cancel(submission: Submission): void {
    const filling = this.#queue.find((each) => each.submission === submission);
    if (filling === undefined || filling.isSettled) return;
    cutShort(filling);
    submission.cancelled = true;
    this.#wake.unsubscribe();
    this.#turnSoon();
  }

  /** The endpoint is no more: what is in flight completes as cancelled, and nothing else is taken. */
  retire(refusal: IsochError): void {
    this.#refusal ??= refusal;
    this.#wake.unsubscribe();
    this.#leave();
    for (let head = this.#queue.shift(); head !== undefined; head = this.#queue.shift()) {
      if (!head.isSettled) {
        cutShort(head);
        head.submission.cancelled = true;
      }
      this.#complete(head);
    }
  }

  #turnSoon(): void {
    if (this.#isTurning || !this.#wake.closed) return;
    this.#wakeAt(this.now());
  }

  #wakeAt(time: number): void {
    this.#wake.unsubscribe();
    this.#wake = this.#context.clock.wake(time, () => {
      this.#wake.unsubscribe();
      this.#turn();
    });
  }

  #turn(): void {
    if (this.#isTurning) return;
    this.#isTurning = true;
    const end = performance.now() + slice;
    try {
      while (this.#step()) {
        if (this.#context.isPaced || performance.now() < end) continue;
        this.#wakeAt(this.now());
        break;
      }
    } finally {
      this.#isTurning = false;
    }
  }

  /** Takes a step; false where something has to happen first. */
  #step(): boolean {
    const [head] = this.#queue;
    if (head === undefined) return false;
    if (head.isSettled) {
      this.#queue.shift();
      this.#complete(head);
      return true;
    }
    if (!this.#room.isThere) return false;
    const transfer = (this.#transfer ??= this.#next());
    if (transfer === undefined) return !this.#isReading && this.#fail(head);
    if (this.#index === 0 && !this.#hasCome(transfer)) return false;
    this.#index = fill(head, transfer, this.#index, this.#context.isIn);
    if (this.#index === transfer.count) {
      this.#index = 0;
      this.#transfer = undefined;
    }
    return true;
  }

  #next(): RecordedTransfer | undefined {
    if (this.#isReading) return undefined;
    const feed = (this.#feed ??= this.#context.openFeed());
    const transfer = feed.next();
    if (transfer === undefined && feed.ended === undefined) {
      this.#isReading = true;
      feed.whenReady(() => {
        this.#isReading = false;
        this.#turnSoon();
      });
    }
    return transfer;
  }

  #hasCome({ submittedAt, completedAt }: RecordedTransfer): boolean {
    const { isPaced, clock, start } = this.#context;
    if (!isPaced) return true;
    this.#shift ??= start.enter(this, submittedAt, clock.now());
    const due = completedAt + this.#shift;
    if (clock.hasCome(due)) return true;
    this.#wakeAt(due);
    return false;
  }

  /** Nothing more comes. */
  #fail(filling: Filling): true {
    const { id } = this.#context;
    this.#refusal ??=
      this.#feed?.ended?.error ??
      new DeviceError(
        "device-gone",
        `the capture of ${id} has ended: subscribe again to replay it from the beginning, or choose loop`,
      );
    cutShort(filling);
    filling.submission.error = this.#refusal;
    this.#leave();
    return true;
  }

  #complete({ submission, served }: Filling): void {
    if (served > 0) this.#room.use();
    submission.timestamp = this.#timestamp = Math.max(this.#timestamp, this.now());
    submission.completed(submission);
  }

  #leave(): void {
    this.#feed?.close();
    this.#context.start.leave(this);
  }
}

/** What was not served does not come. */
function cutShort(filling: Filling): void {
  filling.isSettled = true;
  filling.submission.statuses.fill(statusCodes["not-complete"], filling.served);
}

import { Subscription, type SchedulerLike } from "rxjs";
import { asIsochError, InvalidRequestError, type IsochError } from "../../../src/errors.js";
import type { CapturedEvent } from "./event-reader.js";
import { EventReader } from "./event-reader.js";
import { RecordedTransfers, type RecordedTransfer } from "./recorded-transfers.js";
import { openChunks, type CaptureSource, type Chunks } from "./source.js";
import type { StartFrameCheck } from "./start-frames.js";
import { Turn } from "./turn.js";

/** Which transfers, and of what. */
export interface FeedContext {
  readonly source: CaptureSource;
  readonly bus: number;
  readonly device: number;
  /** bEndpointAddress. */
  readonly endpoint: number;
  readonly starts: StartFrameCheck;
  /** Microseconds. */
  readonly frameDuration: number;
  /** Microseconds of a frame (full speed) or microframe. */
  readonly unitDuration: number;
  readonly loop: boolean;
  /** Brings the next turn, where there is too much to be read for one. */
  readonly scheduler: SchedulerLike;
}

/** What was lost where there is no transfer on the other side of it. */
export interface LossAtEnd {
  /** The frame after the last that was lost. */
  readonly next: number;
  /** Frames. */
  readonly lost: number;
}

/** The transfers of an endpoint, read from the capture as they are asked for. */
export class TransferFeed {
  readonly #context: FeedContext;
  #chunks: Chunks | undefined;
  #transfers: RecordedTransfers;
  #reader = new EventReader();
  #events: Iterator<CapturedEvent, void> | undefined;
  #waiting: Promise<Uint8Array | undefined> | undefined;
  #turn = new Turn();
  #rest = Subscription.EMPTY;
  #ended: { readonly error: IsochError | undefined } | undefined;
  #bytes = 0;
  #lead: LossAtEnd | undefined;
  #tail: LossAtEnd | undefined;
  /** The first and the last of this reading, as they stand in the capture. */
  #first: RecordedTransfer | undefined;
  #last: RecordedTransfer | undefined;
  /** What is added in a loop. */
  #frameShift = 0;
  #timeShift = 0;

  constructor(context: FeedContext) {
    this.#context = context;
    this.#transfers = this.#newTransfers();
  }

  /** Set once there are no more; `error` if that is not because the capture has ended. */
  get ended(): { readonly error: IsochError | undefined } | undefined {
    return this.#ended;
  }

  /** What was lost before the first transfer of all, once that is there. */
  get lead(): LossAtEnd | undefined {
    return this.#lead;
  }

  /** What was lost after the last, once the capture has ended. */
  get tail(): LossAtEnd | undefined {
    return this.#tail;
  }

  /** The next; `undefined` where it has to be waited for, or there is none. */
  next(): RecordedTransfer | undefined {
    this.#turn = new Turn();
    try {
      while (this.#ended === undefined && this.#waiting === undefined) {
        const step = this.#events?.next();
        if (step === undefined || step.done === true) {
          if (this.#turn.isOver) return undefined;
          this.#readOn();
        } else {
          const transfer = this.#take(step.value);
          if (transfer !== undefined) return transfer;
        }
      }
    } catch (error) {
      this.#end(asIsochError(error));
    }
    return undefined;
  }

  /** Calls once it is worth asking for the next. Never before it returns. */
  whenReady(wake: () => void): void {
    if (this.#waiting === undefined) {
      this.#rest = this.#context.scheduler.schedule(wake);
      return;
    }
    this.#waiting.then(
      (chunk) => {
        this.#waiting = undefined;
        this.#accept(chunk);
        wake();
      },
      (error: unknown) => {
        this.#waiting = undefined;
        this.#end(asIsochError(error));
        wake();
      },
    );
  }

  close(): void {
    this.#end(undefined);
    this.#rest.unsubscribe();
    this.#chunks?.close();
  }

  #readOn(): void {
    const chunk = (this.#chunks ??= openChunks(this.#context.source)).next();
    if (chunk instanceof Promise) this.#waiting = chunk;
    else this.#accept(chunk);
  }

  #accept(chunk: Uint8Array | undefined): void {
    if (this.#ended !== undefined) return;
    if (chunk !== undefined) {
      this.#bytes += chunk.length;
      this.#turn.took(chunk.length);
      this.#events = this.#reader.push(chunk);
    } else if (this.#bytes === 0) {
      this.#end(
        new InvalidRequestError(
          "invalid-option",
          "the capture could be read only once: hand replay a function that opens it anew, () => createReadStream(path)",
        ),
      );
    } else if (this.#context.loop && this.#first !== undefined) this.#restart(this.#first);
    else {
      const { tail: lost, end } = this.#transfers;
      this.#tail = { next: end + this.#frameShift, lost };
      this.#end(undefined);
    }
  }

  #take({ event }: CapturedEvent): RecordedTransfer | undefined {
    const { bus, device, endpoint } = this.#context;
    const isMeant =
      event.transferType === 0 && event.endpoint === endpoint && event.device === device && event.bus === bus;
    const transfer = isMeant ? this.#transfers.push(event) : undefined;
    if (transfer === undefined) return undefined;
    this.#first ??= transfer;
    this.#last = transfer;
    this.#lead ??= { next: transfer.firstFrame, lost: this.#transfers.lead };
    return {
      ...transfer,
      firstFrame: transfer.firstFrame + this.#frameShift,
      submittedAt: transfer.submittedAt + this.#timeShift,
      completedAt: transfer.completedAt + this.#timeShift,
    };
  }

  /** From the beginning again, one frame after the last; what was lost there is lost again. */
  #restart(first: RecordedTransfer): void {
    const last = this.#last ?? first;
    const { frameDuration } = this.#context;
    const begun = first.completedAt - first.count * frameDuration;
    const lost = this.#transfers.tail + this.#transfers.lead;
    this.#frameShift += last.firstFrame + last.count + lost - first.firstFrame;
    this.#timeShift += last.completedAt + lost * frameDuration - begun;
    this.#first = this.#last = this.#events = undefined;
    this.#bytes = 0;
    this.#reader = new EventReader();
    this.#transfers = this.#newTransfers();
    this.#chunks = undefined;
  }

  #newTransfers(): RecordedTransfers {
    const { starts, frameDuration, unitDuration } = this.#context;
    return new RecordedTransfers(starts, frameDuration, unitDuration);
  }

  #end(error: IsochError | undefined): void {
    this.#ended ??= { error };
    this.#events = undefined;
  }
}

import {
  InvalidRequestError,
  statusCodes,
  TransportError,
  type DmaBuffer,
  type IsochError,
  type Submission,
  type TransportCapabilities,
  type TransportEndpoint,
} from "../../src/index.js";
import type { Completions } from "./completions.js";
import type { VirtualInEndpoint, VirtualOutEndpoint } from "./device-model.js";
import type { BusEngine, FrameRunner } from "./engine.js";
import type { EndpointFaults } from "./faults.js";
import { modelFailure } from "./model-failure.js";

/** What an endpoint needs of the device it belongs to. */
export interface EndpointContext {
  readonly engine: BusEngine;
  readonly completions: Completions;
  readonly capabilities: TransportCapabilities;
  /** Completions say on which frame they began. */
  readonly tellFirstFrame: boolean;
  readonly model: VirtualInEndpoint | VirtualOutEndpoint;
  readonly faults: EndpointFaults;
  /** Microseconds from one frame to the next. */
  readonly frameDuration: number;
  /** Frames from now until a transfer can start that follows nothing. */
  readonly asapDelay: number;
  readonly allocateDma: (size: number) => DmaBuffer;
}

/** A submission in the schedule of the bus. */
interface Scheduled {
  readonly submission: Submission;
  /** The frame it begins on. */
  readonly start: number;
  /** Frames that have run. */
  served: number;
  /** Bytes of the buffer that belong to those. */
  offset: number;
  isCancelling: boolean;
  /** It has run through, or was cut short: what is before it has to be told of first. */
  isSettled: boolean;
}

/** An isochronous endpoint on the virtual bus: a schedule of submissions, run frame by frame. */
export class VirtualEndpoint implements TransportEndpoint, FrameRunner {
  readonly wait?: (submission: Submission) => void;
  readonly frameNumber?: () => number;
  readonly allocateDma?: (size: number) => DmaBuffer;
  readonly #context: EndpointContext;
  /** What nobody was told of yet, in the order of submission. */
  readonly #queue: Scheduled[] = [];
  #gone: IsochError | undefined;
  /** The model is at work on a buffer, which is not the program's before it returns. */
  #isServing = false;

  constructor(context: EndpointContext) {
    const { capabilities, engine, completions } = context;
    this.#context = context;
    if (capabilities.blocking) {
      this.wait = (submission) => {
        engine.runUntil(() => !completions.isPending(submission));
      };
    }
    if (capabilities.frameNumber) this.frameNumber = () => this.frameAt(engine.time);
    if (capabilities.dma) this.allocateDma = context.allocateDma;
  }

  get nextFrameEnd(): number {
    const next = this.#next();
    return next === undefined ? Infinity : (next.start + next.served + 1) * this.#context.frameDuration;
  }

  get nextCompletion(): number {
    const next = this.#next();
    return next === undefined ? Infinity : endOf(next) * this.#context.frameDuration;
  }

  now(): number {
    return this.#context.engine.time;
  }

  /** The frame that is on the bus at that time. */
  frameAt(time: number): number {
    return Math.floor(time / this.#context.frameDuration);
  }

  submit(submission: Submission): void {
    if (this.#gone !== undefined) throw this.#gone;
    const { engine, completions } = this.#context;
    const start = this.#place(submission.start);
    completions.expect(submission);
    this.#queue.push({ submission, start, served: 0, offset: 0, isCancelling: false, isSettled: false });
    engine.touch(this);
  }

  cancel(submission: Submission): void {
    const { capabilities, engine } = this.#context;
    if (capabilities.cancel === "none") return;
    for (const scheduled of this.#queue) {
      const isMeant = capabilities.cancel === "pipe" || scheduled.submission === submission;
      if (!isMeant || scheduled.isCancelling || scheduled.isSettled) continue;
      scheduled.isCancelling = true;
      engine.schedule(engine.time, () => {
        this.#cutShort(scheduled, undefined);
        this.deliver();
      });
    }
  }

  /**
   * Nothing that is in flight will move any more, and nothing more is taken.
   *
   * @param refusal what later submissions meet with
   * @param error what those in flight complete with; left out, they complete as cancelled
   */
  shut(refusal: IsochError, error?: IsochError): void {
    if (this.#gone !== undefined) return;
    this.#gone = refusal;
    for (const scheduled of this.#queue) this.#cutShort(scheduled, error);
    this.#context.engine.remove(this);
    if (!this.#isServing) this.deliver();
  }

  runFrames(until: number): number {
    const { frameDuration } = this.#context;
    const next = this.#next();
    if (next === undefined) return 0;
    const last = Math.min(endOf(next), Math.floor(until / frameDuration));
    this.#isServing = true;
    try {
      this.#serve(next, last - next.start);
    } catch (cause) {
      const error = modelFailure(`move the packet of frame ${next.start + next.served}`, cause);
      this.shut(error, error);
    } finally {
      this.#isServing = false;
    }
    return (next.start + next.served) * frameDuration;
  }

  deliver(): void {
    for (let head = this.#queue[0]; head?.isSettled === true; head = this.#queue[0]) {
      this.#queue.shift();
      if (this.#context.tellFirstFrame) head.submission.firstFrame = head.start;
      this.#context.completions.deliver(head.submission);
    }
  }

  /** The submission whose frames are next. */
  #next(): Scheduled | undefined {
    const head = this.#queue[0];
    return head?.isSettled === true ? this.#queue.find(isUnsettled) : head;
  }

  #place(start: number | "asap"): number {
    const { engine, frameDuration, asapDelay } = this.#context;
    const tail = this.#queue.findLast((each) => isUnsettled(each) && !each.isCancelling);
    const free = tail === undefined ? 0 : endOf(tail);
    const soonest = Math.ceil(engine.time / frameDuration);
    if (start === "asap") return tail === undefined ? soonest + asapDelay : Math.max(free, soonest);
    if (start < soonest) {
      throw new InvalidRequestError(
        "start-in-past",
        `frame ${start} has passed, the bus is at ${soonest}: start later, or as soon as possible`,
      );
    }
    if (start < free) {
      throw new InvalidRequestError(
        "start-overlap",
        `frame ${start} comes before the end of what is queued, ${free}: start there, or as soon as possible`,
      );
    }
    return start;
  }

  /** Runs the frames of a submission until so many were served. */
  #serve(scheduled: Scheduled, end: number): void {
    const { model, faults } = this.#context;
    const { submission } = scheduled;
    const { lengths, buffer, actual, statuses } = submission;
    for (let i = scheduled.served; i < end; i++) {
      const frame = scheduled.start + i;
      const length = lengths[i] ?? 0;
      const fault = faults.isEmpty ? undefined : faults.at(frame);
      const most = fault === undefined ? length : Math.min(length, fault.most);
      let moved = most;
      let status = fault?.status ?? "ok";
      if (model.direction === "in") {
        const sent = model.produce(frame, buffer, scheduled.offset, length);
        if (!Number.isSafeInteger(sent) || sent < 0) {
          throw new TransportError("transport-failed", `the model of a virtual device made a packet of ${sent} bytes`);
        }
        moved = Math.min(sent, most);
        if (sent > length && status === "ok") status = "data-overrun";
      } else if (status === "ok") model.consume(frame, buffer, scheduled.offset, moved);
      // The model itself may have unplugged its device.
      if (scheduled.isSettled) return;
      if (status !== "ok") statuses[i] = statusCodes[status];
      actual[i] = moved;
      scheduled.offset += length;
      scheduled.served++;
    }
    scheduled.isSettled = scheduled.served === lengths.length;
  }

  #cutShort(scheduled: Scheduled, error: IsochError | undefined): void {
    if (scheduled.isSettled) return;
    scheduled.isSettled = true;
    const { submission } = scheduled;
    submission.cancelled = error === undefined;
    submission.error = error;
    submission.statuses.fill(statusCodes["not-complete"], scheduled.served);
  }
}

function endOf({ start, submission }: Scheduled): number {
  return start + submission.lengths.length;
}

function isUnsettled({ isSettled }: Scheduled): boolean {
  return !isSettled;
}

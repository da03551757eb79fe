import {
  DeviceError,
  InvalidRequestError,
  statusCodes,
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

/** What an endpoint needs of the device it belongs to. */
export interface EndpointContext {
  readonly engine: BusEngine;
  readonly completions: Completions;
  readonly capabilities: TransportCapabilities;
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
}

/** An isochronous endpoint on the virtual bus: a schedule of submissions, run frame by frame. */
export class VirtualEndpoint implements TransportEndpoint, FrameRunner {
  readonly wait?: (submission: Submission) => void;
  readonly frameNumber?: () => number;
  readonly allocateDma?: (size: number) => DmaBuffer;
  readonly #context: EndpointContext;
  readonly #queue: Scheduled[] = [];
  #gone: IsochError | undefined;

  constructor(context: EndpointContext) {
    const { capabilities, engine, completions } = context;
    this.#context = context;
    if (capabilities.blocking) {
      this.wait = (submission) => {
        engine.runUntil(() => !completions.isPending(submission));
      };
    }
    if (capabilities.frameNumber) this.frameNumber = () => Math.floor(engine.time / context.frameDuration);
    if (capabilities.dma) this.allocateDma = context.allocateDma;
  }

  get nextFrameEnd(): number {
    const head = this.#queue[0];
    return head === undefined ? Infinity : (head.start + head.served + 1) * this.#context.frameDuration;
  }

  get nextCompletion(): number {
    const head = this.#queue[0];
    return head === undefined ? Infinity : endOf(head) * this.#context.frameDuration;
  }

  now(): number {
    return this.#context.engine.time;
  }

  submit(submission: Submission): void {
    if (this.#gone !== undefined) throw this.#gone;
    const { engine, completions } = this.#context;
    const start = this.#place(submission.start);
    completions.expect(submission);
    this.#queue.push({ submission, start, served: 0, offset: 0, isCancelling: false });
    engine.touch(this);
  }

  cancel(submission: Submission): void {
    const { capabilities, engine } = this.#context;
    if (capabilities.cancel === "none") return;
    for (const scheduled of this.#queue) {
      const isMeant = capabilities.cancel === "pipe" || scheduled.submission === submission;
      if (!isMeant || scheduled.isCancelling) continue;
      scheduled.isCancelling = true;
      engine.schedule(engine.time, () => {
        this.#cutShort(scheduled, undefined);
      });
    }
  }

  /** Cancels everything, as a change of the alternate setting or a reset does. */
  cancelAll(): void {
    for (const scheduled of [...this.#queue]) this.#cutShort(scheduled, undefined);
  }

  /** The device has left: nothing that is in flight will move any more, and nothing more is taken. */
  abandon(error: DeviceError): void {
    this.#gone = error;
    for (const scheduled of [...this.#queue]) this.#cutShort(scheduled, error);
    this.#context.engine.remove(this);
  }

  /** The alternate setting that has this endpoint is no longer selected. */
  retire(error: IsochError): void {
    this.cancelAll();
    this.#gone = error;
    this.#context.engine.remove(this);
  }

  runFrames(until: number): number {
    const { frameDuration } = this.#context;
    const head = this.#queue[0];
    if (head === undefined) return 0;
    const next = head.start + head.served;
    const last = Math.min(endOf(head), Math.floor(until / frameDuration));
    if (last > next) this.#serve(head, last - next);
    return last * frameDuration;
  }

  deliver(): void {
    const head = this.#queue[0];
    if (head === undefined || head.served < head.submission.lengths.length) return;
    this.#queue.shift();
    this.#report(head);
  }

  #place(start: number | "asap"): number {
    const { engine, frameDuration, asapDelay } = this.#context;
    const tail = this.#queue.at(-1);
    const free = tail === undefined ? 0 : endOf(tail);
    const soonest = Math.ceil(engine.time / frameDuration);
    if (start === "asap") return tail === undefined ? soonest + asapDelay : free;
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

  #serve(scheduled: Scheduled, frames: number): void {
    const { model, faults } = this.#context;
    const { submission } = scheduled;
    const { lengths, buffer, actual, statuses } = submission;
    const first = scheduled.served;
    let { offset } = scheduled;
    for (let i = first; i < first + frames; i++) {
      const frame = scheduled.start + i;
      const length = lengths[i] ?? 0;
      const fault = faults.isEmpty ? undefined : faults.at(frame);
      const most = fault === undefined ? length : Math.min(length, fault.most);
      let moved = most;
      if (model.direction === "in") {
        const sent = model.produce(frame, buffer, offset, length);
        moved = Math.min(sent, most);
        if (sent > length) statuses[i] = statusCodes["data-overrun"];
      } else if (fault === undefined || fault.status === "ok") model.consume(frame, buffer, offset, moved);
      if (fault !== undefined && fault.status !== "ok") statuses[i] = statusCodes[fault.status];
      actual[i] = moved;
      offset += length;
    }
    scheduled.served = first + frames;
    scheduled.offset = offset;
  }

  #cutShort(scheduled: Scheduled, error: IsochError | undefined): void {
    const index = this.#queue.indexOf(scheduled);
    if (index < 0) return;
    this.#queue.splice(index, 1);
    const { submission } = scheduled;
    submission.cancelled = error === undefined;
    submission.error = error;
    submission.statuses.fill(statusCodes["not-complete"], scheduled.served);
    this.#report(scheduled);
  }

  #report({ submission, start }: Scheduled): void {
    if (this.#context.capabilities.frameNumber) submission.firstFrame = start;
    this.#context.completions.deliver(submission);
  }
}

function endOf({ start, submission }: Scheduled): number {
  return start + submission.lengths.length;
}

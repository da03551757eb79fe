import {
  statusCodes,
  type FrameStatus,
  type IsochError,
  type PipeEndpoint,
  type Submission,
  type TransportCapabilities,
  type TransportEndpoint,
} from "../../src/index.js";

/** An endpoint at full speed, of 64 bytes a frame, as a pipe knows it. */
export function pipeEndpoint(direction: "in" | "out" = "in", maxFrameLength = 64): PipeEndpoint {
  const address = direction === "in" ? 0x81 : 0x01;
  return {
    address,
    direction,
    speed: "full",
    interfaceNumber: 0,
    alternate: 1,
    maxFrameLength,
    frameDuration: 1000,
    descriptor: {
      address,
      direction,
      transferType: "isochronous",
      synchronizationType: "asynchronous",
      usageType: "data",
      maxPacketSize: maxFrameLength,
      interval: 1,
      refresh: undefined,
      synchAddress: undefined,
      companion: undefined,
      extra: [],
    },
  };
}

/** A transport that can do everything, but for what is taken away. */
export function allCapabilities(without: Partial<TransportCapabilities> = {}): TransportCapabilities {
  return {
    startFrame: true,
    frameNumber: true,
    lengthsPerFrame: true,
    cancel: "transfer",
    blocking: true,
    dma: true,
    ...without,
  };
}

/** How a submission to a {@link FakeEndpoint} ends; what is left out went well. */
export interface Ending {
  readonly firstFrame?: number | undefined;
  /** Bytes per frame. Default: all that were asked for. */
  readonly actual?: readonly number[] | undefined;
  readonly statuses?: readonly FrameStatus[] | undefined;
  /** Frames that had their turn; the rest is `not-complete`. */
  readonly served?: number | undefined;
  readonly cancelled?: boolean | undefined;
  /** Refused as a whole: no frame had its turn. */
  readonly rejected?: IsochError | undefined;
  readonly error?: IsochError | undefined;
}

/**
 * An endpoint moved by hand. It fails loudly where the contract is broken: a submission or a buffer
 * that is in flight twice, a cancellation of what was never submitted, a second completion.
 */
export class FakeEndpoint implements TransportEndpoint {
  /** Microseconds. */
  time = 0;
  /** Completions do not say on which frame they began. */
  hidesClock = false;
  /** In flight, in the order of submission. */
  readonly inFlight: Submission[] = [];
  /** All that were submitted. */
  readonly submitted: Submission[] = [];
  /** All that were asked to be cancelled. */
  readonly cancelled: Submission[] = [];
  /** Thrown by the submissions with these indices. */
  readonly refusals = new Map<number, Error>();
  /** Called at the end of each submission. */
  onSubmit: () => void = () => undefined;
  #attempts = 0;
  #nextFrame = 0;

  submit(submission: Submission): void {
    const refusal = this.refusals.get(this.#attempts++);
    if (refusal !== undefined) throw refusal;
    if (this.submitted.includes(submission)) throw new Error("submitted twice");
    if (this.inFlight.some(({ buffer }) => buffer.buffer === submission.buffer.buffer)) {
      throw new Error("a buffer is in flight twice");
    }
    this.submitted.push(submission);
    this.inFlight.push(submission);
    this.onSubmit();
  }

  cancel(submission: Submission): void {
    if (!this.submitted.includes(submission)) throw new Error("cancelled, but never submitted");
    this.cancelled.push(submission);
  }

  now(): number {
    return this.time;
  }

  /** Completes the oldest submission. Without `firstFrame`, it follows the one before. */
  complete(ending: Ending = {}): Submission {
    const submission = this.inFlight.shift();
    if (submission === undefined) throw new Error("nothing is in flight");
    const served = ending.served ?? (ending.rejected === undefined ? submission.lengths.length : 0);
    const firstFrame = ending.firstFrame ?? this.#nextFrame;
    this.#nextFrame = firstFrame + served;
    submission.lengths.forEach((length, i) => {
      submission.actual[i] = i < served ? (ending.actual?.[i] ?? length) : 0;
      submission.statuses[i] = statusCodes[i < served ? (ending.statuses?.[i] ?? "ok") : "not-complete"];
    });
    submission.firstFrame = this.hidesClock ? undefined : firstFrame;
    submission.timestamp = this.time;
    submission.cancelled = ending.cancelled ?? false;
    submission.rejected = ending.rejected;
    submission.error = ending.error;
    submission.completed(submission);
    return submission;
  }

  /** Completes all that is in flight as cancelled before its turn. */
  drain(): void {
    while (this.inFlight.length > 0) this.complete({ served: 0, cancelled: true });
  }
}

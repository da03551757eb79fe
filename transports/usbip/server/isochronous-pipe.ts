import type { Observable } from "rxjs";
import {
  InvalidRequestError,
  maxBytesPerInterval,
  serviceInterval,
  statusOf,
  type EndpointDescriptor,
  type Speed,
  type Submission,
  type TransportCapabilities,
  type TransportEndpoint,
} from "../../../src/index.js";
import { servedFrames } from "../../../src/status.js";
import { PendingSubmission } from "../../../src/submission.js";
import { createTimeline, type Timeline } from "../../../src/timeline.js";
import { errnoOfError } from "./control-pipe.js";
import { InFlight } from "../drained.js";
import { errno, errnoOfStatus, urbFlags, type SubmitCommand, type UsbipPackets } from "../protocol/index.js";
import { failedOutcome, type Urb } from "./urb.js";

/** What a pipe needs of its device. */
export interface IsochronousContext {
  readonly descriptor: EndpointDescriptor;
  readonly speed: Speed;
  readonly port: TransportEndpoint;
  readonly capabilities: TransportCapabilities;
}

/**
 * How far ahead a start frame may be, in frames or microframes, to be taken at its word: a Linux
 * driver that does not want the next free slot leaves there what an earlier transfer left.
 */
const farthestStart = 1 << 16;

/** An isochronous endpoint of the alternate setting that is selected. */
export class IsochronousPipe {
  readonly #context: IsochronousContext;
  readonly #maxFrameLength: number;
  /** Frames (full speed) or microframes, which the wire counts, in a service interval. */
  readonly #unit: number;
  readonly #submissions = new Map<Urb, Submission>();
  readonly #inFlight = new InFlight<Submission>();
  /** Where the bus clock is hidden, a client would take what was missed for never sent: it is estimated. */
  readonly #timeline: Timeline;

  constructor(context: IsochronousContext) {
    const { descriptor, speed } = context;
    this.#context = context;
    this.#maxFrameLength = maxBytesPerInterval(descriptor, speed);
    const frameDuration = serviceInterval(descriptor, speed);
    this.#unit = frameDuration / (speed === "full" ? 1000 : 125);
    this.#timeline = createTimeline(frameDuration);
  }

  /** Completes when nothing is in flight. */
  get drained(): Observable<never> {
    return this.#inFlight.drained;
  }

  submit(urb: Urb): void {
    const { command } = urb;
    const { packets } = command;
    if (packets === undefined) {
      urb.finish({ status: 0, actualLength: 0, startFrame: command.startFrame });
      return;
    }
    if (packets.lengths.some((length) => length > this.#maxFrameLength)) {
      urb.finish(failedOutcome(command, errno.EMSGSIZE));
      return;
    }
    const buffer = bufferFor(command, packets);
    const completed = (submission: Submission): void => {
      this.#submissions.delete(urb);
      this.#complete(urb, packets, submission);
      this.#inFlight.delete(submission);
    };
    const attempt = (start: number | "asap"): void => {
      const submission = new PendingSubmission({ lengths: packets.lengths, buffer, start, completed });
      const at = this.#context.port.now();
      this.#context.port.submit(submission);
      this.#timeline.submitted(packets.lengths.length, at);
      this.#submissions.set(urb, submission);
      this.#inFlight.add(submission);
    };
    try {
      this.#place(this.#startOf(command), attempt);
    } catch (error) {
      urb.finish(failedOutcome(command, errnoOfError(error)));
    }
  }

  cancel(urb: Urb): void {
    const submission = this.#submissions.get(urb);
    if (submission !== undefined) this.#context.port.cancel(submission);
  }

  cancelAll(): void {
    for (const submission of [...this.#inFlight]) this.#context.port.cancel(submission);
  }

  #place(start: number | "asap", attempt: (start: number | "asap") => void): void {
    try {
      attempt(start);
    } catch (error) {
      // As EHCI does: too late for that frame, or too early behind what is queued, is the next one.
      const isMisplaced = InvalidRequestError.is(error) && error.code.startsWith("start-");
      if (start === "asap" || !isMisplaced) throw error;
      attempt("asap");
    }
  }

  #startOf({ flags, startFrame }: SubmitCommand): number | "asap" {
    const { capabilities, port } = this.#context;
    const now = port.frameNumber?.();
    if ((flags & urbFlags.isoAsap) !== 0 || !capabilities.startFrame || now === undefined) return "asap";
    const onWire = now * this.#unit;
    const ahead = (startFrame - onWire) | 0;
    if (ahead <= 0 || ahead > farthestStart) return "asap";
    return Math.ceil((onWire + ahead) / this.#unit);
  }

  #complete({ command, finish }: Urb, packets: UsbipPackets, submission: Submission): void {
    const { actual, statuses, lengths, buffer, cancelled } = submission;
    const error = submission.error ?? submission.rejected;
    const { length: count } = lengths;
    const codes = new Int32Array(count);
    let errorCount = 0;
    for (let i = 0; i < count; i++) {
      const status = statuses[i] ?? 0;
      if (status === 0) continue;
      codes[i] = errnoOfStatus(statusOf(status));
      errorCount++;
    }
    const { firstFrame } = this.#timeline.completed(submission);
    const data = command.direction === "in" ? compacted(buffer, lengths, actual) : undefined;
    const status = error === undefined ? (cancelled ? errno.ECONNRESET : 0) : errnoOfError(error);
    finish({
      status,
      actualLength: data?.length ?? sum(actual),
      data,
      startFrame: (firstFrame * this.#unit) % 2 ** 32,
      errorCount,
      packets: { offsets: packets.offsets, lengths, actual, statuses: codes },
      isVoid: cancelled && servedFrames(submission) === 0,
    });
  }
}

/** The memory of a submission: packets directly one after the other. */
function bufferFor({ direction, data }: SubmitCommand, { offsets, lengths }: UsbipPackets): Uint8Array {
  const total = sum(lengths);
  if (direction === "in") return new Uint8Array(total);
  let end = 0;
  const isContiguous = lengths.every((length, i) => {
    const follows = length === 0 || offsets[i] === end;
    end += length;
    return follows;
  });
  if (isContiguous) return data.subarray(0, total);
  const buffer = new Uint8Array(total);
  let at = 0;
  for (let i = 0; i < lengths.length; i++) {
    const length = lengths[i] ?? 0;
    const offset = offsets[i] ?? 0;
    buffer.set(data.subarray(offset, offset + length), at);
    at += length;
  }
  return buffer;
}

/** Moves what arrived together, within the buffer. */
function compacted(buffer: Uint8Array, lengths: Uint32Array, actual: Uint32Array): Uint8Array {
  let from = 0;
  let to = 0;
  for (let i = 0; i < lengths.length; i++) {
    const moved = actual[i] ?? 0;
    if (from !== to && moved > 0) buffer.copyWithin(to, from, from + moved);
    from += lengths[i] ?? 0;
    to += moved;
  }
  return buffer.subarray(0, to);
}

function sum(numbers: Uint32Array): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}

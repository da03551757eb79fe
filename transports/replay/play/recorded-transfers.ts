import { maxFramesPerRequest, statusCodes } from "../../../src/index.js";
import { errno } from "../../../src/linux-errno.js";
import { PendingSubmission } from "../../../src/submission.js";
import { createTimeline, type Timeline } from "../../../src/timeline.js";
import { codeOfPacket, type UsbEvent } from "../format/usbmon.js";
import { FrameUnwrapper, type StartFrameCheck } from "./start-frames.js";

/** A transfer of a capture, as far as it was on the bus. */
export interface RecordedTransfer {
  readonly firstFrame: number;
  /** Frames. */
  readonly count: number;
  /** Microseconds since 1970. */
  readonly submittedAt: number;
  readonly completedAt: number;
  /** Of each frame: {@link statusCodes}. */
  readonly codes: Uint8Array;
  /** Of each frame: negative errno. */
  readonly errnos: Int32Array;
  /** Bytes that were asked for, where that was recorded. */
  readonly requested: Uint32Array | undefined;
  /** Bytes that moved. */
  readonly actual: Uint32Array;
  /** Where the bytes of each frame are in `data`. */
  readonly offsets: Uint32Array;
  /** What came in. */
  readonly data: Uint8Array;
}

/** Submissions whose completion is awaited; a capture can lack any. */
const maxPending = 4096;
const { lost, "not-complete": notComplete } = statusCodes;

/** Frames of a completion that were on the bus: not those at the end of one that was cut short. */
export function framesOnBus({ packets, status }: UsbEvent): number {
  let count = packets.lengths.length;
  for (; count > 0; count--) {
    const i = count - 1;
    const isCutOff = status !== 0 && packets.statuses[i] === errno.EXDEV && packets.lengths[i] === 0;
    if (codeOfPacket(packets, i) !== notComplete && !(isCutOff && (packets.codes[i] ?? -1) < 0)) break;
  }
  return count;
}

/** The transfers of one endpoint, from its events. */
export class RecordedTransfers {
  readonly #pending = new Map<bigint, { readonly time: number; readonly lengths: Uint32Array }>();
  readonly #timeline: Timeline;
  readonly #unwrapper: FrameUnwrapper | undefined;
  readonly #frameDuration: number;
  /** Frames that the capture says were lost, since the last transfer. */
  #missed = 0;
  #lead: number | undefined;
  /** Added to the frames of the capture, so that what was lost before the first is not before frame 0. */
  #shift = 0;
  #next: number | undefined;

  /** @param frameDuration microseconds */
  constructor(starts: StartFrameCheck, frameDuration: number, unitDuration: number) {
    this.#frameDuration = frameDuration;
    this.#timeline = createTimeline(frameDuration);
    const { modulus, longest } = starts;
    if (modulus !== undefined) this.#unwrapper = new FrameUnwrapper(modulus, longest, unitDuration);
  }

  /** Frames that were lost before the first transfer, once that is there. */
  get lead(): number {
    return this.#lead ?? 0;
  }

  /** Frames that were lost after the last transfer so far. */
  get tail(): number {
    return this.#missed;
  }

  /** The frame after all of those. */
  get end(): number {
    return (this.#next ?? 0) + this.#missed;
  }

  /** The transfer, where the event is the completion of one that was on the bus. The data is copied. */
  push(event: UsbEvent): RecordedTransfer | undefined {
    if (event.type === "submission") {
      this.#submitted(event);
      return undefined;
    }
    const pending = this.#pending.get(event.id);
    this.#pending.delete(event.id);
    if (event.type === "refusal") return undefined;
    if (event.lost > 0) {
      this.#miss(event);
      return undefined;
    }
    const count = framesOnBus(event);
    if (count === 0) return undefined;
    const untold = event.status === 0 ? event.untold : 0;
    const all = Math.min(count + untold, maxFramesPerRequest);
    const submittedAt = pending?.time ?? event.time - all * this.#frameDuration;
    return {
      ...frames(event, count, all, pending?.lengths),
      firstFrame: this.#follow(this.#place(event, all, submittedAt), all),
      submittedAt,
      completedAt: event.time,
    };
  }

  #submitted({ id, time, packets: { lengths } }: UsbEvent): void {
    this.#pending.set(id, { time, lengths });
    if (this.#pending.size <= maxPending) return;
    const [oldest] = this.#pending.keys();
    if (oldest !== undefined) this.#pending.delete(oldest);
  }

  /** Between two transfers it is as their frames say. */
  #miss({ startFrame, interval, lost: count }: UsbEvent): void {
    this.#next ??= Math.floor(startFrame / Math.max(1, interval));
    this.#missed += count;
  }

  #follow(first: number, count: number): number {
    if (this.#lead === undefined) {
      this.#lead = this.#missed;
      this.#shift = Math.max(0, this.#lead - first);
    }
    this.#missed = 0;
    this.#next = first + this.#shift + count;
    return first + this.#shift;
  }

  /** By the start frame, or, where those are of no use, by the clock. */
  #place({ startFrame, interval, time }: UsbEvent, count: number, submittedAt: number): number {
    const lengths = new Uint32Array(count);
    const buffer = new Uint8Array(0);
    const submission = new PendingSubmission({ lengths, buffer, start: "asap", completed: () => undefined });
    const unit = Math.max(1, interval);
    const start = this.#unwrapper?.place(startFrame, count * unit, time);
    if (start !== undefined) submission.firstFrame = Math.floor(start / unit);
    submission.timestamp = time;
    this.#timeline.submitted(count, submittedAt);
    return this.#timeline.completed(submission).firstFrame;
  }
}

function frames(event: UsbEvent, told: number, count: number, lengths: Uint32Array | undefined) {
  const { packets, data, endpoint } = event;
  const isIn = endpoint >= 0x80;
  const codes = new Uint8Array(count).fill(lost);
  const errnos = new Int32Array(count);
  const actual = new Uint32Array(count);
  const offsets = new Uint32Array(count);
  let end = 0;
  for (let i = 0; i < told; i++) {
    const length = packets.lengths[i] ?? 0;
    const offset = packets.offsets[i] ?? 0;
    errnos[i] = packets.statuses[i] ?? 0;
    // It moved, and the capture has not kept it.
    if (isIn && length > 0 && offset + length > data.length) continue;
    codes[i] = codeOfPacket(packets, i);
    actual[i] = length;
    offsets[i] = offset;
    end = Math.max(end, offset + length);
  }
  const requested = lengths?.length === packets.lengths.length ? lengths : undefined;
  return { count, codes, errnos, requested, actual, offsets, data: isIn ? data.slice(0, end) : new Uint8Array(0) };
}

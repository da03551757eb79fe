import { statusOf, type TransferOutcome } from "../../../src/index.js";
import { errno } from "../../../src/linux-errno.js";
import { eventPackets, putStatus, transferTypes } from "../format/usbmon.js";
import type { DeviceAddress, NewEvent } from "./recorder.js";

/** The endpoint of the events. */
export interface EventEndpoint extends DeviceAddress {
  /** With the direction in bit 7. */
  readonly endpoint: number;
  /** Frames (full speed) or microframes in a service interval. */
  readonly interval: number;
}

/** What was submitted. */
export interface SubmittedTransfer {
  readonly id: bigint;
  /** Microseconds since 1970. */
  readonly time: number;
  readonly lengths: Uint32Array;
  readonly start: number | "asap";
  /** What is sent. */
  readonly data: Uint8Array;
}

/** What came of it. */
export interface CompletedTransfer {
  readonly id: bigint;
  /** Microseconds since 1970. */
  readonly time: number;
  readonly lengths: Uint32Array;
  readonly actual: Uint32Array;
  readonly statuses: Uint8Array;
  readonly firstFrame: number;
  readonly outcome: TransferOutcome;
  /** What came in: each frame at the sum of `strides` before it. */
  readonly data: Uint8Array;
  readonly strides: Uint32Array;
}

/** Frames that no transfer had. */
export interface LostFrames {
  readonly id: bigint;
  /** Microseconds since 1970. */
  readonly time: number;
  readonly firstFrame: number;
  /** {@link mostLost} at most. */
  readonly count: number;
}

/** Frames that one event can tell to be lost: the number of errors has 31 bits. */
export const mostLost = 2 ** 31 - 1;
const noData = new Uint8Array(0);
/** Packets that usbmon tells of a transfer, at most. */
const mostTold = 128;
const wireFrames = 2 ** 32;
const outcomes: Readonly<Record<TransferOutcome, number>> = {
  ok: 0,
  isoch: 0,
  cancelled: errno.ECONNRESET,
  "device-not-responding": errno.ESHUTDOWN,
  failed: errno.EIO,
};

export function submissionEvent(at: EventEndpoint, transfer: SubmittedTransfer): NewEvent {
  const { id, time, lengths, start } = transfer;
  const packets = eventPackets(lengths.length);
  let length = 0;
  for (const [i, each] of lengths.entries()) {
    packets.statuses[i] = errno.EXDEV;
    packets.offsets[i] = length;
    packets.lengths[i] = each;
    length += each;
  }
  return {
    ...eventAt(at, id, time, start === "asap" ? 0 : start),
    type: "submission",
    status: errno.EINPROGRESS,
    length,
    packets,
    lost: 0,
    data: at.endpoint >= 0x80 ? noData : transfer.data.subarray(0, length),
  };
}

/** With the data that came in contiguous. */
export function completionEvent(at: EventEndpoint, transfer: CompletedTransfer): NewEvent {
  const { id, time, lengths, actual, statuses, firstFrame, outcome, strides } = transfer;
  const packets = eventPackets(lengths.length);
  const isIn = at.endpoint >= 0x80;
  const length = actual.reduce((sum, each) => sum + each, 0);
  const data = isIn ? new Uint8Array(length) : noData;
  let from = 0;
  let to = 0;
  for (const [i, moved] of actual.entries()) {
    putStatus(packets, i, statusOf(statuses[i] ?? 0));
    packets.offsets[i] = isIn ? to : from;
    packets.lengths[i] = moved;
    if (isIn) data.set(transfer.data.subarray(from, from + moved), to);
    to += moved;
    from += strides[i] ?? 0;
  }
  return {
    ...eventAt(at, id, time, firstFrame),
    type: "completion",
    status: outcomes[outcome],
    length,
    packets,
    lost: 0,
    data,
  };
}

/**
 * A transfer of packets that the host controller never came to, as Linux would tell of it. Where they are more than it
 * tells of, the number of errors has them all.
 */
export function lossSubmission(at: EventEndpoint, loss: LostFrames): NewEvent {
  return { ...lossAt(at, loss), type: "submission", status: errno.EINPROGRESS, lost: 0 };
}

export function lossCompletion(at: EventEndpoint, loss: LostFrames): NewEvent {
  return { ...lossAt(at, loss), type: "completion", status: 0, lost: loss.count };
}

function lossAt(at: EventEndpoint, { id, time, firstFrame, count }: LostFrames) {
  const packets = eventPackets(Math.min(count, mostTold));
  packets.statuses.fill(errno.EXDEV);
  return { ...eventAt(at, id, time, firstFrame), length: 0, packets, data: noData };
}

function eventAt({ bus, device, endpoint, interval }: EventEndpoint, id: bigint, time: number, frame: number) {
  const startFrame = (frame * interval) % wireFrames;
  const transferType = transferTypes.isochronous;
  return { bus, device, endpoint, interval, id, time, startFrame, transferType, setup: undefined } as const;
}

import { statusCodes, type Submission } from "../../../src/index.js";
import type { RecordedTransfer } from "./recorded-transfers.js";

/** A submission that is being filled with recorded frames. */
export interface Filling {
  readonly submission: Submission;
  /** Frames that were. */
  served: number;
  /** Bytes of the buffer that belong to those. */
  offset: number;
  isSettled: boolean;
}

/**
 * Fills as many frames as there are. Where frames are missing in the capture the submission ends, so that
 * the next begins behind the gap.
 *
 * @param index the frame of the transfer to begin with
 * @returns the frame of the transfer after the last that was used
 */
export function fill(filling: Filling, transfer: RecordedTransfer, index: number, isIn: boolean): number {
  const { submission } = filling;
  const { lengths } = submission;
  const frame = transfer.firstFrame + index;
  const first = (submission.firstFrame ??= frame);
  if (frame !== first + filling.served) {
    submission.statuses.fill(statusCodes["not-complete"], filling.served);
    filling.isSettled = true;
    return index;
  }
  let i = index;
  for (; i < transfer.count && filling.served < lengths.length; i++) {
    if (isIn) receive(filling, transfer, i);
    else send(filling, transfer, i);
    filling.offset += lengths[filling.served] ?? 0;
    filling.served++;
  }
  filling.isSettled = filling.served === lengths.length;
  return i;
}

function receive({ submission, served, offset }: Filling, transfer: RecordedTransfer, index: number): void {
  const length = submission.lengths[served] ?? 0;
  const actual = transfer.actual[index] ?? 0;
  const from = transfer.offsets[index] ?? 0;
  const moved = Math.min(length, actual);
  submission.buffer.set(transfer.data.subarray(from, from + moved), offset);
  submission.actual[served] = moved;
  putStatus(submission, served, transfer, index);
  if (actual > length && submission.statuses[served] === 0) submission.statuses[served] = statusCodes["data-overrun"];
}

/** As much of what is sent moves as moved of what was. */
function send({ submission, served }: Filling, transfer: RecordedTransfer, index: number): void {
  const length = submission.lengths[served] ?? 0;
  const actual = transfer.actual[index] ?? 0;
  const wasWhole = actual >= (transfer.requested?.[index] ?? actual);
  const isFine = transfer.codes[index] === 0;
  submission.actual[served] = wasWhole && isFine ? length : Math.min(length, actual);
  putStatus(submission, served, transfer, index);
}

function putStatus(submission: Submission, served: number, { codes, errnos }: RecordedTransfer, index: number): void {
  const code = codes[index] ?? 0;
  submission.statuses[served] = code;
  if (code === 0) return;
  submission.nativeStatuses ??= new Int32Array(submission.lengths.length);
  submission.nativeStatuses[served] = errnos[index] ?? 0;
}

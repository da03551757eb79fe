import { statusCodes, type FrameStatus, type IsochError, type Submission } from "../../src/index.js";
import type { WebUsbInResult, WebUsbIsochInResult, WebUsbIsochOutResult, WebUsbStatus } from "./usb.js";

/** How a batch ended: with its packets; rejected as a whole; without its turn. */
export type BatchOutcome = "served" | "rejected" | "cut";

const statuses: Readonly<Record<WebUsbStatus, FrameStatus>> = { ok: "ok", stall: "stall", babble: "data-overrun" };

/** Frames of a submission that go in one call. */
export class Batch {
  readonly submission: Submission;
  readonly first: number;
  readonly count: number;
  /** Bytes before it in the submission. */
  readonly offset: number;
  readonly length: number;
  outcome: BatchOutcome | undefined;
  /** Why it was rejected. */
  reason: IsochError | undefined;

  constructor(submission: Submission, first: number, count: number, offset: number, length: number) {
    this.submission = submission;
    this.first = first;
    this.count = count;
    this.offset = offset;
    this.length = length;
  }

  get packetLengths(): number[] {
    return Array.from(this.submission.lengths.subarray(this.first, this.first + this.count));
  }

  /** Its memory. */
  get data(): Uint8Array<ArrayBuffer> {
    const { buffer } = this.submission;
    const bytes = buffer.subarray(this.offset, this.offset + this.length);
    // Shared memory no browser takes.
    if (!(bytes.buffer instanceof ArrayBuffer)) return bytes.slice();
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  sent({ packets }: WebUsbIsochOutResult): void {
    this.#fill((i, most) => {
      const packet = packets[i];
      if (packet === undefined) return "failed";
      this.submission.actual[this.first + i] = Math.min(packet.bytesWritten, most);
      return statusOf(packet.status);
    });
  }

  received(result: WebUsbIsochInResult): void {
    const { buffer, actual } = this.submission;
    let offset = this.offset;
    this.#fill((i, most) => {
      const packet = result.packets[i];
      const at = offset;
      offset += most;
      if (packet === undefined) return "failed";
      const bytes = bytesOf(packet, most);
      buffer.set(bytes, at);
      actual[this.first + i] = bytes.length;
      return statusOf(packet.status);
    });
  }

  reject(reason: IsochError): void {
    this.reason = reason;
    this.submission.statuses.fill(statusCodes.failed, this.first, this.first + this.count);
    this.outcome = "rejected";
  }

  /** It has no turn, or nobody will say how it went. */
  cut(): void {
    if (this.outcome !== undefined) return;
    this.submission.statuses.fill(statusCodes["not-complete"], this.first, this.first + this.count);
    this.outcome = "cut";
  }

  #fill(frame: (i: number, most: number) => FrameStatus): void {
    const { lengths, statuses } = this.submission;
    for (let i = 0; i < this.count; i++) {
      statuses[this.first + i] = statusCodes[frame(i, lengths[this.first + i] ?? 0)];
    }
    this.outcome = "served";
  }
}

/** Cuts a submission into batches of so many frames and bytes at most, each of one frame at least. */
export function cutIntoBatches(submission: Submission, frames: number, bytes: number): Batch[] {
  const { lengths } = submission;
  const batches: Batch[] = [];
  let first = 0;
  let offset = 0;
  let length = 0;
  for (let i = 0; i < lengths.length; i++) {
    const next = lengths[i] ?? 0;
    if (i > first && (i - first === frames || length + next > bytes)) {
      batches.push(new Batch(submission, first, i - first, offset, length));
      first = i;
      offset += length;
      length = 0;
    }
    length += next;
  }
  batches.push(new Batch(submission, first, lengths.length - first, offset, length));
  return batches;
}

/** What came in a packet: no more than there is room for, whatever the browser says. */
function bytesOf({ data }: WebUsbInResult, most: number): Uint8Array {
  // A packet of no bytes may have no view at all.
  if (!ArrayBuffer.isView(data)) return new Uint8Array(0);
  return new Uint8Array(data.buffer, data.byteOffset, Math.min(data.byteLength, most));
}

function statusOf(status: WebUsbStatus): FrameStatus {
  return Object.hasOwn(statuses, status) ? statuses[status] : "failed";
}

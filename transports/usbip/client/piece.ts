import type { Direction, IsochError, Submission } from "../../../src/index.js";
import { errno, type UrbReplyHeader, type UsbipPackets } from "../protocol/index.js";
import { protocolError } from "../protocol/wire.js";
import { dropPackets, isUntouched, servedPackets, spreadPackets, takePackets, type PacketRange } from "./packets.js";
import type { PendingUrb } from "./urb-connection.js";

/** How a piece ended: with its packets, cut short, or refused with an errno. */
export type PieceOutcome = "complete" | "cut" | { readonly status: number };

/** Who hears of a piece. */
export interface PieceOwner {
  /** Called once, when nothing will be said of it any more. */
  settled(piece: Piece): void;
  failed(error: IsochError): void;
}

const none = { actual: new Uint32Array(0), statuses: new Int32Array(0) };

/** Frames of a submission that go as one transfer: no more than a server takes at once. */
export class Piece implements PendingUrb, PacketRange {
  readonly direction: Direction;
  readonly submission: Submission;
  readonly first: number;
  readonly count: number;
  /** Bytes before it in the submission. */
  readonly offset: number;
  readonly length: number;
  readonly #owner: PieceOwner;
  /** Its number on the wire, once it is sent. */
  seqnum: number | undefined;
  /** How it ended; `undefined` until then. */
  outcome: PieceOutcome | undefined;
  /** What the server says it began on. */
  startFrame = 0;
  /** Packets that had their turn. */
  served = 0;

  constructor(
    submission: Submission,
    direction: Direction,
    range: PacketRange & { readonly offset: number; readonly length: number },
    owner: PieceOwner,
  ) {
    this.submission = submission;
    this.direction = direction;
    this.first = range.first;
    this.count = range.count;
    this.offset = range.offset;
    this.length = range.length;
    this.#owner = owner;
  }

  get packets(): number {
    return this.count;
  }

  /** Its memory. */
  get data(): Uint8Array {
    return this.submission.buffer.subarray(this.offset, this.offset + this.length);
  }

  /** Its packets as they are submitted. */
  get descriptors(): UsbipPackets {
    const lengths = this.submission.lengths.subarray(this.first, this.first + this.count);
    const offsets = new Uint32Array(this.count);
    let end = 0;
    for (let i = 0; i < this.count; i++) {
      offsets[i] = end;
      end += lengths[i] ?? 0;
    }
    return { offsets, lengths, ...none };
  }

  /** The server's controller accessed none of its packets, and moved nothing. */
  get isUntouched(): boolean {
    return isUntouched(this.submission, this);
  }

  answered({ status, actualLength, startFrame }: UrbReplyHeader, packets: DataView): void {
    const outcome = outcomeOf(status);
    const total = takePackets(this.submission, this, packets, outcome !== "complete");
    if (this.direction === "in") {
      if (total !== actualLength) throw protocolError(`moved ${actualLength} bytes, and its packets hold ${total}`);
      spreadPackets(this.data, this.submission, this, total);
    }
    this.startFrame = startFrame;
    this.served = servedPackets(this.submission, this);
    this.#settle(outcome);
  }

  unlinked(): void {
    this.drop();
  }

  failed(error: IsochError): void {
    this.#owner.failed(error);
  }

  /** It will not run, or nobody will say how it did. */
  drop(): void {
    if (this.outcome !== undefined) return;
    dropPackets(this.submission, this);
    this.#settle("cut");
  }

  #settle(outcome: PieceOutcome): void {
    if (this.outcome !== undefined) return;
    this.outcome = outcome;
    this.#owner.settled(this);
  }
}

function outcomeOf(status: number): PieceOutcome {
  switch (status) {
    case 0:
    // Some controllers say of the whole what goes for some packets.
    case errno.EXDEV:
      return "complete";
    case errno.ECONNRESET:
    case errno.ENOENT:
      return "cut";
    default:
      return { status };
  }
}

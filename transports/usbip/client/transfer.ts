import { InvalidRequestError, type Direction, type IsochError, type Submission } from "../../../src/index.js";
import { errno } from "../protocol/index.js";
import { transferFailed } from "./errors.js";
import type { FrameLine } from "./frame-line.js";
import { dropPackets } from "./packets.js";
import { Piece, type PieceOwner } from "./piece.js";
import { cutIntoPieces } from "./pieces.js";

/** What a server answers where a start frame cannot be kept: it has passed, or is out of reach. */
const startRefusals: readonly number[] = [errno.EINVAL, errno.EFBIG];

/** A submission on its way, in pieces. */
export class Transfer {
  readonly submission: Submission;
  readonly pieces: readonly Piece[];
  /** The program wants it back. */
  isCancelling = false;
  /** Microseconds: when the last of it was heard. */
  settledAt = 0;
  #sent = 0;
  #open: number;

  constructor(submission: Submission, direction: Direction, frameDuration: number, owner: PieceOwner) {
    this.submission = submission;
    this.pieces = cutIntoPieces(submission.lengths, frameDuration).map(
      (range) =>
        new Piece(submission, direction, range, {
          settled: (piece) => {
            this.#open--;
            owner.settled(piece);
          },
          failed: (error) => {
            owner.failed(error);
          },
        }),
    );
    this.#open = this.pieces.length;
  }

  /** Nothing more will be said of any piece. */
  get isSettled(): boolean {
    return this.#open === 0;
  }

  /** Whether nothing of it is with the server yet. */
  get isUnsent(): boolean {
    return this.#sent === 0;
  }

  /** The piece that is to be sent next. */
  get next(): Piece | undefined {
    return this.pieces[this.#sent];
  }

  /** The next piece is with the server. */
  advance(): void {
    this.#sent++;
  }

  /** Drops what is not with the server; those that are, the last first. */
  takeBack(): Piece[] {
    const asked: Piece[] = [];
    for (const piece of this.pieces.toReversed()) {
      if (piece.seqnum === undefined) piece.drop();
      else if (piece.outcome === undefined) asked.push(piece);
    }
    this.#sent = this.pieces.length;
    return asked;
  }

  /** Nothing of it will be heard any more. */
  fail(error: IsochError): void {
    this.submission.error = error;
    for (const piece of this.pieces) piece.drop();
  }

  /** Fills in the outcome of a transfer that has settled. To be called in the order of submission. */
  finish(id: string, line: FrameLine): void {
    const { submission, pieces } = this;
    submission.timestamp = this.settledAt;
    if (submission.error === undefined) this.#judge(id);
    if (submission.rejected !== undefined) return;
    for (const piece of pieces) {
      if (piece.served === 0) continue;
      const wanted = piece.first === 0 ? submission.start : "asap";
      const start = line.place(piece.startFrame, piece.served, wanted, this.settledAt);
      // Frames before it that had no turn were not on the bus, but stand before it in the arrays.
      if (start !== undefined) submission.firstFrame ??= Math.max(0, start - piece.first);
    }
  }

  #judge(id: string): void {
    const { submission, pieces } = this;
    if (this.#isRefused()) {
      dropPackets(submission, { first: 0, count: submission.lengths.length });
      submission.rejected = startInPast(submission.start);
      return;
    }
    for (const { outcome } of pieces) {
      if (typeof outcome === "object") submission.error ??= transferFailed(id, outcome.status);
    }
    submission.cancelled = submission.error === undefined && pieces.some(({ outcome }) => outcome === "cut");
  }

  /** Whether its start was not kept, and it did not run at all. */
  #isRefused(): boolean {
    if (this.submission.start === "asap") return false;
    return this.pieces.every(
      ({ outcome, isUntouched }) =>
        isUntouched &&
        (outcome === "complete" || (typeof outcome === "object" && startRefusals.includes(outcome.status))),
    );
  }
}

function startInPast(start: number | "asap"): InvalidRequestError {
  return new InvalidRequestError(
    "start-in-past",
    `the server could not begin on frame ${start}, which had passed when the request came there: start later, by more than the round trip, or as soon as possible`,
  );
}

import { statusCodes, type IsochError, type Submission } from "../../src/index.js";
import type { Batch } from "./batch.js";

/** A submission, and the batches that it is made of. */
export class Transfer {
  readonly submission: Submission;
  readonly batches: readonly Batch[];

  constructor(submission: Submission, batches: readonly Batch[]) {
    this.submission = submission;
    this.batches = batches;
  }

  get isSettled(): boolean {
    return this.batches.every(({ outcome }) => outcome !== undefined);
  }

  /**
   * Tells the submission how it went.
   *
   * @param error what cut short the batches that have no turn; left out, they were cancelled
   * @param timestamp microseconds
   */
  finish(error: IsochError | undefined, timestamp: number): void {
    const { submission, batches } = this;
    submission.timestamp = timestamp;
    if (batches.some(({ outcome }) => outcome === "cut")) {
      submission.error = error;
      submission.cancelled = error === undefined;
      return;
    }
    // Where some batches went well, the frames of the others are frames that failed.
    if (batches.some(({ outcome }) => outcome === "served")) return;
    submission.statuses.fill(statusCodes["not-complete"]);
    submission.rejected = batches[0]?.reason;
  }
}

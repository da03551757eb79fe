import { servedFrames } from "./status.js";
import type { Placement } from "./submission.js";
import type { Submission } from "./transport.js";

/**
 * The timeline of a pipe: which frame each submission began on, and how many the pipe missed
 * before it.
 * @internal
 */
export interface Timeline {
  /**
   * A submission of `frames` frames has been queued.
   *
   * @param at microseconds of `TransportEndpoint.now`, read before it was submitted: it cannot
   * have begun earlier
   */
  submitted(frames: number, at: number): void;
  /** A submission has completed. */
  completed(submission: Submission): Placement;
  /** Frames of transfers that were refused after all, since the last that was on the bus: in no placement yet. */
  readonly rejected: number;
  /** A submission that only kept the bus busy has completed: its frames count as missed. */
  skipped(submission: Submission): Placement;
}

/**
 * @param frameDuration microseconds from one frame to the next
 * @internal
 */
export function createTimeline(frameDuration: number): Timeline {
  return new PipeTimeline(frameDuration);
}

/**
 * Exact where completions say on which frame they began, estimated where they do not: then it counts
 * on from the last that did, or from 0.
 */
class PipeTimeline implements Timeline {
  readonly #queue: QueueEstimate;
  /** The frame after the last that was on the bus; `undefined` before the first. */
  #next: number | undefined;
  /** Frames from there on that were missed, and are to be reported with the next that were on the bus. */
  #missed = 0;
  #rejected = 0;
  /** A completion has said on which frame of the bus it began. */
  #isExact = false;

  constructor(frameDuration: number) {
    this.#queue = new QueueEstimate(frameDuration);
  }

  get rejected(): number {
    return this.#rejected;
  }

  submitted(frames: number, at: number): void {
    this.#queue.submitted(frames, at);
  }

  completed(submission: Submission): Placement {
    const served = this.#advance(submission);
    if (served === 0) return { firstFrame: submission.firstFrame ?? this.#expected, lost: 0 };
    const place = { firstFrame: this.#expected, lost: this.#missed };
    this.#missed = 0;
    this.#rejected = 0;
    this.#next = place.firstFrame + served;
    return place;
  }

  skipped(submission: Submission): Placement {
    const served = this.#advance(submission);
    const firstFrame = this.#expected;
    if (served > 0) this.#next ??= firstFrame;
    this.#missed += served;
    return { firstFrame, lost: 0 };
  }

  get #expected(): number {
    return (this.#next ?? 0) + this.#missed;
  }

  /** Comes to the first frame of a submission; how many of its frames were on the bus. */
  #advance(submission: Submission): number {
    const { lost, rejected } = this.#queue.completed(submission);
    this.#missed += lost + rejected;
    this.#rejected += rejected;
    const served = servedFrames(submission);
    if (served > 0 && submission.firstFrame !== undefined) this.#rebase(submission.firstFrame);
    return served;
  }

  /**
   * Takes the bus at its word. What was counted from 0 is as far from it as was estimated; a time before the first
   * transfer is nobody's, but for what passed while one was refused.
   */
  #rebase(firstFrame: number): void {
    if (!this.#isExact) {
      this.#isExact = true;
      this.#next = Math.max(0, firstFrame - (this.#next === undefined ? this.#rejected : this.#missed));
    }
    this.#missed = Math.max(0, firstFrame - (this.#next ?? firstFrame));
    this.#next = firstFrame - this.#missed;
  }
}

/** Completions over which the lateness of the estimated bus clock is judged. */
const latenessWindow = 32;

/** A submission on the bus, as it is estimated. */
interface QueuedEstimate {
  /** Frames before it that passed with nothing queued. */
  readonly lost: number;
  /** Microseconds. */
  end: number;
  /** It began anew: how long the bus took to begin, its end cannot tell from a bus that is slow. */
  readonly isFirst: boolean;
}

/**
 * When the queue on the bus runs dry, where the bus clock is hidden: each submission starts where
 * the one before ends, or a whole number of frames later, if it was queued after that. The time
 * between is the loss.
 *
 * A completion can be seen late but never early, so the smallest lateness over a few completions
 * is the error of the estimate, and corrects it. That follows a bus clock that drifts from ours.
 */
class QueueEstimate {
  readonly #frameDuration: number;
  readonly #queued: QueuedEstimate[] = [];
  #end: number | undefined;
  #leastLateness = Infinity;
  #judged = 0;

  constructor(frameDuration: number) {
    this.#frameDuration = frameDuration;
  }

  submitted(frames: number, at: number): void {
    const end = this.#end ?? at;
    const lost = Math.max(0, Math.floor((at - end) / this.#frameDuration));
    const isFirst = this.#queued.length === 0 || lost > 0;
    // A fraction of a frame is not given up: it counts with the next loss.
    this.#end = end + (lost + frames) * this.#frameDuration;
    this.#queued.push({ lost, end: this.#end, isFirst });
  }

  /** Takes the oldest submission off the queue: the frames that were missed before it, and through its refusal. */
  completed(submission: Submission): { readonly lost: number; readonly rejected: number } {
    const { timestamp, lengths, cancelled, error } = submission;
    const { lost, end, isFirst } = this.#queued.shift() ?? { lost: 0, end: timestamp, isFirst: true };
    if (submission.rejected !== undefined) return { lost, rejected: this.#reject(lengths.length, end - timestamp) };
    if (cancelled || error !== undefined) {
      this.#shift((servedFrames(submission) - lengths.length) * this.#frameDuration);
    } else if (!isFirst || timestamp < end) this.#judge(timestamp - end);
    return { lost, rejected: 0 };
  }

  /** Of the frames of a refused submission, those that have passed; the others were never queued. */
  #reject(frames: number, left: number): number {
    const ahead = Math.min(frames, Math.max(0, Math.floor(left / this.#frameDuration)));
    this.#shift(-ahead * this.#frameDuration);
    return frames - ahead;
  }

  #judge(lateness: number): void {
    this.#leastLateness = Math.min(this.#leastLateness, lateness);
    this.#judged++;
    if (this.#leastLateness < 0 || this.#judged === latenessWindow) {
      this.#shift(this.#leastLateness);
      this.#leastLateness = Infinity;
      this.#judged = 0;
    }
  }

  #shift(by: number): void {
    if (this.#end !== undefined) this.#end += by;
    for (const queued of this.#queued) queued.end += by;
  }
}

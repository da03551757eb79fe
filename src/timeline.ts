import { servedFrames } from "./status.js";
import type { Placement } from "./submission.js";
import type { Submission, TransportEndpoint } from "./transport.js";

/**
 * The timeline of a pipe: which frame each submission began on, and how many the pipe missed
 * before it.
 * @internal
 */
export interface Timeline {
  /** A submission of `frames` frames has been queued. */
  submitted(frames: number): void;
  /** A submission has completed. */
  completed(submission: Submission): Placement;
  /** A submission that only kept the bus busy has completed: its frames count as missed. */
  skipped(submission: Submission): Placement;
}

/** @internal */
export function createTimeline(endpoint: TransportEndpoint, frameDuration: number): Timeline {
  return new PipeTimeline(() => endpoint.now(), frameDuration);
}

/** Exact where completions say on which frame they began, estimated where they do not. */
class PipeTimeline implements Timeline {
  readonly #exact = new BusTimeline();
  readonly #estimated: EstimatedTimeline;

  constructor(now: () => number, frameDuration: number) {
    this.#estimated = new EstimatedTimeline(now, frameDuration);
  }

  submitted(frames: number): void {
    this.#estimated.submitted(frames);
  }

  completed(submission: Submission): Placement {
    const estimate = this.#estimated.completed(submission);
    return submission.firstFrame === undefined ? estimate : this.#exact.completed(submission.firstFrame, submission);
  }

  skipped(submission: Submission): Placement {
    const estimate = this.#estimated.skipped(submission);
    return submission.firstFrame === undefined ? estimate : this.#exact.skipped(submission.firstFrame, submission);
  }
}

/** The timeline where completions say on which frame they began. */
class BusTimeline {
  #next: number | undefined;

  completed(firstFrame: number, submission: Submission): Placement {
    const served = servedFrames(submission);
    if (served === 0) return { firstFrame, lost: 0 };
    const lost = Math.max(0, firstFrame - (this.#next ?? firstFrame));
    this.#next = firstFrame + served;
    return { firstFrame, lost };
  }

  skipped(firstFrame: number, submission: Submission): Placement {
    if (servedFrames(submission) > 0) this.#next ??= firstFrame;
    return { firstFrame, lost: 0 };
  }
}

/** Completions over which the lateness of the estimated bus clock is judged. */
const latenessWindow = 32;

/**
 * The timeline where the bus clock is hidden. It keeps an estimate of when the queue on the bus
 * runs dry: each submission starts where the one before ends, or when it is queued, if that is
 * later. The time between is the loss.
 *
 * A completion can be seen late but never early, so the smallest lateness over a few completions
 * is the error of the estimate, and corrects it. That follows a bus clock that drifts from ours.
 */
class EstimatedTimeline implements Timeline {
  readonly #now: () => number;
  readonly #frameDuration: number;
  readonly #queued: { lost: number; end: number }[] = [];
  #queueEnd: number | undefined;
  #next = 0;
  /** Frames that were missed, and are to be reported with the next that were on the bus. */
  #missed = 0;
  #leastLateness = Infinity;
  #judged = 0;

  constructor(now: () => number, frameDuration: number) {
    this.#now = now;
    this.#frameDuration = frameDuration;
  }

  submitted(frames: number): void {
    const now = this.#now();
    const queueEnd = this.#queueEnd ?? now;
    const lost = Math.max(0, Math.floor((now - queueEnd) / this.#frameDuration));
    const end = Math.max(now, queueEnd) + frames * this.#frameDuration;
    this.#queued.push({ lost, end });
    this.#queueEnd = end;
  }

  completed(submission: Submission): Placement {
    this.#missed += this.#dequeue(submission);
    const served = servedFrames(submission);
    if (served === 0) return { firstFrame: this.#next + this.#missed, lost: 0 };
    const lost = this.#missed;
    const firstFrame = this.#next + lost;
    this.#missed = 0;
    this.#next = firstFrame + served;
    return { firstFrame, lost };
  }

  skipped(submission: Submission): Placement {
    this.#missed += this.#dequeue(submission) + servedFrames(submission);
    return { firstFrame: this.#next, lost: 0 };
  }

  /** Takes the oldest submission off the estimated queue; the frames that were missed before it. */
  #dequeue(submission: Submission): number {
    const { timestamp, lengths, cancelled, error } = submission;
    const { lost, end } = this.#queued.shift() ?? { lost: 0, end: timestamp };
    if (!cancelled && error === undefined) this.#judge(timestamp - end);
    else this.#shift((servedFrames(submission) - lengths.length) * this.#frameDuration);
    return lost;
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
    if (this.#queueEnd !== undefined) this.#queueEnd += by;
    for (const queued of this.#queued) queued.end += by;
  }
}

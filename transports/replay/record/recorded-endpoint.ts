import type {
  IsochResults,
  ResultSource,
  StreamPlan,
  StreamSink,
  Submission,
  TransferOutcome,
  TransportEndpoint,
} from "../../../src/index.js";
import { PendingSubmission, type Placement } from "../../../src/submission.js";
import { createTimeline, type Timeline } from "../../../src/timeline.js";
import {
  completionEvent,
  lossCompletion,
  lossSubmission,
  mostLost,
  submissionEvent,
  type EventEndpoint,
} from "./isoch-events.js";
import type { Recorder } from "./recorder.js";

const noData = new Uint8Array(0);

/** An endpoint that tells a recorder what goes over it. */
export class RecordedEndpoint implements TransportEndpoint {
  readonly wait?: (submission: Submission) => void;
  readonly frameNumber?: () => number;
  readonly allocateDma?: NonNullable<TransportEndpoint["allocateDma"]>;
  readonly stream?: NonNullable<TransportEndpoint["stream"]>;
  readonly #inner: TransportEndpoint;
  readonly #recorder: Recorder;
  readonly #at: EventEndpoint;
  /** Microseconds. */
  readonly #frameDuration: number;
  readonly #timeline: Timeline;
  readonly #shadows = new Map<Submission, PendingSubmission>();
  /** The last reading of the clock: what the core takes for the time of its next submission. */
  #time: number;

  /** @param frameDuration microseconds */
  constructor(inner: TransportEndpoint, recorder: Recorder, at: EventEndpoint, frameDuration: number) {
    this.#inner = inner;
    this.#recorder = recorder;
    this.#at = at;
    this.#frameDuration = frameDuration;
    this.#timeline = createTimeline(frameDuration);
    this.#time = inner.now();
    recorder.useClock(() => inner.now());
    if (inner.frameNumber !== undefined) this.frameNumber = inner.frameNumber.bind(inner);
    if (inner.allocateDma !== undefined) this.allocateDma = inner.allocateDma.bind(inner);
    const waitFor = inner.wait?.bind(inner);
    if (waitFor !== undefined) {
      this.wait = (submission) => {
        const shadow = this.#shadows.get(submission);
        if (shadow !== undefined) waitFor(shadow);
      };
    }
    const stream = inner.stream?.bind(inner);
    if (stream !== undefined) this.stream = (plan, sink) => this.#recordStream(stream, plan, sink);
  }

  now(): number {
    return (this.#time = this.#inner.now());
  }

  submit(submission: Submission): void {
    const { lengths, buffer, dma, start } = submission;
    const id = this.#recorder.nextId();
    const shadow = new PendingSubmission({
      lengths,
      buffer,
      dma,
      start,
      completed: () => {
        this.#completed(submission, shadow, id);
      },
    });
    this.#inner.submit(shadow);
    this.#shadows.set(submission, shadow);
    this.#timeline.submitted(lengths.length, this.#time);
    const time = this.#recorder.toWall(this.#time);
    this.#recorder.write(() => submissionEvent(this.#at, { id, time, lengths, start, data: buffer }));
  }

  cancel(submission: Submission): void {
    const shadow = this.#shadows.get(submission);
    if (shadow !== undefined) this.#inner.cancel(shadow);
  }

  #completed(submission: Submission, shadow: PendingSubmission, id: bigint): void {
    this.#shadows.delete(submission);
    const { lengths, buffer, actual, statuses, timestamp } = shadow;
    const { firstFrame } = this.#place(shadow);
    this.#recorder.write(() =>
      completionEvent(this.#at, {
        id,
        time: this.#recorder.toWall(timestamp),
        lengths,
        actual,
        statuses,
        firstFrame,
        outcome: outcomeOf(shadow),
        data: buffer,
        strides: lengths,
      }),
    );
    submission.actual.set(actual);
    submission.statuses.set(statuses);
    submission.nativeStatuses = shadow.nativeStatuses;
    submission.firstFrame = shadow.firstFrame;
    submission.timestamp = timestamp;
    submission.cancelled = shadow.cancelled;
    submission.rejected = shadow.rejected;
    submission.error = shadow.error;
    submission.completed(submission);
  }

  /** What was lost before it is told first; of a transfer that was refused, what passed meanwhile: perhaps none follows. */
  #place(shadow: PendingSubmission): Placement {
    const { rejected: told } = this.#timeline;
    const place = this.#timeline.completed(shadow);
    const lost = (shadow.rejected === undefined ? place.lost : this.#timeline.rejected) - told;
    this.#recordLoss(place.firstFrame, lost, shadow);
    return place;
  }

  /**
   * @param next the frame after the last that was lost
   * @param before the transfer that it was lost before
   */
  #recordLoss(
    next: number,
    count: number,
    before: { readonly timestamp: number; readonly lengths: Uint32Array },
  ): void {
    const time = this.#recorder.toWall(before.timestamp) - before.lengths.length * this.#frameDuration;
    for (let left = count; left > 0; left -= mostLost) {
      const id = this.#recorder.nextId();
      const loss = { id, time, firstFrame: Math.max(0, next - left), count: Math.min(left, mostLost) };
      this.#recorder.write(() => lossSubmission(this.#at, loss));
      this.#recorder.write(() => lossCompletion(this.#at, loss));
    }
  }

  /** What the consumer takes is what is recorded: what the ring had no room for is missing there too. */
  #recordStream(stream: NonNullable<TransportEndpoint["stream"]>, plan: StreamPlan, sink: StreamSink): ResultSource {
    const source = stream(plan, sink);
    return {
      take: () => {
        const results = source.take();
        if (results !== undefined) this.#recordResults(results);
        return results;
      },
      get ended() {
        return source.ended;
      },
      stop: () => {
        source.stop();
      },
    };
  }

  #recordResults(results: IsochResults): void {
    const { requested: lengths, actual, statuses, firstFrame, lost, error: outcome, data, compacted } = results;
    const time = this.#recorder.toWall(results.timestamp);
    const begun = time - lengths.length * this.#frameDuration;
    this.#recordLoss(firstFrame, lost, { timestamp: results.timestamp, lengths });
    if (lengths.length === 0) return;
    const id = this.#recorder.nextId();
    this.#recorder.write(() =>
      submissionEvent(this.#at, { id, time: begun, lengths, start: firstFrame, data: noData }),
    );
    const strides = compacted ? actual : lengths;
    this.#recorder.write(() =>
      completionEvent(this.#at, { id, time, lengths, actual, statuses, firstFrame, outcome, data, strides }),
    );
  }
}

function outcomeOf({ cancelled, rejected, error }: Submission): TransferOutcome {
  if (cancelled) return "cancelled";
  if (rejected !== undefined) return "failed";
  if (error === undefined) return "ok";
  return error.code === "device-gone" ? "device-not-responding" : "failed";
}

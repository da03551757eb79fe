import { asIsochError, type IsochError } from "./errors.js";
import { allocate } from "./request.js";
import { lossAtEnd, type IsochResults } from "./results.js";
import { Ring } from "./ring.js";
import { ringOverflow } from "./stream-options.js";
import { PendingSubmission, resultsOf, submitTo, type Placement } from "./submission.js";
import type { Timeline } from "./timeline.js";
import type { ResultSource, StreamPlan, StreamSink, Submission, TransportEndpoint } from "./transport.js";

/**
 * Streams from an endpoint that has no {@link TransportEndpoint.stream} of its own.
 *
 * `running`: every completion is put into the ring and its submission is renewed. `ending`:
 * nothing is renewed; what is in flight completes, and is counted if nobody will get it. `ended`:
 * nothing is in flight. Neither RxJS nor native code takes part.
 *
 * @internal
 */
export class Pump implements ResultSource {
  readonly #endpoint: TransportEndpoint;
  readonly #plan: StreamPlan;
  readonly #timeline: Timeline;
  readonly #sink: StreamSink;
  readonly #lengths: Uint32Array;
  readonly #inFlight = new Set<Submission>();
  readonly #spare: Uint8Array[] = [];
  readonly #ring: Ring<IsochResults>;
  #state: "running" | "ending" | "ended" = "running";
  #stopped = false;
  #drained = false;
  #error: IsochError | undefined;
  /** Frames dropped at the head of the ring: before the next result that is taken. */
  #lostAtHead = 0;
  /** Frames dropped at the tail of the ring: before the next result that is put there. */
  #lostAtTail = 0;
  /** The frame after the last that was on the bus. */
  #nextFrame = 0;
  #timestamp = 0;

  /**
   * Starts at once.
   *
   * @throws what {@link TransportEndpoint.submit} throws for the first submission
   */
  constructor(endpoint: TransportEndpoint, plan: StreamPlan, timeline: Timeline, sink: StreamSink) {
    this.#endpoint = endpoint;
    this.#plan = plan;
    this.#timeline = timeline;
    this.#sink = sink;
    this.#ring = new Ring(plan.ring);
    this.#lengths = new Uint32Array(plan.frames).fill(plan.frameLength);
    this.#submit(plan.start);
    for (let i = 1; i < plan.queue && this.#state === "running"; i++) this.#renew();
  }

  get ended(): { readonly error: IsochError | undefined } | undefined {
    return this.#state === "ended" && this.#ring.length === 0 && this.#lostAtTail === 0
      ? { error: this.#error }
      : undefined;
  }

  take(): IsochResults | undefined {
    const results = this.#ring.shift();
    if (results === undefined) return this.#state === "ended" ? this.#takeLoss() : undefined;
    if (this.#lostAtHead === 0) return results;
    const lost = results.lost + this.#lostAtHead;
    this.#lostAtHead = 0;
    return results.withLost(lost);
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#end(undefined);
    for (const submission of this.#inFlight) this.#endpoint.cancel(submission);
    this.#settle();
  }

  readonly #completed = (submission: Submission): void => {
    this.#inFlight.delete(submission);
    const placement = this.#timeline.completed(submission);
    if (!this.#stopped) {
      const results = this.#receive(submission, placement);
      if (submission.error !== undefined) this.#end(submission.error);
      this.#put(results);
      if (this.#state === "running") this.#renew();
    }
    this.#settle();
    if (!this.#stopped && this.#isWorthTelling()) this.#sink.ready();
  };

  #isWorthTelling(): boolean {
    return this.#state === "ended" || this.#ring.length >= this.#plan.batch;
  }

  /**
   * Contiguous results: in the buffer of the submission where they fill it well, else in one of
   * their own, and the submission's is used again.
   */
  #receive(submission: Submission, placement: Placement): IsochResults {
    const { buffer } = submission;
    const results = resultsOf(submission, placement, buffer, false);
    if (results.compacted && 2 * results.bytesTransferred >= buffer.length) return results;
    this.#spare.push(buffer);
    return results.copied();
  }

  #put(results: IsochResults): void {
    if (results.served === 0) return;
    this.#nextFrame = results.firstFrame + results.served;
    this.#timestamp = results.timestamp;
    if (this.#ring.isFull) {
      if (this.#plan.overflow !== "drop-oldest") {
        this.#lostAtTail += results.lost + results.served;
        if (this.#plan.overflow === "error" && this.#state === "running") this.#overflow();
        return;
      }
      const oldest = this.#ring.shift();
      if (oldest !== undefined) this.#lostAtHead += oldest.lost + oldest.served;
    }
    this.#ring.push(this.#lostAtTail === 0 ? results : results.withLost(results.lost + this.#lostAtTail));
    this.#lostAtTail = 0;
  }

  #overflow(): void {
    this.#end(ringOverflow(this.#plan.ring));
    for (const submission of this.#inFlight) this.#endpoint.cancel(submission);
  }

  #renew(): void {
    try {
      this.#submit("asap");
    } catch (error) {
      this.#end(asIsochError(error));
    }
  }

  #submit(start: number | "asap"): void {
    const buffer = this.#spare.pop() ?? allocate(this.#plan.frames * this.#plan.frameLength);
    const submission = new PendingSubmission({ lengths: this.#lengths, buffer, start, completed: this.#completed });
    const at = this.#endpoint.now();
    submitTo(this.#endpoint, submission);
    this.#timeline.submitted(this.#plan.frames, at);
    this.#inFlight.add(submission);
  }

  #end(error: IsochError | undefined): void {
    if (this.#state !== "running") return;
    this.#state = "ending";
    this.#error = error;
  }

  /** Takes the steps that wait for the last completion. */
  #settle(): void {
    if (this.#state === "ending" && this.#inFlight.size === 0) {
      this.#state = "ended";
      this.#lostAtTail += this.#timeline.rejected;
      this.#nextFrame += this.#timeline.rejected;
    }
    if (this.#state === "ended" && this.#stopped && !this.#drained) {
      this.#drained = true;
      this.#sink.drained();
    }
  }

  /** The loss at the very end, as a result without frames. */
  #takeLoss(): IsochResults | undefined {
    if (this.#lostAtTail === 0) return undefined;
    const lost = this.#lostAtTail;
    this.#lostAtTail = 0;
    return lossAtEnd(this.#nextFrame, lost, this.#timestamp);
  }
}

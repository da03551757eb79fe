import { asIsochError, type IsochError } from "./errors.js";
import { IsochResults, type TransferOutcome } from "./results.js";
import type { DmaBuffer, Submission, TransportEndpoint } from "./transport.js";

/** What a {@link PendingSubmission} is made of. */
interface SubmissionInit {
  readonly lengths: Uint32Array;
  readonly buffer: Uint8Array;
  readonly start: number | "asap";
  readonly dma?: DmaBuffer | undefined;
  readonly completed: (submission: Submission) => void;
}

/**
 * The core's side of a {@link Submission}: fresh arrays, nothing moved yet.
 * @internal
 */
export class PendingSubmission implements Submission {
  readonly lengths: Uint32Array;
  readonly buffer: Uint8Array;
  readonly start: number | "asap";
  readonly dma: DmaBuffer | undefined;
  readonly completed: (submission: Submission) => void;
  readonly actual: Uint32Array;
  readonly statuses: Uint8Array;
  nativeStatuses: Int32Array | undefined = undefined;
  firstFrame: number | undefined = undefined;
  timestamp = 0;
  cancelled = false;
  rejected: IsochError | undefined = undefined;
  error: IsochError | undefined = undefined;

  constructor(init: SubmissionInit) {
    this.lengths = init.lengths;
    this.buffer = init.buffer;
    this.start = init.start;
    this.dma = init.dma;
    this.completed = init.completed;
    this.actual = new Uint32Array(init.lengths.length);
    this.statuses = new Uint8Array(init.lengths.length);
  }
}

/**
 * Submits, and throws what the transport throws as one of ours.
 * @internal
 */
export function submitTo(endpoint: TransportEndpoint, submission: Submission): void {
  try {
    endpoint.submit(submission);
  } catch (error) {
    throw asIsochError(error);
  }
}

/** Where on the timeline of the pipe a completed submission stands. */
export interface Placement {
  readonly firstFrame: number;
  readonly lost: number;
}

/**
 * The outcome of a completed submission. `data` is its buffer, or what was made of it.
 * @internal
 */
export function resultsOf(
  submission: Submission,
  placement: Placement,
  data: Uint8Array,
  compacted: boolean,
): IsochResults {
  return new IsochResults({
    firstFrame: placement.firstFrame,
    lost: placement.lost,
    requested: submission.lengths,
    actual: submission.actual,
    statuses: submission.statuses,
    nativeStatuses: submission.nativeStatuses,
    data,
    compacted,
    timestamp: submission.timestamp,
    error: outcomeOf(submission),
  });
}

function outcomeOf({ cancelled, rejected, error }: Submission): TransferOutcome | undefined {
  if (cancelled) return "cancelled";
  if (rejected !== undefined) return "failed";
  if (error === undefined) return undefined;
  return error.code === "device-gone" ? "device-not-responding" : "failed";
}

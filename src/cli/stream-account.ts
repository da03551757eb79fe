import { statusCodes, type IsochResults } from "../index.js";
import { count, counted, megabytes } from "./format.js";

/** Frames and bytes of the bus. */
export interface FrameCounts {
  /** Delivered frames, whatever their status. */
  readonly frames: number;
  readonly lost: number;
  /** Delivered frames whose status is not `ok`. */
  readonly failed: number;
  /** Bytes that moved. */
  readonly bytes: number;
}

/** What a transfer adds to the account. */
export function countsOf({ served, lost, statuses, bytesTransferred: bytes }: IsochResults): FrameCounts {
  let failed = 0;
  for (let i = 0; i < served; i++) if (statuses[i] !== statusCodes.ok) failed++;
  return { frames: served, lost, failed, bytes };
}

export const noCounts: FrameCounts = { frames: 0, lost: 0, failed: 0, bytes: 0 };

export function addCounts(one: FrameCounts, other: FrameCounts): FrameCounts {
  return {
    frames: one.frames + other.frames,
    lost: one.lost + other.lost,
    failed: one.failed + other.failed,
    bytes: one.bytes + other.bytes,
  };
}

/** How a stream came to its end. */
export type StreamEnd = "finished" | "interrupted" | "failed";

/** Why a stream failed. */
export interface StreamError {
  readonly code: string;
  readonly message: string;
}

/** What went over the bus: plain data, and a part of the output of `--json`. */
export interface StreamSummary extends FrameCounts {
  readonly device: string;
  /** Milliseconds from the first transfer to the last, as the program saw them. */
  readonly milliseconds: number;
  readonly end: StreamEnd;
  /** Set where the end is `failed`. */
  readonly error?: StreamError;
}

/** Adds up what goes over the bus. */
export class StreamAccount {
  readonly #now: () => number;
  #since: number | undefined;
  #until = 0;
  /** Bytes of the first transfer, which had come before the time begins. */
  #before = 0;
  #counts = noCounts;

  /** @param now milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  get counts(): FrameCounts {
    return this.#counts;
  }

  get milliseconds(): number {
    return this.#since === undefined ? 0 : this.#until - this.#since;
  }

  add(counts: FrameCounts): void {
    this.#until = this.#now();
    if (this.#since === undefined) this.#before = counts.bytes;
    this.#since ??= this.#until;
    this.#counts = addCounts(this.#counts, counts);
  }

  summary(device: string, end: StreamEnd, error: StreamError | undefined): StreamSummary {
    return {
      device,
      ...this.#counts,
      milliseconds: this.milliseconds,
      end: error === undefined ? end : "failed",
      ...(error !== undefined && { error: { code: error.code, message: error.message } }),
    };
  }

  /** "24.58 MB, 8,000 frames, 3 lost, 24.58 MB/s" */
  text(): string {
    const { frames, lost, failed, bytes } = this.#counts;
    const seconds = this.milliseconds / 1000;
    return [
      megabytes(bytes),
      counted(frames, "frame"),
      `${count(lost)} lost`,
      ...(failed > 0 ? [`${count(failed)} failed`] : []),
      ...(seconds > 0.2 ? [`${megabytes((bytes - this.#before) / seconds)}/s`] : []),
    ].join(", ");
  }
}

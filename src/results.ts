import type { Subscriber } from "rxjs";
import { wholeNumber } from "./numbers.js";
import { servedFrames, statusOf, type FrameStatus } from "./status.js";

/** What happened in one frame. */
export interface FrameResult {
  /**
   * The frame, counted in service intervals of the endpoint on the timeline of its pipe. A jump is
   * a visible loss.
   */
  readonly frame: number;
  /** How it went; see {@link FrameStatus}. */
  readonly status: FrameStatus;
  /** Bytes asked for (IN) or to be sent (OUT). */
  readonly requested: number;
  /** Bytes that moved. */
  readonly actual: number;
  /**
   * The bytes that moved: a view, `actual` long, into {@link IsochResults.data}. It is the
   * receiver's for as long as it likes, unless the request brought its own buffer: then the bytes
   * change when that buffer is used again.
   */
  readonly data: Uint8Array;
}

/**
 * How a whole transfer went: `ok`, or `isoch` where at least one frame went wrong, or `cancelled`,
 * `device-not-responding` (the device is gone) or `failed`. Whatever it says, frames can carry data.
 */
export type TransferOutcome = "ok" | "isoch" | "cancelled" | "device-not-responding" | "failed";

/** What an {@link IsochResults} is made of. The arrays become its own: nobody writes to them again. */
export interface IsochResultsInit {
  readonly firstFrame: number;
  /** Default: 0. */
  readonly lost?: number | undefined;
  /** Bytes asked for, per frame. */
  readonly requested: Uint32Array;
  /** Bytes that moved, per frame. */
  readonly actual: Uint32Array;
  /** {@link statusCodes}, per frame. */
  readonly statuses: Uint8Array;
  readonly nativeStatuses?: Int32Array | undefined;
  /** At least as long as its frames take. */
  readonly data: Uint8Array;
  /** Whether `data` is contiguous (each frame at the sum of `actual` before it) or strided (of `requested`). */
  readonly compacted: boolean;
  /** Microseconds, monotonic. */
  readonly timestamp: number;
  /** Default: `isoch` if a status is not `ok`, else `ok`. */
  readonly error?: TransferOutcome | undefined;
}

/**
 * The outcome of one transfer, frame by frame: what the fast path moves.
 *
 * Nothing changes once it is made. Per-frame values stand in typed arrays; iterating makes a
 * {@link FrameResult} of each, on demand.
 *
 * @example
 * ```ts
 * import type { IsochResults } from "rx-isoch";
 *
 * export function countBad(results: IsochResults): number {
 *   let bad = results.lost;
 *   for (const frame of results) if (frame.status !== "ok") bad++;
 *   return bad;
 * }
 * ```
 */
export class IsochResults implements Iterable<FrameResult> {
  /** The frame of index 0; see {@link FrameResult.frame}. */
  readonly firstFrame: number;
  /** Frames in this transfer. 0 in the one case of a loss that no later transfer is there to report. */
  readonly length: number;
  /**
   * Frames directly before `firstFrame` of which nothing was delivered: nothing was queued for
   * them, or they were dropped under the overflow policy. Exact where the bus clock can be read,
   * an estimate where the transport hides it.
   */
  readonly lost: number;
  /** Bytes asked for, per frame. */
  readonly requested: Uint32Array;
  /** Bytes that moved, per frame. */
  readonly actual: Uint32Array;
  /** {@link statusCodes}, per frame. */
  readonly statuses: Uint8Array;
  /** The codes of the layer below, per frame, where it has any. */
  readonly nativeStatuses: Int32Array | undefined;
  /** The bytes of all frames; where each begins, `compacted` tells. */
  readonly data: Uint8Array;
  /**
   * Whether `data` is contiguous (each frame at the sum of `actual` before it) or strided (of
   * `requested`). Where no frame came short but the last, it is contiguous by itself.
   */
  readonly compacted: boolean;
  /** Bytes that moved, of all frames together. */
  readonly bytesTransferred: number;
  /**
   * Frames that had their turn on the bus. The rest, at the end of a transfer that was cut short,
   * read `not-complete`.
   */
  readonly served: number;
  /** How the transfer as a whole went. */
  readonly error: TransferOutcome;
  /** When it completed: microseconds, monotonic, taken where the transport saw it. */
  readonly timestamp: number;
  #offsets: Uint32Array | undefined;

  constructor(init: IsochResultsInit) {
    const { actual, statuses } = init;
    let bytes = 0;
    let flaws = 0;
    let holes = 0;
    let shortfall = 0;
    for (let i = 0; i < actual.length; i++) {
      const moved = actual[i] ?? 0;
      if (moved > 0) holes |= shortfall;
      shortfall |= (init.requested[i] ?? 0) - moved;
      bytes += moved;
      flaws |= statuses[i] ?? 0;
    }
    this.firstFrame = init.firstFrame;
    this.length = actual.length;
    this.lost = init.lost ?? 0;
    this.requested = init.requested;
    this.actual = actual;
    this.statuses = statuses;
    this.nativeStatuses = init.nativeStatuses;
    this.compacted = init.compacted || holes === 0;
    this.data = this.compacted && bytes < init.data.length ? init.data.subarray(0, bytes) : init.data;
    this.bytesTransferred = bytes;
    this.served = servedFrames(init);
    this.error = init.error ?? (flaws === 0 ? "ok" : "isoch");
    this.timestamp = init.timestamp;
  }

  /**
   * The frame at `index`, from 0.
   *
   * @throws {@link InvalidRequestError} `invalid-number` for an index that is not in the transfer.
   */
  frame(index: number): FrameResult {
    wholeNumber("index", index, 0, this.length - 1);
    return this.#frameAt(index, this.#frameOffsets()[index] ?? 0);
  }

  /** Every frame in order, those that read `not-complete` included. */
  *[Symbol.iterator](): IterableIterator<FrameResult> {
    const strides = this.compacted ? this.actual : this.requested;
    for (let i = 0, offset = 0; i < this.length; i++) {
      yield this.#frameAt(i, offset);
      offset += strides[i] ?? 0;
    }
  }

  /**
   * The same with the data contiguous: itself if it is already, else with one copy of the bytes
   * that moved.
   */
  compact(): IsochResults {
    return this.compacted ? this : this.copied();
  }

  /**
   * The same, contiguous, in a buffer of its own of exactly the bytes that moved.
   * @internal
   */
  copied(): IsochResults {
    const strides = this.compacted ? this.actual : this.requested;
    const data = compactCopy(this.data, strides, this.actual, this.bytesTransferred);
    return new IsochResults({ ...this.#init(), data, compacted: true });
  }

  /**
   * The same with another number of lost frames before it.
   * @internal
   */
  withLost(lost: number): IsochResults {
    return new IsochResults({ ...this.#init(), lost });
  }

  /**
   * Sends the frames that had their turn on the bus, and stops as soon as the subscriber has
   * enough. A loss with no frame on one side of it is shown by its frame there, as `lost`.
   *
   * @param isFirst nothing was sent before
   * @internal
   */
  emitTo(subscriber: Pick<Subscriber<FrameResult>, "next" | "closed">, isFirst: boolean): void {
    if (this.lost > 0 && isFirst) subscriber.next(lostFrame(this.firstFrame - this.lost));
    if (this.lost > 0 && this.length === 0 && !(isFirst && this.lost === 1))
      subscriber.next(lostFrame(this.firstFrame - 1));
    const strides = this.compacted ? this.actual : this.requested;
    for (let i = 0, offset = 0; i < this.served && !subscriber.closed; i++) {
      subscriber.next(this.#frameAt(i, offset));
      offset += strides[i] ?? 0;
    }
  }

  #frameAt(index: number, offset: number): FrameResult {
    const actual = this.actual[index] ?? 0;
    return {
      frame: this.firstFrame + index,
      status: statusOf(this.statuses[index] ?? 0),
      requested: this.requested[index] ?? 0,
      actual,
      data: this.data.subarray(offset, offset + actual),
    };
  }

  #init(): IsochResultsInit {
    const { firstFrame, lost, requested, actual, statuses, nativeStatuses, data, compacted, timestamp, error } = this;
    return { firstFrame, lost, requested, actual, statuses, nativeStatuses, data, compacted, timestamp, error };
  }

  #frameOffsets(): Uint32Array {
    if (this.#offsets === undefined) {
      const strides = this.compacted ? this.actual : this.requested;
      const offsets = new Uint32Array(this.length);
      for (let i = 1; i < this.length; i++) offsets[i] = (offsets[i - 1] ?? 0) + (strides[i - 1] ?? 0);
      this.#offsets = offsets;
    }
    return this.#offsets;
  }
}

/**
 * A loss that no later transfer is there to report: results without frames.
 * @param firstFrame the frame after the loss
 * @param timestamp microseconds
 * @internal
 */
export function lossAtEnd(firstFrame: number, lost: number, timestamp: number): IsochResults {
  return new IsochResults({
    firstFrame,
    lost,
    requested: new Uint32Array(0),
    actual: new Uint32Array(0),
    statuses: new Uint8Array(0),
    data: new Uint8Array(0),
    compacted: true,
    timestamp,
  });
}

function lostFrame(frame: number): FrameResult {
  return { frame, status: "lost", requested: 0, actual: 0, data: new Uint8Array(0) };
}

/**
 * Copies the bytes that moved into a buffer of exactly `total` bytes; frames that stand next to
 * each other go in one piece.
 */
function compactCopy(data: Uint8Array, strides: Uint32Array, actual: Uint32Array, total: number): Uint8Array {
  const packed = new Uint8Array(total);
  let from = 0;
  let to = 0;
  let end = 0;
  let next = 0;
  for (let i = 0; i < actual.length; i++) {
    const moved = actual[i] ?? 0;
    if (next !== end && moved > 0) {
      if (end > from) packed.set(data.subarray(from, end), to);
      to += end - from;
      from = end = next;
    }
    if (moved > 0) end = next + moved;
    next += strides[i] ?? 0;
  }
  if (end > from) packed.set(data.subarray(from, end), to);
  return packed;
}

/**
 * The compaction of the seed: moves the bytes to the front of the buffer they are in.
 * @internal
 */
export function compactInPlace(buffer: Uint8Array, requested: Uint32Array, actual: Uint32Array): void {
  let from = 0;
  let to = 0;
  for (let i = 0; i < actual.length; i++) {
    const moved = actual[i] ?? 0;
    if (from !== to && moved > 0) buffer.copyWithin(to, from, from + moved);
    to += moved;
    from += requested[i] ?? 0;
  }
}

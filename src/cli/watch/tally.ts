import type { FrameResult, FrameStatus, IsochResults } from "../../index.js";
import type { Throughput } from "../../../operators/index.js";

/** Sums over every window. */
export interface Totals {
  /** Milliseconds. */
  readonly elapsed: number;
  readonly transfers: number;
  readonly delivered: number;
  readonly lost: number;
  readonly failed: number;
  readonly bytes: number;
  /** Microseconds; the mean over all transfers. */
  readonly jitter: number;
  readonly maxJitter: number;
}

export const noTotals: Totals = {
  elapsed: 0,
  transfers: 0,
  delivered: 0,
  lost: 0,
  failed: 0,
  bytes: 0,
  jitter: 0,
  maxJitter: 0,
};

export function addWindow(totals: Totals, window: Throughput): Totals {
  const transfers = totals.transfers + window.transfers;
  return {
    elapsed: totals.elapsed + window.milliseconds,
    transfers,
    delivered: totals.delivered + window.frames,
    lost: totals.lost + window.lost,
    failed: totals.failed + window.failed,
    bytes: totals.bytes + window.bytes,
    jitter: (totals.jitter * totals.transfers + window.jitter * window.transfers) / Math.max(1, transfers),
    maxJitter: Math.max(totals.maxJitter, window.maxJitter),
  };
}

/** The part of the bus's timeline that a stream covers. */
export interface Span {
  readonly firstFrame: number;
  /** The frame after the last. */
  readonly endFrame: number;
  /** Frames of the first transfer. */
  readonly firstLength: number;
  /** When the first and the last transfer completed, in microseconds. */
  readonly firstTimestamp: number;
  readonly lastTimestamp: number;
}

export function extendSpan(
  span: Span | undefined,
  { firstFrame, served, lost, timestamp }: IsochResults,
): Span | undefined {
  if (served === 0 && lost === 0) return span;
  const endFrame = firstFrame + served;
  return span === undefined
    ? {
        firstFrame: firstFrame - lost,
        endFrame,
        firstLength: served,
        firstTimestamp: timestamp,
        lastTimestamp: timestamp,
      }
    : { ...span, endFrame, lastTimestamp: timestamp };
}

/** How long a span is on the bus, as measured by its completions, in seconds. */
export function secondsOf(span: Span | undefined, frameDuration: number): number {
  if (span === undefined) return 0;
  return (span.lastTimestamp - span.firstTimestamp + span.firstLength * frameDuration) / 1e6;
}

/** Frames in a row that went wrong in the same way. */
export interface Incident {
  readonly status: FrameStatus;
  readonly frame: number;
  readonly frames: number;
}

/** What went wrong, frame by frame. */
export interface Troubles {
  readonly incidents: number;
  readonly last: Incident | undefined;
  /** Frames by what was wrong with them, lost ones included. */
  readonly statuses: Readonly<Partial<Record<FrameStatus, number>>>;
  /** Frames that went well with fewer bytes than were asked for. */
  readonly short: number;
}

export const noTroubles: Troubles = { incidents: 0, last: undefined, statuses: {}, short: 0 };

export function addFrame(troubles: Troubles, { frame, status, actual, requested }: FrameResult): Troubles {
  if (status === "ok") return actual === requested ? troubles : { ...troubles, short: troubles.short + 1 };
  const { last } = troubles;
  const goesOn = last?.status === status && last.frame + last.frames === frame;
  return {
    ...troubles,
    incidents: troubles.incidents + (goesOn ? 0 : 1),
    last: goesOn ? { ...last, frames: last.frames + 1 } : { status, frame, frames: 1 },
    statuses: { ...troubles.statuses, [status]: (troubles.statuses[status] ?? 0) + 1 },
  };
}

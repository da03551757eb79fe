import type { VideoStatistics } from "./video-frame.js";

/** Statistics that count. */
export type Counters = { -readonly [Name in keyof VideoStatistics]: VideoStatistics[Name] };

export function newCounters(): Counters {
  return {
    complete: 0,
    incomplete: 0,
    dropped: 0,
    partial: 0,
    repeated: 0,
    packets: 0,
    emptyPackets: 0,
    emptyPayloads: 0,
    failedPackets: 0,
    badHeaders: 0,
    lostFrames: 0,
    shortHeaders: 0,
    deviceErrors: 0,
    missingEnds: 0,
    missingToggles: 0,
    oversize: 0,
    truncated: 0,
    garbage: 0,
    bytes: 0,
    discardedBytes: 0,
  };
}

/**
 * What happened in one frame, in words.
 *
 * | status | meaning | the bytes |
 * |---|---|---|
 * | `ok` | the packet moved, full or short | good |
 * | `crc` | checksum or bit-stuffing fault seen as a corrupt packet | what arrived |
 * | `bit-stuffing` | bit-stuffing or protocol error | what arrived |
 * | `data-toggle-mismatch` | packets of one frame came in the wrong order | what arrived |
 * | `stall` | the endpoint answered STALL | none |
 * | `device-not-responding` | the device did not answer, or is gone | none |
 * | `pid-check-failure`, `unexpected-pid` | the packet identifier was damaged or out of place | none |
 * | `data-overrun` | the device sent more than was asked (babble) | as much as was asked |
 * | `data-underrun` | less came than the device had announced | what arrived |
 * | `buffer-overrun`, `buffer-underrun` | the host controller could not reach memory in time | what arrived |
 * | `not-accessed` | the host controller skipped the frame | none |
 * | `failed` | failed, and the transport does not say how | what arrived |
 * | `cancelled` | cut off by a cancellation while it was on the bus | what arrived |
 * | `not-complete` | cancelled, or the device left, before its turn on the bus came | none |
 * | `lost` | on the bus, but not delivered: nothing was queued for it, or the consumer was too slow | none |
 *
 * Source: USB 2.0 specification, chapters 5.6.5 and 8.7; the names follow the error codes of the
 * Windows CE interface.
 */
export type FrameStatus =
  | "ok"
  | "crc"
  | "bit-stuffing"
  | "data-toggle-mismatch"
  | "stall"
  | "device-not-responding"
  | "pid-check-failure"
  | "unexpected-pid"
  | "data-overrun"
  | "data-underrun"
  | "buffer-overrun"
  | "buffer-underrun"
  | "not-accessed"
  | "failed"
  | "cancelled"
  | "not-complete"
  | "lost";

/**
 * Every status, at the index that stands for it in {@link IsochResults.statuses}.
 *
 * Index 0 is `ok`, so a fresh `Uint8Array` reads as all good.
 */
export const frameStatuses = [
  "ok",
  "crc",
  "bit-stuffing",
  "data-toggle-mismatch",
  "stall",
  "device-not-responding",
  "pid-check-failure",
  "unexpected-pid",
  "data-overrun",
  "data-underrun",
  "buffer-overrun",
  "buffer-underrun",
  "not-accessed",
  "failed",
  "cancelled",
  "not-complete",
  "lost",
] as const satisfies readonly FrameStatus[];

/** The number that stands for each status in {@link IsochResults.statuses}. */
export const statusCodes: Readonly<Record<FrameStatus, number>> = Object.freeze(
  Object.fromEntries(frameStatuses.map((status, code) => [status, code])) as Record<FrameStatus, number>,
);

/** The status that `code` stands for; `failed` for a number that stands for none. */
export function statusOf(code: number): FrameStatus {
  return frameStatuses[code] ?? "failed";
}

const notComplete = statusCodes["not-complete"];

/**
 * Frames that had their turn on the bus: all but the `not-complete` ones at the end.
 * @internal
 */
export function servedFrames({ statuses }: { readonly statuses: Uint8Array }): number {
  let served = statuses.length;
  while (served > 0 && statuses[served - 1] === notComplete) served--;
  return served;
}

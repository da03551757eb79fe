import type { FrameStatus } from "./status.js";

/**
 * The numbers of Linux that stand in status fields, negative (asm-generic/errno-base.h, asm-generic/errno.h).
 */
export const errno = {
  ENOENT: -2,
  EIO: -5,
  ENOMEM: -12,
  EXDEV: -18,
  ENODEV: -19,
  EINVAL: -22,
  EFBIG: -27,
  ENOSPC: -28,
  EPIPE: -32,
  ETIME: -62,
  ENOSR: -63,
  ECOMM: -70,
  EPROTO: -71,
  EOVERFLOW: -75,
  EILSEQ: -84,
  EMSGSIZE: -90,
  ECONNRESET: -104,
  ESHUTDOWN: -108,
  ETIMEDOUT: -110,
  EINPROGRESS: -115,
  EREMOTEIO: -121,
} as const;

const errnos: Readonly<Record<FrameStatus, number>> = {
  ok: 0,
  crc: errno.EILSEQ,
  "bit-stuffing": errno.EPROTO,
  "data-toggle-mismatch": errno.EPROTO,
  stall: errno.EPIPE,
  "device-not-responding": errno.ETIME,
  "pid-check-failure": errno.EPROTO,
  "unexpected-pid": errno.EPROTO,
  "data-overrun": errno.EOVERFLOW,
  "data-underrun": errno.EREMOTEIO,
  "buffer-overrun": errno.ECOMM,
  "buffer-underrun": errno.ENOSR,
  "not-accessed": errno.EXDEV,
  failed: errno.EIO,
  cancelled: errno.ECONNRESET,
  "not-complete": errno.EXDEV,
  lost: errno.EXDEV,
};

const statuses: ReadonlyMap<number, FrameStatus> = new Map<number, FrameStatus>([
  [0, "ok"],
  [errno.EILSEQ, "crc"],
  [errno.EPROTO, "bit-stuffing"],
  [errno.EPIPE, "stall"],
  [errno.ETIME, "device-not-responding"],
  [errno.ETIMEDOUT, "device-not-responding"],
  [errno.ENODEV, "device-not-responding"],
  [errno.ESHUTDOWN, "device-not-responding"],
  [errno.EOVERFLOW, "data-overrun"],
  [errno.EREMOTEIO, "data-underrun"],
  [errno.ECOMM, "buffer-overrun"],
  [errno.ENOSR, "buffer-underrun"],
  [errno.EXDEV, "not-accessed"],
  [errno.ENOENT, "cancelled"],
  [errno.ECONNRESET, "cancelled"],
]);

/**
 * The negative errno that says a status on the wire. Where Linux has one word for several of ours, that one.
 */
export function errnoOfStatus(status: FrameStatus): number {
  return errnos[status];
}

/**
 * The status that a negative errno says; `failed` for one that says nothing of its own. Whoever
 * calls keeps the number beside it, in `nativeStatuses`.
 *
 * EXDEV reads `not-accessed`: the wire does not tell that from a packet whose turn had not come.
 */
export function statusOfErrno(code: number): FrameStatus {
  return statuses.get(code) ?? "failed";
}

import type { TransferOutcome } from "../results.js";
import { frameStatuses, type FrameStatus } from "../status.js";

/** Nothing went wrong, or the transfer is still pending. */
export const USB_NO_ERROR = 0x0;
/** A checksum did not match. */
export const USB_CRC_ERROR = 0x1;
/** A bit-stuffing or protocol error. */
export const USB_BIT_STUFFING_ERROR = 0x2;
/** Packets came in the wrong order. */
export const USB_DATA_TOGGLE_MISMATCH_ERROR = 0x3;
/** The endpoint answered STALL. */
export const USB_STALL_ERROR = 0x4;
/** The device did not answer, or is gone. */
export const USB_DEVICE_NOT_RESPONDING_ERROR = 0x5;
/** The packet identifier was damaged. */
export const USB_PID_CHECK_FAILURE_ERROR = 0x6;
/** The packet identifier was out of place. */
export const USB_UNEXPECTED_PID_ERROR = 0x7;
/** The device sent more than was asked. */
export const USB_DATA_OVERRUN_ERROR = 0x8;
/** Less came than the device had announced. */
export const USB_DATA_UNDERRUN_ERROR = 0x9;
/** The host controller could not write to memory in time. */
export const USB_BUFFER_OVERRUN_ERROR = 0xc;
/** The host controller could not read from memory in time. */
export const USB_BUFFER_UNDERRUN_ERROR = 0xd;
/** The host controller skipped the frame. */
export const USB_NOT_ACCESSED_ERROR = 0xe;
/**
 * Of a transfer: at least one frame went wrong, see {@link GetIsochResults}; or the transport failed
 * and does not say how. Of a frame: it failed, and the transport does not say how.
 */
export const USB_ISOCH_ERROR = 0x100;
/** The transfer was aborted; frames that had finished keep their results. */
export const USB_CANCELED_ERROR = 0x101;
/** The transfer was cut short before the turn of this frame came. */
export const USB_NOT_COMPLETE_ERROR = 0x103;
/** The client's buffer could not be reached. Nothing here reports it: a bad buffer is refused when it is issued. */
export const USB_CLIENT_BUFFER_ERROR = 0x104;

const frameErrors: Readonly<Record<FrameStatus, number>> = {
  ok: USB_NO_ERROR,
  crc: USB_CRC_ERROR,
  "bit-stuffing": USB_BIT_STUFFING_ERROR,
  "data-toggle-mismatch": USB_DATA_TOGGLE_MISMATCH_ERROR,
  stall: USB_STALL_ERROR,
  "device-not-responding": USB_DEVICE_NOT_RESPONDING_ERROR,
  "pid-check-failure": USB_PID_CHECK_FAILURE_ERROR,
  "unexpected-pid": USB_UNEXPECTED_PID_ERROR,
  "data-overrun": USB_DATA_OVERRUN_ERROR,
  "data-underrun": USB_DATA_UNDERRUN_ERROR,
  "buffer-overrun": USB_BUFFER_OVERRUN_ERROR,
  "buffer-underrun": USB_BUFFER_UNDERRUN_ERROR,
  "not-accessed": USB_NOT_ACCESSED_ERROR,
  failed: USB_ISOCH_ERROR,
  cancelled: USB_CANCELED_ERROR,
  "not-complete": USB_NOT_COMPLETE_ERROR,
  // No frame of a transfer has it; it stands for a frame for which nothing was queued.
  lost: USB_NOT_ACCESSED_ERROR,
};

const outcomeErrors: Readonly<Record<TransferOutcome, number>> = {
  ok: USB_NO_ERROR,
  isoch: USB_ISOCH_ERROR,
  cancelled: USB_CANCELED_ERROR,
  "device-not-responding": USB_DEVICE_NOT_RESPONDING_ERROR,
  failed: USB_ISOCH_ERROR,
};

const errorsByCode: readonly number[] = frameStatuses.map((status) => frameErrors[status]);

/** The USB error of a frame, by its number in `statusCodes`. */
export function frameError(statusCode: number): number {
  return errorsByCode[statusCode] ?? USB_ISOCH_ERROR;
}

/** The USB error of a whole transfer. */
export function transferError(outcome: TransferOutcome): number {
  return outcomeErrors[outcome];
}

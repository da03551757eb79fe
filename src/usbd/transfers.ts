import type { IsochResults } from "../results.js";
import { checkBlocking, dword, dwordsOut, flags } from "./arguments.js";
import { closeTransfers } from "./closing.js";
import { USB_NO_WAIT } from "./flags.js";
import { transferHandles, type USB_TRANSFER } from "./handles.js";
import { attempt } from "./last-error.js";
import { frameError, transferError } from "./usb-errors.js";

/**
 * Whether a transfer has run through, or was aborted. Never blocks, and does not let the event loop
 * turn: a loop around it must.
 *
 * @returns `false` while it is pending; and, with `ERROR_INVALID_HANDLE`, for a bad handle
 */
export function IsTransferComplete(hTransfer: USB_TRANSFER | null): boolean {
  return attempt(false, () => transferHandles.get(hTransfer).transfer.isComplete);
}

/**
 * How a transfer went. While it is pending: 0 bytes and {@link USB_NO_ERROR}, so ask
 * {@link IsTransferComplete} first. A transfer with an error can carry data all the same.
 *
 * @param lpdwBytesTransferred receives the bytes that moved in all frames together
 * @param lpdwError receives {@link USB_NO_ERROR}; {@link USB_ISOCH_ERROR} if a frame went wrong;
 * {@link USB_CANCELED_ERROR}; {@link USB_DEVICE_NOT_RESPONDING_ERROR} if the device is gone
 * @returns `false`, with nothing written, with `ERROR_INVALID_HANDLE`; `ERROR_INVALID_PARAMETER` for an
 * array that is none
 */
export function GetTransferStatus(
  hTransfer: USB_TRANSFER | null,
  lpdwBytesTransferred: Uint32Array,
  lpdwError: Uint32Array,
): boolean {
  return attempt(false, () => {
    const { transfer } = transferHandles.get(hTransfer);
    const bytes = dwordsOut("lpdwBytesTransferred", lpdwBytesTransferred);
    const outcome = dwordsOut("lpdwError", lpdwError);
    const status = transfer.status();
    bytes[0] = status.bytesTransferred;
    outcome[0] = transferError(status.error);
    return true;
  });
}

/**
 * What happened in each frame of a complete transfer. Repeatable until {@link CloseTransfer}.
 *
 * The first `cFrames` elements of both arrays are set to zero; then, if the transfer is complete, those
 * of its frames are filled in.
 *
 * @param cFrames room in the arrays
 * @param lpdwBytesTransferred receives the bytes that moved in each frame; may be `null`
 * @param lpdwErrors receives the USB error of each frame; may be `null`
 * @returns `false` with `ERROR_INVALID_HANDLE`; `ERROR_INVALID_PARAMETER` for an array with less room
 * than `cFrames`; `ERROR_IO_INCOMPLETE` while the transfer is pending
 *
 * @example
 * ```ts
 * import { GetIsochResults, USB_NO_ERROR, type USB_TRANSFER } from "rx-isoch/usbd";
 *
 * export function countBad(hTransfer: USB_TRANSFER, frames: number): number {
 *   const errors = new Uint32Array(frames);
 *   GetIsochResults(hTransfer, frames, null, errors);
 *   return errors.filter((error) => error !== USB_NO_ERROR).length;
 * }
 * ```
 *
 * @see {@link isochResultsOf}
 */
export function GetIsochResults(
  hTransfer: USB_TRANSFER | null,
  cFrames: number,
  lpdwBytesTransferred: Uint32Array | null,
  lpdwErrors: Uint32Array | null,
): boolean {
  return attempt(false, () => {
    const { transfer } = transferHandles.get(hTransfer);
    const room = dword("cFrames", cFrames);
    const bytes = lpdwBytesTransferred === null ? null : dwordsOut("lpdwBytesTransferred", lpdwBytesTransferred, room);
    const errors = lpdwErrors === null ? null : dwordsOut("lpdwErrors", lpdwErrors, room);
    bytes?.fill(0, 0, room);
    errors?.fill(0, 0, room);
    const { actual, statuses } = transfer.results();
    const frames = Math.min(room, actual.length);
    bytes?.set(actual.subarray(0, frames));
    if (errors) for (let i = 0; i < frames; i++) errors[i] = frameError(statuses[i] ?? 0);
    return true;
  });
}

/**
 * The whole outcome of a complete transfer, with what the calls of Windows CE have no room for: the
 * frame it began on, the frames lost before it, when it completed, and the codes of the layer below.
 * It stays valid after {@link CloseTransfer}. Ours, not Windows CE's.
 *
 * @returns `null` with `ERROR_INVALID_HANDLE`; `ERROR_IO_INCOMPLETE` while the transfer is pending
 */
export function isochResultsOf(hTransfer: USB_TRANSFER | null): IsochResults | null {
  return attempt(null, () => transferHandles.get(hTransfer).transfer.results());
}

/**
 * Aborts a transfer: frames that had finished keep their results, the others read
 * {@link USB_NOT_COMPLETE_ERROR}. The callback runs, and the handle must still be closed. Does nothing
 * to a transfer that is complete. Where the transport cannot cancel, the transfer runs to its end.
 *
 * @param dwFlags 0 blocks until the transfer is complete, and its callback has run;
 * {@link USB_NO_WAIT} returns at once
 * @returns `false`, with nothing aborted, with `ERROR_INVALID_HANDLE`; `ERROR_INVALID_PARAMETER`;
 * `ERROR_NOT_SUPPORTED` where the transport cannot block
 */
export function AbortTransfer(hTransfer: USB_TRANSFER | null, dwFlags: number): boolean {
  return attempt(false, () => {
    const { pipe, transfer } = transferHandles.get(hTransfer);
    const waits = (flags(dwFlags, USB_NO_WAIT) & USB_NO_WAIT) === 0;
    if (transfer.isComplete) return true;
    if (waits) checkBlocking(pipe.session, "AbortTransfer without USB_NO_WAIT", "pass USB_NO_WAIT");
    transfer.abort();
    if (waits) transfer.wait();
    return true;
  });
}

/**
 * Ends the handle of a transfer, whose results do not survive it. A transfer in flight is aborted
 * first; its callback does not run any more.
 *
 * The buffer of a transfer that was complete is the caller's already. Of one in flight it is when this
 * returns, if the transport can block; elsewhere a moment later, so do not use it again.
 *
 * @returns `false` with `ERROR_INVALID_HANDLE` for a bad handle, a second close among them
 */
export function CloseTransfer(hTransfer: USB_TRANSFER | null): boolean {
  return attempt(false, () => {
    closeTransfers([transferHandles.get(hTransfer)]);
    return true;
  });
}

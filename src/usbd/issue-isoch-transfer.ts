import { InvalidRequestError, TransferStateError } from "../errors.js";
import { checkDirection, maxFramesPerRequest } from "../request.js";
import type { PipeSession } from "../session.js";
import type { IsochTransfer } from "../transfer.js";
import { checkBlocking, dword, flags } from "./arguments.js";
import { closeTransfers } from "./closing.js";
import {
  USB_COMPRESS_ISOCH,
  USB_DONT_BLOCK_FOR_MEM,
  USB_IN_TRANSFER,
  USB_NO_WAIT,
  USB_SHORT_TRANSFER_OK,
  USB_START_ISOCH_ASAP,
} from "./flags.js";
import { transferHandles, usablePipe, type TransferState, type USB_PIPE, type USB_TRANSFER } from "./handles.js";
import { attempt } from "./last-error.js";
import { physicalMemory } from "./physical.js";

/**
 * A completion callback. It is called once, with the `lpvNotifyParameter` of its transfer, after the
 * transfer completed or was aborted, never before {@link IssueIsochTransfer} returned, and never after
 * {@link CloseTransfer} or {@link ClosePipe} was called for it. What it returns is ignored; what it
 * throws is reported as an unhandled error and disturbs nothing else.
 */
export type LPTRANSFER_NOTIFY_ROUTINE<T> = (lpvNotifyParameter: T) => unknown;

const knownFlags =
  USB_IN_TRANSFER |
  USB_NO_WAIT |
  USB_SHORT_TRANSFER_OK |
  USB_START_ISOCH_ASAP |
  USB_COMPRESS_ISOCH |
  USB_DONT_BLOCK_FOR_MEM;

/**
 * Issues an isochronous transfer: one packet in each of `dwFrames` frames.
 *
 * | lpStartAddress | dwFlags has USB_NO_WAIT | behaviour |
 * |---|---|---|
 * | `null` | no | synchronous: blocks the program until the transfer is complete |
 * | `null` | yes | asynchronous: ask {@link IsTransferComplete}, letting the event loop turn between |
 * | a function | no | asynchronous: it is called |
 * | a function | yes | asynchronous: it is called |
 *
 * The handle lasts until {@link CloseTransfer}, which every transfer needs. A transfer can be aborted
 * and closed at any time, before its callback too.
 *
 * @param hPipe an open pipe
 * @param lpStartAddress called on completion, or `null`
 * @param lpvNotifyParameter handed to `lpStartAddress`
 * @param dwFlags {@link USB_IN_TRANSFER} on an IN pipe, and only there; with it
 * {@link USB_START_ISOCH_ASAP}, {@link USB_COMPRESS_ISOCH}, {@link USB_NO_WAIT}
 * @param dwStartingFrame the frame to start on, in the frames of {@link GetFrameNumber}, which wrap at
 * 32 bits; ignored with {@link USB_START_ISOCH_ASAP}
 * @param dwFrames number of frames, from 1
 * @param lpdwLengths bytes in each frame, from 1 to the endpoint's maximum, also OUT; the first `dwFrames` are
 * read, before this returns
 * @param lpvBuffer the bytes to send, or room for the bytes to come: frame by frame, each at the sum of
 * the lengths before it, and exactly as long as all of them. It is the transfer's until completion
 * @param uBufferPhysicalAddress 0; or, for memory from {@link allocatePhysical}, its `address`, plus the
 * offset of `lpvBuffer` in it
 * @returns `null`, with nothing in flight, with `ERROR_INVALID_HANDLE`; `ERROR_INVALID_PARAMETER`;
 * `ERROR_NOT_SUPPORTED` (synchronous, or a starting frame, on a transport that has not that);
 * `ERROR_DEVICE_NOT_CONNECTED`; `ERROR_NOT_ENOUGH_MEMORY`; `ERROR_GEN_FAILURE`
 *
 * @example
 * ```ts
 * import * as usbd from "rx-isoch/usbd";
 *
 * export function receive(hPipe: usbd.USB_PIPE, lengths: Uint32Array, buffer: Uint8Array): number | null {
 *   const flags = usbd.USB_IN_TRANSFER | usbd.USB_START_ISOCH_ASAP | usbd.USB_COMPRESS_ISOCH;
 *   const transfer = usbd.IssueIsochTransfer(hPipe, null, null, flags, 0, lengths.length, lengths, buffer, 0);
 *   if (transfer === null) return null;
 *   const bytes = new Uint32Array(1);
 *   const error = new Uint32Array(1);
 *   usbd.GetTransferStatus(transfer, bytes, error);
 *   usbd.CloseTransfer(transfer);
 *   return bytes[0] ?? 0;
 * }
 * ```
 *
 * @see {@link AbortTransfer}, {@link CloseTransfer}, {@link GetIsochResults}, {@link GetTransferStatus},
 * {@link IsTransferComplete}
 */
export function IssueIsochTransfer<T>(
  hPipe: USB_PIPE | null,
  lpStartAddress: LPTRANSFER_NOTIFY_ROUTINE<T> | null,
  lpvNotifyParameter: T,
  dwFlags: number,
  dwStartingFrame: number,
  dwFrames: number,
  lpdwLengths: ArrayLike<number>,
  lpvBuffer: Uint8Array,
  uBufferPhysicalAddress: number,
): USB_TRANSFER | null {
  return attempt(null, () => {
    const pipe = usablePipe(hPipe);
    const { session, owner } = pipe;
    const has = (flag: number) => (flags(dwFlags, knownFlags) & flag) !== 0;
    const isIn = has(USB_IN_TRANSFER);
    checkDirection(session.endpoint, isIn ? "in" : "out", `a transfer ${isIn ? "with" : "without"} USB_IN_TRANSFER`);
    checkCallback(lpStartAddress);
    const isSynchronous = lpStartAddress === null && !has(USB_NO_WAIT);
    if (isSynchronous) checkBlocking(session, "a transfer without callback and USB_NO_WAIT", "give it one of the two");
    if (!(lpvBuffer instanceof Uint8Array)) {
      throw new InvalidRequestError("invalid-option", "lpvBuffer must be a Uint8Array (a Buffer is one)");
    }
    const dma = physicalMemory(owner, lpvBuffer, uBufferPhysicalAddress);
    const transfer = session.issue({
      lengths: firstLengths(lpdwLengths, dwFrames),
      start: has(USB_START_ISOCH_ASAP) ? "asap" : frameMeant(session, dwStartingFrame),
      buffer: lpvBuffer,
      compact: has(USB_COMPRESS_ISOCH),
      dma,
    });
    if (dma !== undefined) occupy(owner.memory.get(dma), transfer);
    const state: TransferState = {
      pipe,
      handle: transferHandles.create(),
      transfer,
      notification:
        lpStartAddress === null
          ? undefined
          : transfer.completion.subscribe({
              next: () => {
                lpStartAddress(lpvNotifyParameter);
              },
              error: doesNotHappen,
            }),
    };
    pipe.transfers.add(state);
    transferHandles.open(state.handle, state);
    if (isSynchronous) waitFor(state);
    return state.handle;
  });
}

function checkCallback(lpStartAddress: unknown): void {
  if (lpStartAddress === null || typeof lpStartAddress === "function") return;
  throw new InvalidRequestError(
    "invalid-option",
    `lpStartAddress must be a function or null, not ${typeof lpStartAddress}`,
  );
}

function firstLengths(lpdwLengths: ArrayLike<number>, dwFrames: number): ArrayLike<number> {
  const frames = dword("dwFrames", dwFrames);
  if (!isArrayLike(lpdwLengths)) {
    throw new InvalidRequestError("invalid-option", "lpdwLengths must be a Uint32Array, or another array of numbers");
  }
  if (lpdwLengths.length < frames) {
    throw new InvalidRequestError(
      "length-mismatch",
      `dwFrames is ${frames}, but lpdwLengths has ${lpdwLengths.length} lengths`,
    );
  }
  const lengths: ArrayLike<number> =
    lpdwLengths.length === frames ? lpdwLengths : Array.prototype.slice.call(lpdwLengths, 0, frames);
  // More are refused without being looked at.
  const empty = frames > maxFramesPerRequest ? -1 : Array.prototype.indexOf.call(lengths, 0);
  if (empty >= 0) {
    throw new InvalidRequestError(
      "length-out-of-range",
      `lpdwLengths[${empty}] is 0: Windows CE refuses that in either direction; \`issue\` sends empty packets`,
    );
  }
  return lengths;
}

function isArrayLike(value: unknown): boolean {
  return typeof value === "object" && value !== null && "length" in value && typeof value.length === "number";
}

/**
 * The frame that 32 bits of it stand for. They wrap after days on the bus, and so do sums of what
 * GetFrameNumber gave: of the frames that end in these bits, the one nearest to the bus is meant.
 */
function frameMeant(session: PipeSession, dwStartingFrame: number): number {
  const frame = dword("dwStartingFrame", dwStartingFrame);
  if (!session.capabilities.frameNumber) return frame;
  const now = session.frameNumber();
  const nearest = now + ((frame - now) | 0);
  return nearest < 0 ? frame : nearest;
}

function doesNotHappen(): void {
  // What becomes of a transfer is in its results.
}

/** Notes that a transfer has physical memory in flight, until it does not. */
function occupy(users: Set<IsochTransfer> | undefined, transfer: IsochTransfer): void {
  const leave = () => users?.delete(transfer);
  users?.add(transfer);
  transfer.completion.subscribe({ next: leave, error: doesNotHappen });
  transfer.released.subscribe({ error: doesNotHappen, complete: leave });
}

function waitFor(state: TransferState): void {
  const { transfer } = state;
  try {
    transfer.wait();
  } catch (error) {
    closeTransfers([state]);
    throw error;
  }
  if (transfer.isClosed) {
    throw new TransferStateError("pipe-closed", "a callback closed the pipe while the transfer was waited for");
  }
}

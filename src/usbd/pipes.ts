import type { ControlSetup } from "../transport.js";
import { checkBlocking, dwordsOut, flags } from "./arguments.js";
import { closeTransfers } from "./closing.js";
import { USB_NO_WAIT } from "./flags.js";
import { pipeHandles, usablePipe, type USB_PIPE } from "./handles.js";
import { attempt } from "./last-error.js";
import { immediately } from "./open-pipe.js";

/**
 * Aborts and closes every transfer of a pipe, then closes the pipe: the interface is released.
 *
 * No callback comes after it returned, and none for a transfer that it aborts. Where the transport
 * can block, the buffers of those transfers are the caller's again when it returns; elsewhere they
 * are a moment later, and so is the release.
 *
 * @returns `false` with `ERROR_INVALID_HANDLE` for a pipe that is not open; or with the reason if the
 * interface could not be released: the pipe is closed nevertheless
 */
export function ClosePipe(hPipe: USB_PIPE | null): boolean {
  return attempt(false, () => {
    const pipe = pipeHandles.take(hPipe);
    pipe.owner.pipes.delete(pipe);
    closeTransfers([...pipe.transfers]);
    const failures: unknown[] = [];
    pipe.session.close().subscribe({ error: (failure: unknown) => failures.push(failure) });
    if (failures.length > 0) throw failures[0];
    return true;
  });
}

/**
 * Aborts every transfer of a pipe, as {@link AbortTransfer} does each: the callbacks run, and the
 * handles must still be closed.
 *
 * @param dwFlags 0 blocks until all are complete, and {@link USB_NO_WAIT} returns at once
 * @returns `false`, with nothing aborted, with `ERROR_INVALID_HANDLE`; `ERROR_INVALID_PARAMETER`;
 * `ERROR_NOT_SUPPORTED` where the transport cannot block and something is in flight
 */
export function AbortPipeTransfers(hPipe: USB_PIPE | null, dwFlags: number): boolean {
  return attempt(false, () => {
    const { session, transfers } = pipeHandles.get(hPipe);
    const waits = (flags(dwFlags, USB_NO_WAIT) & USB_NO_WAIT) === 0;
    const inFlight = [...transfers].map(({ transfer }) => transfer).filter(({ isComplete }) => !isComplete);
    if (waits && inFlight.length > 0)
      checkBlocking(session, "AbortPipeTransfers without USB_NO_WAIT", "pass USB_NO_WAIT");
    for (const transfer of inFlight) transfer.abort();
    // A callback can close what is waited for next.
    if (waits) for (const transfer of inFlight) if (!transfer.isClosed) transfer.wait();
    return true;
  });
}

/**
 * Ends the halt of the endpoint of a pipe. Transfers in flight are left alone.
 *
 * @returns `false` with `ERROR_INVALID_HANDLE`; `ERROR_DEVICE_NOT_CONNECTED`; `ERROR_GEN_FAILURE`; and
 * `ERROR_NOT_SUPPORTED` where the transport does not answer at once: the halt may have ended
 * nevertheless, and `UsbDevice.clearHalt` tells when
 */
export function ResetPipe(hPipe: USB_PIPE | null): boolean {
  return attempt(false, () => {
    const { owner, session } = usablePipe(hPipe);
    immediately(owner.device.clearHalt(session.endpoint.address), "UsbDevice.clearHalt");
    return true;
  });
}

/**
 * Asks the device whether the endpoint of a pipe is halted.
 *
 * @param lpbHalted receives 1 or 0 in its first element
 * @returns `false`, with nothing written, with `ERROR_INVALID_HANDLE`; `ERROR_INVALID_PARAMETER`;
 * `ERROR_DEVICE_NOT_CONNECTED`; `ERROR_GEN_FAILURE`; and `ERROR_NOT_SUPPORTED` where the transport does
 * not answer at once: `UsbDevice.controlTransfer` does later
 */
export function IsPipeHalted(hPipe: USB_PIPE | null, lpbHalted: Uint32Array): boolean {
  return attempt(false, () => {
    const { owner, session } = usablePipe(hPipe);
    const halted = dwordsOut("lpbHalted", lpbHalted);
    const [status] = immediately(
      owner.device.controlTransfer({ ...getEndpointStatus, index: session.endpoint.address }, 2),
      "UsbDevice.controlTransfer",
    );
    halted[0] = (status?.[0] ?? 0) & 1;
    return true;
  });
}

/** GET_STATUS (USB 2.0, 9.4.5), where bit 0 says that the endpoint is halted. */
const getEndpointStatus: Omit<ControlSetup, "index"> = {
  direction: "in",
  type: "standard",
  recipient: "endpoint",
  request: 0,
  value: 0,
};

import { InvalidRequestError, UnsupportedError } from "../errors.js";
import type { PipeSession } from "../session.js";
import { dwordsOut } from "./arguments.js";
import { deviceHandles, pipeHandles, usablePipe, type USB_HANDLE, type USB_PIPE } from "./handles.js";
import { attempt } from "./last-error.js";

/** Bit times of full speed in a microsecond: what Windows CE measures frames in. */
const bitTimes = 12;

/**
 * The frame that is on the bus now, in the frames that the dwStartingFrame of
 * {@link IssueIsochTransfer} means: service intervals of the pipe, 1 ms at full speed with bInterval 1.
 *
 * Windows CE takes the device. That does here too while the pipes that are open on it have frames of
 * one length; a pipe can be passed at any time.
 *
 * @param lpdwFrameNumber receives the frame number, which wraps at 32 bits
 * @returns `false`, with nothing written, with `ERROR_INVALID_HANDLE`; `ERROR_INVALID_PARAMETER` for an
 * array that is none, or where pipes of the device have frames of different lengths;
 * `ERROR_NOT_SUPPORTED` where the transport hides the bus clock, and for a device without an open pipe
 *
 * @example
 * ```ts
 * import { GetFrameNumber, type USB_PIPE } from "rx-isoch/usbd";
 *
 * export function inTenFrames(hPipe: USB_PIPE): number | null {
 *   const frame = new Uint32Array(1);
 *   if (!GetFrameNumber(hPipe, frame)) return null;
 *   frame[0] = (frame[0] ?? 0) + 10;
 *   return frame[0];
 * }
 * ```
 */
export function GetFrameNumber(hDevice: USB_HANDLE | USB_PIPE | null, lpdwFrameNumber: Uint32Array): boolean {
  return attempt(false, () => {
    const session = clockOf(hDevice);
    dwordsOut("lpdwFrameNumber", lpdwFrameNumber)[0] = session.frameNumber();
    return true;
  });
}

/**
 * The length of the frames that {@link GetFrameNumber} counts, in bit times of full speed, 1/12 µs: 12000
 * at full speed with bInterval 1, 1500 at high speed and above.
 *
 * @param lpuFrameLength receives the length: 16 bits, as in Windows CE, or 32, which long service
 * intervals need
 * @returns `false`, with nothing written, as {@link GetFrameNumber}, but for a hidden bus clock; and
 * with `ERROR_INVALID_PARAMETER` where the length needs more bits
 */
export function GetFrameLength(
  hDevice: USB_HANDLE | USB_PIPE | null,
  lpuFrameLength: Uint16Array | Uint32Array,
): boolean {
  return attempt(false, () => {
    const length = clockOf(hDevice).endpoint.frameDuration * bitTimes;
    if (length <= 0xffff && lpuFrameLength instanceof Uint16Array && lpuFrameLength.length > 0) {
      lpuFrameLength[0] = length;
      return true;
    }
    if (lpuFrameLength instanceof Uint32Array && lpuFrameLength.length > 0) {
      lpuFrameLength[0] = length;
      return true;
    }
    throw new InvalidRequestError(
      "invalid-option",
      `lpuFrameLength must be a Uint16Array or a Uint32Array with room for the ${length} bit times of a frame`,
    );
  });
}

/** A pipe whose frames are meant: that pipe, or any of a device where all are alike. */
function clockOf(handle: USB_HANDLE | USB_PIPE | null): PipeSession {
  if (isPipe(handle)) return usablePipe(handle).session;
  const { pipes } = deviceHandles.get(handle);
  const [first, ...others] = [...pipes].map(({ session }) => session).filter(({ isClosing }) => !isClosing);
  if (first === undefined) {
    throw new UnsupportedError(
      "unsupported",
      "frames are those of a pipe, and the device has none open: open one first",
    );
  }
  if (others.some(({ endpoint }) => endpoint.frameDuration !== first.endpoint.frameDuration)) {
    throw new InvalidRequestError(
      "invalid-option",
      "the pipes of the device have frames of different lengths: pass a pipe",
    );
  }
  return first;
}

function isPipe(handle: USB_HANDLE | USB_PIPE | null): handle is USB_PIPE {
  return pipeHandles.has(handle);
}

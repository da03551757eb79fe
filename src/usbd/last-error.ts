import { asIsochError, type IsochError, type IsochErrorCode } from "../errors.js";

/** Nothing has failed yet, or {@link SetLastError} said so. */
export const ERROR_SUCCESS = 0;
/** The system does not let this program open the device. */
export const ERROR_ACCESS_DENIED = 5;
/** The handle is none of the kind that the call takes, or was closed. */
export const ERROR_INVALID_HANDLE = 6;
/** The system has no memory left for transfers. */
export const ERROR_NOT_ENOUGH_MEMORY = 8;
/** A descriptor of the device contradicts itself. */
export const ERROR_INVALID_DATA = 13;
/** The device, the transport or the bus failed. */
export const ERROR_GEN_FAILURE = 31;
/** The transport cannot do this: block, start on a frame, tell the frame number, … */
export const ERROR_NOT_SUPPORTED = 50;
/** No such device is there. */
export const ERROR_DEV_NOT_EXIST = 55;
/** An argument cannot mean anything; nothing was issued. */
export const ERROR_INVALID_PARAMETER = 87;
/** More arrived than was taken. */
export const ERROR_BUFFER_OVERFLOW = 111;
/** Somebody else holds the endpoint or the interface; or the memory is in use by a transfer. */
export const ERROR_BUSY = 170;
/** The transfer is not complete. */
export const ERROR_IO_INCOMPLETE = 996;
/** The device was unplugged. */
export const ERROR_DEVICE_NOT_CONNECTED = 1167;
/** The bus has no bandwidth left for this alternate setting. */
export const ERROR_NO_SYSTEM_RESOURCES = 1450;

const win32Codes: Readonly<Record<IsochErrorCode, number>> = {
  "invalid-number": ERROR_INVALID_PARAMETER,
  "invalid-option": ERROR_INVALID_PARAMETER,
  "no-frames": ERROR_INVALID_PARAMETER,
  "length-out-of-range": ERROR_INVALID_PARAMETER,
  "length-mismatch": ERROR_INVALID_PARAMETER,
  "start-in-past": ERROR_INVALID_PARAMETER,
  "start-overlap": ERROR_INVALID_PARAMETER,
  "compact-with-dma": ERROR_INVALID_PARAMETER,
  "compact-out": ERROR_INVALID_PARAMETER,
  "wrong-direction": ERROR_INVALID_PARAMETER,
  "no-such-endpoint": ERROR_INVALID_PARAMETER,
  "not-isochronous": ERROR_INVALID_PARAMETER,
  "not-in-alternate": ERROR_INVALID_PARAMETER,
  "no-such-format": ERROR_INVALID_PARAMETER,
  "pipe-busy": ERROR_BUSY,
  "interface-busy": ERROR_BUSY,
  "access-denied": ERROR_ACCESS_DENIED,
  "bandwidth-exceeded": ERROR_NO_SYSTEM_RESOURCES,
  "no-memory": ERROR_NOT_ENOUGH_MEMORY,
  "no-such-device": ERROR_DEV_NOT_EXIST,
  "device-gone": ERROR_DEVICE_NOT_CONNECTED,
  "not-configured": ERROR_GEN_FAILURE,
  "control-stalled": ERROR_GEN_FAILURE,
  "rate-refused": ERROR_GEN_FAILURE,
  "clock-invalid": ERROR_GEN_FAILURE,
  "transfer-closed": ERROR_INVALID_HANDLE,
  "transfer-pending": ERROR_IO_INCOMPLETE,
  "pipe-closed": ERROR_INVALID_HANDLE,
  overflow: ERROR_BUFFER_OVERFLOW,
  "backlog-full": ERROR_BUFFER_OVERFLOW,
  underrun: ERROR_GEN_FAILURE,
  "bad-frame": ERROR_GEN_FAILURE,
  unsupported: ERROR_NOT_SUPPORTED,
  "no-addon": ERROR_NOT_SUPPORTED,
  "bad-descriptor": ERROR_INVALID_DATA,
  "bad-file": ERROR_INVALID_DATA,
  "file-full": ERROR_GEN_FAILURE,
  "process-failed": ERROR_GEN_FAILURE,
  "protocol-error": ERROR_INVALID_DATA,
  "transport-failed": ERROR_GEN_FAILURE,
};

// One for the program, as it is one for the thread there: the calls have nowhere else to put it.
let lastError: number = ERROR_SUCCESS;
let lastIsochError: IsochError | null = null;

/**
 * Why the last call of this module that failed did: a Win32 error code. A call that succeeds leaves
 * it as it is, so ask only after a FALSE or a NULL.
 *
 * @see {@link getLastIsochError} for the message that says what to do
 */
export function GetLastError(): number {
  return lastError;
}

/** Sets what {@link GetLastError} returns, and forgets the error behind it. */
export function SetLastError(dwErrCode: number): void {
  lastError = dwErrCode >>> 0;
  lastIsochError = null;
}

/**
 * The error behind {@link GetLastError}: its code, the code of the layer below, and a message that
 * says what to do. `null` before the first failure and after {@link SetLastError}. Ours, not Windows CE's.
 *
 * @example
 * ```ts
 * import { getLastIsochError, OpenPipe, type USB_HANDLE } from "rx-isoch/usbd";
 *
 * export function openOrExplain(hDevice: USB_HANDLE) {
 *   const hPipe = OpenPipe(hDevice, { endpoint: 0x81 });
 *   if (hPipe === null) console.error(getLastIsochError()?.message);
 *   return hPipe;
 * }
 * ```
 */
export function getLastIsochError(): IsochError | null {
  return lastIsochError;
}

/** Runs a call; what it throws becomes the last error, and `failed` its result. */
export function attempt<T>(failed: T, act: () => T): T {
  try {
    return act();
  } catch (error) {
    lastIsochError = asIsochError(error);
    lastError = win32Codes[lastIsochError.code];
    return failed;
  }
}

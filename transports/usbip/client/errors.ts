import {
  BandwidthError,
  BusyError,
  DeviceError,
  ResourceError,
  TransferStateError,
  TransportError,
  type IsochError,
} from "../../../src/index.js";
import { unplugged } from "../../../src/device-errors.js";
import { errno, usbipStatus } from "../protocol/index.js";

/** The server has closed the connection of a device, or it broke. */
export function connectionLost(id: string, cause?: unknown): DeviceError {
  return new DeviceError(
    "device-gone",
    `the connection of ${id} is gone: it was unplugged, or the server ended or refused a transfer, as Linux does (see its kernel log); wait for it to attach again`,
    { native: nativeOf(cause), cause },
  );
}

/** Whatever broke the connection of a device, the device is out of reach. */
export function outOfReach(id: string, error: IsochError): IsochError {
  if (error.code === "device-gone") return error;
  const { native } = error;
  return new DeviceError("device-gone", `${id} is out of reach: ${error.message}`, { native, cause: error });
}

/** The server did not answer. */
export function notAnswered(what: string, milliseconds: number): TransportError {
  return new TransportError(
    "transport-failed",
    `the USB/IP server did not ${what} within ${milliseconds} ms: look at the server and the network, or raise the option timeout`,
  );
}

/** A connection failed before anything was asked of a device. */
export function connectionFailed(what: string, cause?: unknown): TransportError {
  return new TransportError("transport-failed", `${what}: look at the server and the network`, {
    native: nativeOf(cause),
    cause,
  });
}

/** Why a server did not hand out its list. */
export function listRefused(status: number): TransportError {
  return new TransportError("transport-failed", `the USB/IP server refused its list (status ${status})`, {
    native: status,
  });
}

/** Why a server did not hand out a device. */
export function importRefused(id: string, status: number): IsochError {
  const options = { native: status };
  switch (status) {
    case usbipStatus.noSuchDevice:
      return new DeviceError(
        "no-such-device",
        `the USB/IP server exports no ${id} any more: ask for its list`,
        options,
      );
    case usbipStatus.busy:
    case usbipStatus.notAvailable:
      return new BusyError(
        "interface-busy",
        `${id} is not available: detach it where it is imported, and see that the server has it bound`,
        options,
      );
    default:
      return new TransportError(
        "transport-failed",
        `the USB/IP server cannot hand out ${id} (status ${status}): look at its log`,
        options,
      );
  }
}

/**
 * Why a request to a device failed.
 *
 * @param to what was to be done, up to the device: `select alternate setting 3 of interface 1 of`
 * @param status a negative errno
 */
export function requestFailed(to: string, id: string, status: number): IsochError {
  const options = { native: status };
  const failed = `could not ${to} ${id}`;
  switch (status) {
    case errno.ENODEV:
    case errno.ESHUTDOWN:
      return unplugged(id, { native: status });
    case errno.EPIPE:
      return new DeviceError("control-stalled", `${failed}: the device refused the request`, options);
    default:
      return shortage(failed, status) ?? new TransportError("transport-failed", `${failed}: errno ${status}`, options);
  }
}

/** Why a transfer on an isochronous endpoint failed, and why those after it will. */
export function transferFailed(id: string, status: number): IsochError {
  const options = { native: status };
  const failed = `could not move frames of ${id}`;
  switch (status) {
    case errno.ENODEV:
    case errno.ESHUTDOWN:
      return unplugged(id, { native: status });
    case errno.EPIPE:
      return new TransferStateError(
        "pipe-closed",
        `${failed}: the server has no such endpoint in the alternate setting that is selected; open it again`,
        options,
      );
    default:
      return shortage(failed, status) ?? new TransportError("transport-failed", `${failed}: errno ${status}`, options);
  }
}

function shortage(failed: string, status: number): IsochError | undefined {
  const options = { native: status };
  if (status === errno.ENOSPC) {
    return new BandwidthError(
      "bandwidth-exceeded",
      `${failed}: the server's bus has no bandwidth left for it; pick an alternate setting with smaller packets, or stop other streams`,
      options,
    );
  }
  if (status === errno.ENOMEM) {
    return new ResourceError(
      "no-memory",
      `${failed}: the server has no memory for it; keep fewer bytes in flight (frames, queue)`,
      options,
    );
  }
  return undefined;
}

/** The code of Node or of another carrier, such as `ECONNRESET`. */
function nativeOf(cause: unknown): string | number | undefined {
  if (typeof cause !== "object" || cause === null || !("code" in cause)) return undefined;
  const { code } = cause;
  return typeof code === "string" || typeof code === "number" ? code : undefined;
}

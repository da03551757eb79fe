import {
  AccessError,
  BusyError,
  DeviceError,
  EndpointError,
  IsochError,
  TransferStateError,
  TransportError,
  UnsupportedError,
} from "../../src/index.js";
import { unplugged } from "../../src/device-errors.js";
import { inWords } from "../../src/errors.js";

/** What was being done when something went wrong. */
export interface Attempt {
  /** For the message, up to the device: `claim interface 0 of`. */
  readonly to: string;
  readonly id: string;
  /** The device is known to be unplugged: whatever a step on it met then, that is why. */
  readonly isGone: boolean;
  /** What a refusal means here, and what to do: of the system (`NetworkError`), or of the browser (`SecurityError`). */
  readonly advice?: { readonly failed?: (message: string, cause: unknown) => IsochError; readonly denied?: string };
}

/** The name of a DOMException, whoever made it. */
export function nameOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("name" in error)) return undefined;
  return typeof error.name === "string" ? error.name : undefined;
}

/** What a method of a USBDevice rejected with, as an error that tells what to do. */
export function explain(error: unknown, { to, id, isGone, advice = {} }: Attempt): IsochError {
  if (IsochError.is(error)) return error;
  const native = nameOf(error);
  const options = { native, cause: error };
  if (isGone) return unplugged(id, options);
  const failed = `could not ${to} ${id}`;
  switch (native) {
    case "SecurityError":
    case "NotAllowedError":
      return new AccessError(
        "access-denied",
        `${failed}: access denied; ${advice.denied ?? "ask the user again"}`,
        options,
      );
    case "NotFoundError":
      return new EndpointError("no-such-endpoint", `${failed}: the device has none`, options);
    case "AbortError":
    case "InvalidStateError":
      return takenAway(id, error);
    case "NotSupportedError":
      return new UnsupportedError("unsupported", `${failed}: not supported by this browser`, options);
    case "NetworkError":
      if (advice.failed !== undefined) return advice.failed(failed, error);
      break;
    default:
  }
  return new TransportError("transport-failed", `${failed}: ${inWords(error)}`, options);
}

/** The device could not be opened, and does not say why. */
export function openFailed(message: string, cause: unknown): IsochError {
  return new AccessError("access-denied", `${message}: ${openDenied}`, { native: nameOf(cause), cause });
}

/** What lets a browser open a device. */
export const openDenied =
  "end other programs that use it; on Linux, give yourself the right to it (a udev rule); on Windows, give it the WinUSB driver";

/** What no browser lets a page claim. */
export const claimDenied =
  "browsers let no page claim an interface of audio, video, HID, mass storage, smart card or wireless class; use libusb in Node for it, or USB/IP";

/** Somebody else has the interface, and nobody says who. */
export function claimFailed(message: string, cause: unknown): IsochError {
  return new BusyError(
    "interface-busy",
    `${message}: another program, another page or a driver of the system holds it; end that first`,
    { native: nameOf(cause), cause },
  );
}

/** An alternate setting was refused, by whom nobody says. */
export function selectFailed(message: string, cause: unknown): IsochError {
  return new TransportError(
    "transport-failed",
    `${message}: the device refused it, or the bus has no bandwidth left for it; pick an alternate setting with smaller packets, or stop other streams`,
    { native: nameOf(cause), cause },
  );
}

/** Code beside this transport closed the device, reset it, or changed what is claimed or selected. */
export function takenAway(id: string, cause: unknown): TransferStateError {
  return new TransferStateError(
    "pipe-closed",
    `${id} was closed, reset or claimed by code beside this transport: leave it to one of them, and open it again`,
    { native: nameOf(cause), cause },
  );
}

/** The program closed or reset the device before it had answered. */
export function interrupted(id: string, cause: unknown): TransferStateError {
  return new TransferStateError(
    "pipe-closed",
    `${id} was closed or reset by this program before it had answered: wait for the answer first`,
    { native: nameOf(cause), cause },
  );
}

/** The endpoint is that of a time before a reset, or of another alternate setting. */
export function endpointRetired(): TransferStateError {
  return new TransferStateError(
    "pipe-closed",
    "the device was reset, the interface released, or another alternate setting selected: open the endpoint again",
  );
}

/** A batch was rejected as a whole. */
export function batchRejected(id: string, cause: unknown): TransportError {
  return new TransportError(
    "transport-failed",
    `a packet of ${id} failed, and WebUSB gives nothing of the transfer that it was in: smaller batches lose less`,
    { native: nameOf(cause), cause },
  );
}

/** Nothing but refusals, which came before the bus could have done anything. */
export function neverMoved(id: string, cause: unknown): UnsupportedError {
  return new UnsupportedError(
    "unsupported",
    `the browser refuses every isochronous transfer of ${id}: Chromium has none on Windows; use another system, libusb in Node, or USB/IP`,
    { native: nameOf(cause), cause },
  );
}

/** It moved, and moves no more. */
export function movesNoMore(id: string, cause: unknown): TransportError {
  return new TransportError(
    "transport-failed",
    `the browser refuses the isochronous transfers of ${id} at once: close the pipe and open it again`,
    { native: nameOf(cause), cause },
  );
}

/** A device without isochronous methods. */
export function noMethods(id: string, cause: unknown): UnsupportedError {
  return new UnsupportedError("unsupported", `this USBDevice (${id}) has no isochronous transfers: ${inWords(cause)}`, {
    native: nameOf(cause),
    cause,
  });
}

/** The user did not choose. */
export function noneChosen(cause: unknown): DeviceError {
  return new DeviceError("no-such-device", "no device was chosen: ask again, with other filters", {
    native: nameOf(cause),
    cause,
  });
}

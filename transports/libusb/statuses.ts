import { statusCodes, type FrameStatus } from "../../src/index.js";

/** `enum libusb_transfer_status`, and after it what the addon adds: no turn on the bus. */
const meanings: readonly FrameStatus[] = [
  "ok",
  "failed",
  "failed",
  "cancelled",
  "stall",
  "device-not-responding",
  "data-overrun",
  "not-complete",
];
const notServed = meanings.indexOf("not-complete");
/** LIBUSB_TRANSFER_ERROR: what libusb calls a frame that had no turn. */
const transferError = 1;

const codes = Uint8Array.from(meanings, (meaning) => statusCodes[meaning]);

/**
 * Turns libusb's statuses into ours, in place.
 *
 * @returns libusb's, or `undefined` if all frames are good
 */
export function translateStatuses(statuses: Uint8Array): Int32Array | undefined {
  if (statuses.every((status) => status === 0)) return undefined;
  const native = Int32Array.from(statuses, (status) => (status === notServed ? transferError : status));
  for (let i = 0; i < statuses.length; i++) statuses[i] = codes[statuses[i] ?? 0] ?? statusCodes.failed;
  return native;
}

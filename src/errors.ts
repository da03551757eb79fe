/**
 * What went wrong, as a value a program can switch on.
 *
 * | code | class | what happened |
 * |---|---|---|
 * | `invalid-number` | {@link InvalidRequestError} | NaN, negative, fractional or huge where a count or a size goes in |
 * | `invalid-option` | {@link InvalidRequestError} | an option outside the values it takes |
 * | `no-frames` | {@link InvalidRequestError} | a request of zero frames |
 * | `length-out-of-range` | {@link InvalidRequestError} | a frame length above the endpoint's maximum, or of zero where bytes are to come in |
 * | `length-mismatch` | {@link InvalidRequestError} | the lengths do not add up to the buffer |
 * | `start-in-past` | {@link InvalidRequestError} | the start frame has already passed |
 * | `start-overlap` | {@link InvalidRequestError} | the start frame comes before the end of what is queued |
 * | `compact-with-dma` | {@link InvalidRequestError} | compaction asked for together with a DMA buffer |
 * | `compact-out` | {@link InvalidRequestError} | compaction asked for on an OUT endpoint |
 * | `wrong-direction` | {@link EndpointError} | IN asked of an OUT endpoint, or the other way round |
 * | `no-such-endpoint` | {@link EndpointError} | the device has no such endpoint, interface or alternate setting |
 * | `not-isochronous` | {@link EndpointError} | the endpoint is of another transfer type |
 * | `not-in-alternate` | {@link EndpointError} | the endpoint is not part of the selected alternate setting |
 * | `no-such-format` | {@link EndpointError} | the device has no alternate setting with this format or sample rate |
 * | `pipe-busy` | {@link BusyError} | the pipe already has a subscriber |
 * | `interface-busy` | {@link BusyError} | the interface is claimed by somebody else |
 * | `access-denied` | {@link AccessError} | the system does not let this program open the device |
 * | `bandwidth-exceeded` | {@link BandwidthError} | the bus cannot carry this alternate setting beside what it carries already |
 * | `no-memory` | {@link ResourceError} | the system has no memory left for transfers |
 * | `no-such-device` | {@link DeviceError} | no device matches the selector |
 * | `device-gone` | {@link DeviceError} | the device was unplugged, or its port went down |
 * | `not-configured` | {@link DeviceError} | the device is there, but in no configuration: it has no endpoints yet |
 * | `control-stalled` | {@link DeviceError} | the device refused a control request |
 * | `rate-refused` | {@link DeviceError} | the device does not run at this sample rate, although it says that it can |
 * | `clock-invalid` | {@link DeviceError} | the clock of an audio device has no signal, or does not lock |
 * | `transfer-closed` | {@link TransferStateError} | results or close asked of a closed transfer |
 * | `transfer-pending` | {@link TransferStateError} | results asked of a transfer that is not complete |
 * | `pipe-closed` | {@link TransferStateError} | a request issued on a pipe that was closed |
 * | `overflow` | {@link OverflowError} | the consumer was too slow, under the policy `error` |
 * | `backlog-full` | {@link OverflowError} | more requests were pushed than the bus takes and the backlog holds |
 * | `underrun` | {@link UnderrunError} | no request was ready in time, under the policy `error` |
 * | `bad-frame` | {@link FrameError} | a frame failed, and the consumer asked to be stopped by that |
 * | `unsupported` | {@link UnsupportedError} | the transport cannot do this, and it cannot be emulated |
 * | `no-addon` | {@link UnsupportedError} | the native part of a transport is not installed |
 * | `bad-descriptor` | {@link DescriptorError} | a descriptor is truncated or contradicts itself |
 * | `bad-file` | {@link FileError} | a file is not what it should be |
 * | `file-full` | {@link FileError} | a file cannot hold more: its format counts no further |
 * | `process-failed` | {@link ProcessError} | a program could not be started, or failed; its words are in the message |
 * | `protocol-error` | {@link TransportError} | the other end of a connection does not speak the protocol |
 * | `transport-failed` | {@link TransportError} | the transport failed in a way that has no code of its own; see {@link IsochError.native} |
 */
export type IsochErrorCode =
  | "invalid-number"
  | "invalid-option"
  | "no-frames"
  | "length-out-of-range"
  | "length-mismatch"
  | "start-in-past"
  | "start-overlap"
  | "compact-with-dma"
  | "compact-out"
  | "wrong-direction"
  | "no-such-endpoint"
  | "not-isochronous"
  | "not-in-alternate"
  | "no-such-format"
  | "pipe-busy"
  | "interface-busy"
  | "access-denied"
  | "bandwidth-exceeded"
  | "no-memory"
  | "no-such-device"
  | "device-gone"
  | "not-configured"
  | "control-stalled"
  | "rate-refused"
  | "clock-invalid"
  | "transfer-closed"
  | "transfer-pending"
  | "pipe-closed"
  | "overflow"
  | "backlog-full"
  | "underrun"
  | "bad-frame"
  | "unsupported"
  | "no-addon"
  | "bad-descriptor"
  | "bad-file"
  | "file-full"
  | "process-failed"
  | "protocol-error"
  | "transport-failed";

/** What an {@link IsochError} carries beside its code and message. */
export interface IsochErrorOptions {
  /** The code of the layer below (a libusb error, a negative errno), kept as it came. */
  readonly native?: number | string | undefined;
  /** The error that led to this one. */
  readonly cause?: unknown;
}

/**
 * The base of every error that this library raises or sends down a stream.
 *
 * Switch on {@link IsochError.code}; the message is for people and says what to do.
 * `IsochError.is(error)`, and `is` on each subclass, tells such an error from any other.
 *
 * @example
 * ```ts
 * import { IsochError } from "rx-isoch";
 *
 * export function explain(error: unknown): string {
 *   if (!IsochError.is(error)) throw error;
 *   return error.code === "bandwidth-exceeded" ? "try a smaller alternate setting" : error.message;
 * }
 * ```
 */
export class IsochError extends Error {
  override readonly name: string = "IsochError";
  /** What happened; see {@link IsochErrorCode}. */
  readonly code: IsochErrorCode;
  /** The code of the layer below (a libusb error, a negative errno), kept as it came. */
  readonly native: number | string | undefined;

  constructor(code: IsochErrorCode, message: string, options: IsochErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.native = options.native;
  }

  /** Whether `value` is an error of this class. */
  static is<E>(this: abstract new (...args: never[]) => E, value: unknown): value is E {
    return value instanceof this;
  }
}

/** A request, an option or a number that cannot mean anything. Nothing was submitted. */
export class InvalidRequestError extends IsochError {
  override readonly name = "InvalidRequestError";
}

/** The endpoint asked for does not exist, or is not of the kind that was asked for. */
export class EndpointError extends IsochError {
  override readonly name = "EndpointError";
}

/** Somebody else holds the pipe or the interface. */
export class BusyError extends IsochError {
  override readonly name = "BusyError";
}

/** The system does not let this program open the device. */
export class AccessError extends IsochError {
  override readonly name = "AccessError";
}

/** The bus cannot carry the alternate setting beside what it carries already. */
export class BandwidthError extends IsochError {
  override readonly name = "BandwidthError";
}

/** The system has no memory left for transfers. */
export class ResourceError extends IsochError {
  override readonly name = "ResourceError";
}

/** The device is not there, went away, is not configured, or refused a control request. */
export class DeviceError extends IsochError {
  override readonly name = "DeviceError";
}

/** The transfer or the pipe is not in a state in which this can be asked of it. */
export class TransferStateError extends IsochError {
  override readonly name = "TransferStateError";
}

/** More arrived than was taken: results, under the overflow policy `error`, or pushed requests. */
export class OverflowError extends IsochError {
  override readonly name = "OverflowError";
}

/** No request was ready in time for the bus, under the underrun policy `error`. */
export class UnderrunError extends IsochError {
  override readonly name = "UnderrunError";
}

/** A frame failed, and the consumer had asked to be stopped by that. */
export class FrameError extends IsochError {
  override readonly name = "FrameError";
}

/** The transport cannot do this, and it cannot be emulated (see {@link TransportCapabilities}), or its native part is not there. */
export class UnsupportedError extends IsochError {
  override readonly name = "UnsupportedError";
}

/** A descriptor is truncated or contradicts itself. */
export class DescriptorError extends IsochError {
  override readonly name = "DescriptorError";
}

/** A file is not what it should be, or cannot hold what is to go into it. */
export class FileError extends IsochError {
  override readonly name = "FileError";
}

/** Another program could not be started, or failed; {@link IsochError.native} is its exit status, its signal or the code of the system. */
export class ProcessError extends IsochError {
  override readonly name = "ProcessError";
}

/** The transport failed: in a way that has no code of its own, see {@link IsochError.native}, or for what its peer sent. */
export class TransportError extends IsochError {
  override readonly name = "TransportError";
}

/**
 * A value in words, for a message: whatever it is, this does not throw.
 * @internal
 */
export function inWords(value: unknown): string {
  try {
    return String(value);
  } catch {
    return `an ${typeof value}`;
  }
}

/**
 * What a transport threw, as one of ours.
 * @internal
 */
export function asIsochError(error: unknown): IsochError {
  return IsochError.is(error)
    ? error
    : new TransportError("transport-failed", `the transport failed: ${inWords(error)}`, { cause: error });
}

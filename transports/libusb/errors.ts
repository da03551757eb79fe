import { constants } from "node:os";
import {
  AccessError,
  BandwidthError,
  BusyError,
  DeviceError,
  EndpointError,
  InvalidRequestError,
  ResourceError,
  TransferStateError,
  TransportError,
  UnsupportedError,
  type DeviceInfo,
  type IsochError,
  type IsochErrorOptions,
} from "../../src/index.js";
import { unplugged } from "../../src/device-errors.js";
import { hexAddress } from "../../src/endpoint.js";
import type { NativeOutcome } from "./addon.js";

/** `enum libusb_error`, as far as it is told apart here. */
const libusbErrors = {
  invalidParameter: -2,
  access: -3,
  noDevice: -4,
  notFound: -5,
  busy: -6,
  timeout: -7,
  pipe: -9,
  interrupted: -10,
  noMemory: -11,
  notSupported: -12,
} as const;

/** What was being done when something went wrong. */
export interface Attempt {
  /** For the message, up to the device: `claim interface 0 of`. */
  readonly to: string;
  /** Left out where it was not about one device. */
  readonly device?: Pick<DeviceInfo, "id" | "descriptor">;
  /** The device is known to be unplugged: whatever a step on it met then, that is why. */
  readonly isGone?: boolean;
  /** Who holds what is busy, if that can be found out. */
  readonly holder?: () => string | undefined;
  /** What the system wants of packets, where that can be why a parameter is invalid. */
  readonly packetRules?: string | undefined;
}

/** An endpoint, for a message: `endpoint 0x01`. */
export function endpointName(address: number): string {
  return `endpoint ${hexAddress(address)}`;
}

/** Whether it is an error of the addon. */
export function isNativeOutcome(error: unknown): error is NativeOutcome {
  return typeof error === "object" && error !== null && "libusb" in error && typeof error.libusb === "number";
}

/** What the addon threw, as one of ours; anything else as it is. */
export function explain(error: unknown, attempt: Attempt): unknown {
  return isNativeOutcome(error) ? toIsochError(error, attempt) : error;
}

/** What libusb said, as an error that tells what to do. */
export function toIsochError(outcome: NativeOutcome, attempt: Attempt): IsochError {
  const { errno } = outcome;
  const options = { native: outcome.libusb, cause: outcome instanceof Error ? outcome : undefined };
  const { to, device, isGone = false, packetRules } = attempt;
  if (device !== undefined && (isGone || outcome.libusb === libusbErrors.noDevice)) {
    return deviceGone(device.id, options);
  }
  const failed = `could not ${to}${device === undefined ? "" : ` ${device.id}`}`;
  if (errno === constants.errno.ENOSPC) {
    return new BandwidthError(
      "bandwidth-exceeded",
      `${failed}: the bus has no bandwidth left for it; pick an alternate setting with smaller packets, stop other streams, or use a port of another controller`,
      options,
    );
  }
  if (errno === constants.errno.ENOMEM || outcome.libusb === libusbErrors.noMemory) {
    if (device === undefined) {
      return new ResourceError("no-memory", `${failed}: no memory or no thread is left; end other programs`, options);
    }
    return new ResourceError(
      "no-memory",
      `${failed}: no memory for transfers; keep fewer bytes in flight (frames, queue), or raise the limit of all programs together: echo 256 > /sys/module/usbcore/parameters/usbfs_memory_mb (usbcore.usbfs_memory_mb=256 on the kernel's command line)`,
      options,
    );
  }
  if (errno === constants.errno.EMSGSIZE) {
    return new InvalidRequestError(
      "length-out-of-range",
      `${failed}: a frame is longer than the endpoint takes in this alternate setting`,
      options,
    );
  }
  if (outcome.libusb === libusbErrors.invalidParameter && packetRules !== undefined) {
    return new UnsupportedError("unsupported", `${failed}: ${packetRules}`, options);
  }
  switch (outcome.libusb) {
    case libusbErrors.access:
      return new AccessError("access-denied", `${failed}: access denied; ${permission(attempt)}`, options);
    case libusbErrors.notFound:
      return new EndpointError("no-such-endpoint", `${failed}: the device has none`, options);
    case libusbErrors.busy:
      return new BusyError("interface-busy", `${failed}: it is held ${held(attempt)}`, options);
    case libusbErrors.pipe:
      return new DeviceError("control-stalled", `${failed}: the device refused the request`, options);
    case libusbErrors.interrupted:
      return endpointShut(outcome.libusb);
    case libusbErrors.notSupported:
      return new UnsupportedError(
        "unsupported",
        `${failed}: not supported here; on Windows, give the device the WinUSB driver (Zadig does); Electron shares no memory for DMA`,
        options,
      );
    case libusbErrors.timeout:
      return new TransportError("transport-failed", `${failed}: the device did not answer in time`, options);
    default:
      return new TransportError(
        "transport-failed",
        `${failed}: libusb error ${outcome.libusb}${errno === 0 ? "" : `, errno ${errno}`}`,
        options,
      );
  }
}

/** The device was unplugged. */
export function deviceGone(id: string, options: IsochErrorOptions = { native: libusbErrors.noDevice }): DeviceError {
  return unplugged(id, options);
}

/** The endpoint is that of a time before a reset, or of another alternate setting. */
export function endpointShut(native?: number): TransferStateError {
  return new TransferStateError(
    "pipe-closed",
    "the device was reset, or another alternate setting was selected: open the endpoint again",
    { native },
  );
}

function permission({ device }: Attempt): string {
  if (process.platform !== "linux" || device === undefined) return "run the program as a user who may use USB devices";
  const hex = (value: number) => value.toString(16).padStart(4, "0");
  const { descriptor } = device;
  const rule = `SUBSYSTEM=="usb", ATTR{idVendor}=="${hex(descriptor.vendorId)}", ATTR{idProduct}=="${hex(descriptor.productId)}", MODE="0660", TAG+="uaccess"`;
  return `write this line into /etc/udev/rules.d/70-rx-isoch.rules, run "udevadm control --reload", and plug the device in again: ${rule}`;
}

function held({ holder }: Attempt): string {
  const name = holder?.();
  if (name === undefined) return "by another program or driver: end that first";
  return `by ${name}: end that first`;
}

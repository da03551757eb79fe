import { expect, onTestFinished } from "vitest";
import { openDevice, type IsochTransport, type UsbDevice } from "../../../src/index.js";
import {
  GetLastError,
  getLastIsochError,
  OpenPipe,
  SetLastError,
  usbHandleOf,
  type USB_HANDLE,
  type USB_PIPE,
} from "../../../src/usbd/index.js";
import {
  counterDevice,
  unpacedClock,
  VirtualBus,
  type Attachment,
  type VirtualBusOptions,
  type VirtualDevice,
} from "../../../transports/virtual/index.js";
import { strictTransport } from "../../support/strict-transport.js";

export const inEndpoint = 0x81;
export const outEndpoint = 0x01;
/** Bytes in a frame of the counter device, at full speed. */
export const maxIn = 1023;

export interface LabOptions extends Omit<VirtualBusOptions, "devices"> {
  readonly device?: VirtualDevice;
  /** A bus on the time of a test scheduler. */
  readonly bus?: VirtualBus;
  /** Shares the bus of another lab, which checks it. */
  readonly beside?: Lab;
  /** Stands between the core and the bus. */
  readonly wrap?: (transport: IsochTransport) => IsochTransport;
}

export interface Lab {
  readonly bus: VirtualBus;
  readonly attachment: Attachment;
  readonly device: UsbDevice;
  readonly hDevice: USB_HANDLE | null;
  /** The pipe of the IN endpoint, at its largest. */
  readonly openIn: () => USB_PIPE;
  /** The pipe of the OUT endpoint, at its largest. */
  readonly openOut: () => USB_PIPE;
  /** Unsubscribes from the device. */
  readonly closeDevice: () => void;
}

/**
 * A full-speed counter device on an unpaced bus, opened. When the test is over, the device is closed,
 * nothing may be left in use, and nobody may have broken the transport contract.
 */
export function lab({
  device: model = counterDevice({ speed: "full" }),
  bus,
  beside,
  wrap,
  ...options
}: LabOptions = {}): Lab {
  SetLastError(0);
  const theBus = bus ?? beside?.bus ?? new VirtualBus({ clock: unpacedClock(), ...options });
  const attachment = theBus.attach(model);
  const strict = strictTransport(theBus);
  const opened: UsbDevice[] = [];
  const subscription = openDevice(wrap?.(strict) ?? strict, { id: attachment.info.id }).subscribe((each) =>
    opened.push(each),
  );
  const device = present(opened[0]);
  const closed = new Promise<void>((resolve, reject) => {
    device.closed.subscribe({ complete: resolve, error: reject });
  });
  onTestFinished(async () => {
    subscription.unsubscribe();
    // On the time of a test scheduler it is the scheduler that brings the rest.
    if (bus === undefined) await closed;
    expect(strict.violations).toStrictEqual([]);
    if (beside !== undefined) return;
    const { submitted, ...rest } = theBus.audit();
    expect(rest).toStrictEqual({
      openDevices: 0,
      claimedInterfaces: 0,
      inFlight: 0,
      dmaBuffers: 0,
      completed: submitted,
    });
  });
  const hDevice = usbHandleOf(device);
  const open = (endpoint: number) => present(OpenPipe(hDevice, { endpoint }));
  return {
    bus: theBus,
    attachment,
    device,
    hDevice,
    openIn: () => open(inEndpoint),
    openOut: () => open(outEndpoint),
    closeDevice: () => {
      subscription.unsubscribe();
    },
  };
}

/** What must be there. */
export function present<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) {
    throw new Error(`nothing there; the last error is ${GetLastError()}: ${getLastIsochError()?.message ?? "none"}`);
  }
  return value;
}

/** The last error, and the code behind it; forgets both, so that the next cannot be taken for this one. */
export function failure(): { readonly win32: number; readonly code: string | undefined } {
  const last = { win32: GetLastError(), code: getLastIsochError()?.code };
  SetLastError(0);
  return last;
}

/** `count` lengths of `length` bytes. */
export function lengths(count: number, length = maxIn): Uint32Array {
  return new Uint32Array(count).fill(length);
}

/** Room for lengths, filled with what no call would leave there. */
export function room(lengthsOrBytes: Uint32Array | number): Uint8Array {
  const bytes =
    typeof lengthsOrBytes === "number" ? lengthsOrBytes : lengthsOrBytes.reduce((sum, each) => sum + each, 0);
  return new Uint8Array(bytes).fill(0xee);
}

/** An LPDWORD whose DWORD is none that a call would write. */
export function dword(): Uint32Array {
  return Uint32Array.of(0xdead_beef);
}

import { concat, firstValueFrom, ignoreElements, tap, throwError, timer, type Observable } from "rxjs";
import { describe, expect, it, vi } from "vitest";
import { EndpointError, TransportError, type IsochTransport, type TransportDevice } from "../../../src/index.js";
import {
  AbortPipeTransfers,
  ClosePipe,
  CloseTransfer,
  ERROR_BUSY,
  ERROR_DEVICE_NOT_CONNECTED,
  ERROR_GEN_FAILURE,
  ERROR_INVALID_HANDLE,
  ERROR_INVALID_PARAMETER,
  ERROR_NO_SYSTEM_RESOURCES,
  ERROR_NOT_SUPPORTED,
  ERROR_SUCCESS,
  GetFrameLength,
  GetFrameNumber,
  GetLastError,
  GetTransferStatus,
  IsPipeHalted,
  IssueIsochTransfer,
  IsTransferComplete,
  OpenPipe,
  openUsbPipe,
  ResetPipe,
  usbHandleOf,
  USB_CANCELED_ERROR,
  USB_IN_TRANSFER,
  USB_NO_WAIT,
  USB_STALL_ERROR,
  USB_START_ISOCH_ASAP,
  GetIsochResults,
  type USB_HANDLE,
  type USB_PIPE,
} from "../../../src/usbd/index.js";
import { counterDevice, type VirtualDevice } from "../../../transports/virtual/index.js";
import { alteredTransport } from "../../support/altered-transport.js";
import {
  concatenate,
  encodeConfiguration,
  encodeDevice,
  encodeIsochEndpoint,
  encodeVendorInterface,
} from "../../../transports/virtual/descriptors.js";
import { eventually } from "../../support/eventually.js";
import { dword, failure, inEndpoint, lab, lengths, maxIn, outEndpoint, present, room } from "./lab.js";

const asapIn = USB_IN_TRANSFER | USB_START_ISOCH_ASAP;

const issue = (hPipe: USB_PIPE, frames: number, dwFlags = 0, callback: (() => unknown) | null = null) =>
  IssueIsochTransfer(hPipe, callback, undefined, asapIn | dwFlags, 0, frames, lengths(frames), room(frames * maxIn), 0);

const badPipes = (hDevice: USB_HANDLE | null, closed: USB_PIPE): USB_PIPE[] => {
  ClosePipe(closed);
  return [null, undefined, 0, {}, hDevice, closed] as USB_PIPE[];
};

/** A transport with a device of which some calls are others. */
function altered(change: (device: TransportDevice) => Partial<TransportDevice>) {
  return (inner: IsochTransport): IsochTransport => alteredTransport(inner, change);
}

/** Does a step after the event loop has turned. */
function later<T>(step: Observable<T>): Observable<T> {
  return timer(0).pipe(ignoreElements(), (turned) => concat(turned, step));
}

describe("usbHandleOf", () => {
  it("one handle for one device", () => {
    const { device, hDevice } = lab();
    expect(usbHandleOf(device)).toBe(hDevice);
    expect(Reflect.ownKeys(present(hDevice))).toStrictEqual([]);
  });

  it("NULL for what is no device", () => {
    for (const none of [null, undefined, {}, 1]) {
      expect(usbHandleOf(none as never)).toBeNull();
      expect(failure()).toStrictEqual({ win32: ERROR_INVALID_PARAMETER, code: "invalid-option" });
    }
  });
});

describe("OpenPipe", () => {
  it("opens the pipe of a selector, in the alternate setting that it names", () => {
    const { hDevice, bus } = lab();
    const hPipe = present(OpenPipe(hDevice, { endpoint: inEndpoint, alternate: 3 }));
    expect(bus.audit()).toMatchObject({ claimedInterfaces: 1, inFlight: 0 });
    expect(IssueIsochTransfer(hPipe, null, null, asapIn, 0, 1, [400], room(400), 0)).not.toBeNull();
    expect(IssueIsochTransfer(hPipe, null, null, asapIn, 0, 1, [401], room(401), 0)).toBeNull();
  });

  it("opens the pipe of a descriptor out of the configuration, in the alternate setting where it stands", () => {
    const { hDevice, device } = lab();
    const third = present(device.configuration.interfaces[0]?.alternates[3]);
    const hPipe = OpenPipe(hDevice, present(third.endpoints.find(({ address }) => address === inEndpoint)));
    expect(IssueIsochTransfer(hPipe, null, null, asapIn, 0, 1, [400], room(400), 0)).not.toBeNull();
    expect(IssueIsochTransfer(hPipe, null, null, asapIn, 0, 1, [401], room(401), 0)).toBeNull();
  });

  it("refuses endpoints that are not there", () => {
    const { hDevice, device } = lab();
    const first = present(device.configuration.interfaces[0]?.alternates[1]?.endpoints[0]);
    const refused = [
      [{ endpoint: 0x82 }, "no-such-endpoint"],
      [{ endpoint: inEndpoint, alternate: 2 }, "not-in-alternate"],
      [{ endpoint: Number.NaN }, "invalid-number"],
      [{ ...first }, "no-such-endpoint"],
    ] as const;
    for (const [descriptor, code] of refused) {
      expect(OpenPipe(hDevice, descriptor)).toBeNull();
      expect(failure()).toStrictEqual({ win32: ERROR_INVALID_PARAMETER, code });
    }
    for (const none of [null, undefined, 0x81]) expect(OpenPipe(hDevice, none as never)).toBeNull();
  });

  it("an endpoint that is open, and another alternate setting of its interface, are busy", () => {
    const { hDevice, openIn } = lab();
    const hPipe = openIn();
    expect(OpenPipe(hDevice, { endpoint: inEndpoint })).toBeNull();
    expect(failure()).toStrictEqual({ win32: ERROR_BUSY, code: "pipe-busy" });
    expect(OpenPipe(hDevice, { endpoint: outEndpoint, alternate: 2 })).toBeNull();
    expect(failure()).toStrictEqual({ win32: ERROR_BUSY, code: "interface-busy" });
    expect(ClosePipe(hPipe)).toBe(true);
    expect(OpenPipe(hDevice, { endpoint: outEndpoint, alternate: 2 })).not.toBeNull();
  });

  it("says when the bus has no bandwidth left", () => {
    const first = lab();
    first.openIn();
    const second = lab({ beside: first });
    expect(OpenPipe(second.hDevice, { endpoint: inEndpoint })).toBeNull();
    expect(failure()).toStrictEqual({ win32: ERROR_NO_SYSTEM_RESOURCES, code: "bandwidth-exceeded" });
  });

  it("NULL on a bad handle, that of a closed device among them", () => {
    const { hDevice, openIn, closeDevice } = lab();
    for (const handle of [null, undefined, {}, openIn()] as USB_HANDLE[]) {
      expect(OpenPipe(handle, { endpoint: inEndpoint })).toBeNull();
      expect(failure()).toStrictEqual({ win32: ERROR_INVALID_HANDLE, code: "pipe-closed" });
    }
    closeDevice();
    expect(OpenPipe(hDevice, { endpoint: inEndpoint })).toBeNull();
    expect(failure()).toStrictEqual({ win32: ERROR_INVALID_HANDLE, code: "pipe-closed" });
  });

  it("where the transport answers later it fails, says what to use, and leaves nothing open", async () => {
    const log: string[] = [];
    const { hDevice } = lab({
      wrap: altered((device) => ({
        claimInterface: (number) =>
          later(device.claimInterface(number)).pipe(tap({ complete: () => log.push("claim") })),
        releaseInterface: (number) =>
          device.releaseInterface(number).pipe(tap({ complete: () => log.push("release") })),
      })),
    });
    expect(OpenPipe(hDevice, { endpoint: inEndpoint })).toBeNull();
    expect(failure()).toStrictEqual({ win32: ERROR_NOT_SUPPORTED, code: "unsupported" });
    await eventually(() => {
      expect(log).toStrictEqual(["claim", "release"]);
    });
    expect(ClosePipe(await firstValueFrom(openUsbPipe(hDevice, { endpoint: inEndpoint })))).toBe(true);
  });
});

describe("openUsbPipe", () => {
  it("emits the pipe when it is open, and waits for one that is closing", async () => {
    const { hDevice } = lab({
      wrap: altered((device) => ({ releaseInterface: (number) => later(device.releaseInterface(number)) })),
    });
    const first = await firstValueFrom(openUsbPipe(hDevice, { endpoint: inEndpoint }));
    expect(ClosePipe(first)).toBe(true);
    expect(OpenPipe(hDevice, { endpoint: inEndpoint })).toBeNull();
    const second = await firstValueFrom(openUsbPipe(hDevice, { endpoint: inEndpoint }));
    expect(second).not.toBe(first);
    expect(issue(second, 1)).not.toBeNull();
  });

  it("errors with what went wrong, and leaves the last error alone", async () => {
    const { hDevice } = lab();
    await expect(firstValueFrom(openUsbPipe(hDevice, { endpoint: 0x82 }))).rejects.toBeInstanceOf(EndpointError);
    await expect(firstValueFrom(openUsbPipe(null, { endpoint: inEndpoint }))).rejects.toMatchObject({
      code: "pipe-closed",
    });
    expect(GetLastError()).toBe(ERROR_SUCCESS);
  });
});

describe("ClosePipe", () => {
  it("aborts and closes all transfers of the pipe, then closes it", async () => {
    const { openIn, bus } = lab();
    const hPipe = openIn();
    const callback = vi.fn();
    const transfers = [issue(hPipe, 1), issue(hPipe, 9, USB_NO_WAIT), issue(hPipe, 9, 0, callback)];
    expect(transfers).not.toContain(null);
    expect(ClosePipe(hPipe)).toBe(true);
    expect(bus.audit()).toMatchObject({ claimedInterfaces: 0, submitted: 3, inFlight: 0 });
    for (const hTransfer of transfers) {
      expect(CloseTransfer(hTransfer)).toBe(false);
      expect(failure().win32).toBe(ERROR_INVALID_HANDLE);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(callback).not.toHaveBeenCalled();
  });

  it("where the transport cannot block, the release follows", async () => {
    const { openIn, bus } = lab({ capabilities: { blocking: false } });
    const hPipe = openIn();
    issue(hPipe, 9, USB_NO_WAIT);
    expect(ClosePipe(hPipe)).toBe(true);
    await eventually(() => {
      expect(bus.audit()).toMatchObject({ claimedInterfaces: 0, inFlight: 0 });
    });
  });

  it("FALSE with the reason if the interface cannot be released; the pipe is closed nevertheless", () => {
    const failing = new TransportError("transport-failed", "the interface would not go");
    const { openIn } = lab({
      wrap: altered((device) => ({
        releaseInterface: (number) =>
          concat(
            device.releaseInterface(number),
            throwError(() => failing),
          ),
      })),
    });
    const hPipe = openIn();
    expect(ClosePipe(hPipe)).toBe(false);
    expect(failure()).toStrictEqual({ win32: ERROR_GEN_FAILURE, code: "transport-failed" });
    expect(ClosePipe(hPipe)).toBe(false);
    expect(failure().win32).toBe(ERROR_INVALID_HANDLE);
  });

  it("closes a pipe whose device was unplugged or closed", () => {
    const unplugged = lab();
    const first = unplugged.openIn();
    unplugged.attachment.detach();
    expect(ClosePipe(first)).toBe(true);
    const closed = lab();
    const second = closed.openIn();
    const hTransfer = issue(second, 1);
    closed.closeDevice();
    expect(issue(second, 1)).toBeNull();
    expect(failure()).toStrictEqual({ win32: ERROR_INVALID_HANDLE, code: "pipe-closed" });
    expect([CloseTransfer(hTransfer), ClosePipe(second)]).toStrictEqual([true, true]);
  });

  it("FALSE on a bad handle, a second close among them", () => {
    const { hDevice, openIn } = lab();
    for (const handle of badPipes(hDevice, openIn())) {
      expect(ClosePipe(handle)).toBe(false);
      expect(failure()).toStrictEqual({ win32: ERROR_INVALID_HANDLE, code: "pipe-closed" });
    }
  });
});

describe("AbortPipeTransfers", () => {
  it("aborts every transfer of the pipe and blocks until they are cancelled; callbacks run, handles stay", () => {
    const { openIn } = lab();
    const hPipe = openIn();
    const callback = vi.fn();
    const done = issue(hPipe, 1);
    const transfers = [issue(hPipe, 9, USB_NO_WAIT), issue(hPipe, 9, 0, callback)];
    expect(AbortPipeTransfers(hPipe, 0)).toBe(true);
    expect(callback).toHaveBeenCalledTimes(1);
    const error = dword();
    for (const hTransfer of transfers) {
      expect(IsTransferComplete(hTransfer)).toBe(true);
      GetTransferStatus(hTransfer, dword(), error);
      expect(error[0]).toBe(USB_CANCELED_ERROR);
      expect(CloseTransfer(hTransfer)).toBe(true);
    }
    GetTransferStatus(done, dword(), error);
    expect(error[0]).toBe(0);
    expect(issue(hPipe, 1)).not.toBeNull();
  });

  it("with USB_NO_WAIT it returns at once", async () => {
    const hPipe = lab().openIn();
    const transfers = [issue(hPipe, 9, USB_NO_WAIT), issue(hPipe, 9, USB_NO_WAIT)];
    expect(AbortPipeTransfers(hPipe, USB_NO_WAIT)).toBe(true);
    expect(transfers.map(IsTransferComplete)).toStrictEqual([false, false]);
    await eventually(() => {
      expect(transfers.map(IsTransferComplete)).toStrictEqual([true, true]);
    });
  });

  it("a callback may close the transfers that it waits for", () => {
    const hPipe = lab().openIn();
    const first = issue(hPipe, 9, 0, () => [CloseTransfer(first), CloseTransfer(second)]);
    const second = issue(hPipe, 9, USB_NO_WAIT);
    expect(AbortPipeTransfers(hPipe, 0)).toBe(true);
    expect(CloseTransfer(second)).toBe(false);
  });

  it("says so where the transport cannot block, and aborts nothing", async () => {
    const hPipe = lab({ capabilities: { blocking: false } }).openIn();
    const hTransfer = issue(hPipe, 9, USB_NO_WAIT);
    expect(AbortPipeTransfers(hPipe, 0)).toBe(false);
    expect(failure()).toStrictEqual({ win32: ERROR_NOT_SUPPORTED, code: "unsupported" });
    await eventually(() => {
      expect(IsTransferComplete(hTransfer)).toBe(true);
    });
    const error = dword();
    GetTransferStatus(hTransfer, dword(), error);
    expect(error[0]).toBe(0);
    expect(AbortPipeTransfers(hPipe, 0)).toBe(true);
  });

  it("FALSE on a bad handle and for flags that it does not know", () => {
    const { hDevice, openIn } = lab();
    const hPipe = openIn();
    expect(AbortPipeTransfers(hPipe, USB_IN_TRANSFER)).toBe(false);
    expect(failure()).toStrictEqual({ win32: ERROR_INVALID_PARAMETER, code: "invalid-option" });
    for (const handle of badPipes(hDevice, hPipe)) {
      expect(AbortPipeTransfers(handle, 0)).toBe(false);
      expect(failure()).toStrictEqual({ win32: ERROR_INVALID_HANDLE, code: "pipe-closed" });
    }
  });
});

describe("IsPipeHalted, ResetPipe", () => {
  const halted = (hPipe: USB_PIPE) => {
    const out = dword();
    expect(IsPipeHalted(hPipe, out)).toBe(true);
    return out[0];
  };
  const firstError = (hPipe: USB_PIPE) => {
    const error = dword();
    GetIsochResults(issue(hPipe, 1), 1, null, error);
    return error[0];
  };

  it("IsPipeHalted tells, and ResetPipe ends the halt", () => {
    const { openIn, attachment } = lab();
    const hPipe = openIn();
    expect([halted(hPipe), firstError(hPipe)]).toStrictEqual([0, 0]);
    attachment.inject({ type: "halt", endpoint: inEndpoint, frame: 0 });
    expect([halted(hPipe), firstError(hPipe)]).toStrictEqual([1, USB_STALL_ERROR]);
    expect(ResetPipe(hPipe)).toBe(true);
    expect([halted(hPipe), firstError(hPipe)]).toStrictEqual([0, 0]);
  });

  it("fail on a bad handle, a device that is gone, and an out-parameter that is none", () => {
    const { hDevice, openIn, attachment } = lab();
    const hPipe = openIn();
    for (const bad of [null, new Uint32Array(0), [0], new Uint8Array(1)]) {
      expect(IsPipeHalted(hPipe, bad as Uint32Array)).toBe(false);
      expect(failure()).toStrictEqual({ win32: ERROR_INVALID_PARAMETER, code: "invalid-option" });
    }
    const out = dword();
    attachment.detach();
    expect([IsPipeHalted(hPipe, out), failure().win32]).toStrictEqual([false, ERROR_DEVICE_NOT_CONNECTED]);
    expect([ResetPipe(hPipe), failure().win32]).toStrictEqual([false, ERROR_DEVICE_NOT_CONNECTED]);
    for (const handle of badPipes(hDevice, hPipe)) {
      expect([IsPipeHalted(handle, out), failure().win32]).toStrictEqual([false, ERROR_INVALID_HANDLE]);
      expect([ResetPipe(handle), failure().win32]).toStrictEqual([false, ERROR_INVALID_HANDLE]);
    }
    expect(out).toStrictEqual(dword());
  });

  it("say so where the transport answers later", () => {
    const { openIn } = lab({
      wrap: altered((device) => ({
        controlTransfer: (setup, data) => later(device.controlTransfer(setup, data)),
        clearHalt: (address) => later(device.clearHalt(address)),
      })),
    });
    const hPipe = openIn();
    const out = dword();
    expect(IsPipeHalted(hPipe, out)).toBe(false);
    expect(failure()).toStrictEqual({ win32: ERROR_NOT_SUPPORTED, code: "unsupported" });
    expect(ResetPipe(hPipe)).toBe(false);
    expect(failure()).toStrictEqual({ win32: ERROR_NOT_SUPPORTED, code: "unsupported" });
    expect(out).toStrictEqual(dword());
  });
});

/** Isochronous IN endpoints with frames of 1 ms and 4 ms, in two interfaces. */
const twoRates: VirtualDevice = {
  speed: "full",
  deviceDescriptor: encodeDevice({ usbVersion: 0x0110, maxPacketSize0: 64, vendorId: 0x1209, productId: 2 }),
  configurationDescriptor: encodeConfiguration(
    2,
    encodeVendorInterface(0, 0, 0),
    encodeVendorInterface(0, 1, 1),
    encodeIsochEndpoint(0x81, 8, 1),
    encodeVendorInterface(1, 0, 0),
    encodeVendorInterface(1, 1, 1),
    encodeIsochEndpoint(0x82, 8, 3),
  ),
  endpoint: () => ({ direction: "in", produce: () => 8 }),
};

describe("GetFrameNumber, GetFrameLength", () => {
  it("the frame on the bus now, and its length in bit times, of the device", () => {
    const { hDevice, openIn, bus } = lab();
    const hPipe = openIn();
    issue(hPipe, 50);
    const [frame, length] = [dword(), Uint16Array.of(7)];
    expect(GetFrameNumber(hDevice, frame)).toBe(true);
    expect(frame[0]).toBe(bus.time / 1000);
    expect(frame[0]).toBeGreaterThan(50);
    expect(GetFrameLength(hDevice, length)).toBe(true);
    expect(length[0]).toBe(12_000);
  });

  it("at high speed the frame is a microframe", () => {
    const { hDevice, bus } = lab({ device: counterDevice({ speed: "high" }) });
    const hPipe = present(OpenPipe(hDevice, { endpoint: inEndpoint }));
    present(IssueIsochTransfer(hPipe, null, null, asapIn, 0, 80, lengths(80, 8), room(640), 0));
    const [frame, length] = [dword(), Uint16Array.of(7)];
    GetFrameNumber(hPipe, frame);
    expect(frame[0]).toBe(bus.time / 125);
    GetFrameLength(hPipe, length);
    expect(length[0]).toBe(1500);
  });

  it("of a pipe, where the pipes of the device have frames of different lengths", () => {
    const { hDevice, bus } = lab({ device: twoRates });
    const fast = present(OpenPipe(hDevice, { endpoint: 0x81 }));
    const frame = dword();
    expect(GetFrameNumber(hDevice, frame)).toBe(true);
    const slow = present(OpenPipe(hDevice, { endpoint: 0x82 }));
    present(IssueIsochTransfer(slow, null, null, asapIn, 0, 5, lengths(5, 8), room(40), 0));
    for (const ask of [GetFrameNumber, GetFrameLength]) {
      expect(ask(hDevice, frame)).toBe(false);
      expect(failure()).toStrictEqual({ win32: ERROR_INVALID_PARAMETER, code: "invalid-option" });
    }
    GetFrameNumber(fast, frame);
    expect(frame[0]).toBe(bus.time / 1000);
    GetFrameNumber(slow, frame);
    expect(frame[0]).toBe(bus.time / 4000);
    GetFrameLength(slow, frame);
    expect(frame[0]).toBe(48_000);
  });

  it("a length that does not fit is refused, not cut", () => {
    const endpoints = concatenate(encodeVendorInterface(0, 1, 1), encodeIsochEndpoint(0x81, 8, 4));
    const { hDevice } = lab({
      device: {
        ...twoRates,
        configurationDescriptor: encodeConfiguration(1, encodeVendorInterface(0, 0, 0), endpoints),
      },
    });
    present(OpenPipe(hDevice, { endpoint: 0x81 }));
    const [short, long] = [Uint16Array.of(7), dword()];
    expect(GetFrameLength(hDevice, short)).toBe(false);
    expect(failure()).toStrictEqual({ win32: ERROR_INVALID_PARAMETER, code: "invalid-option" });
    expect(short[0]).toBe(7);
    expect(GetFrameLength(hDevice, long)).toBe(true);
    expect(long[0]).toBe(96_000);
  });

  it("say so where the transport hides the bus clock, and where no pipe is open", () => {
    const { hDevice, openIn } = lab({ capabilities: { frameNumber: false } });
    const [frame, length] = [dword(), Uint16Array.of(7)];
    for (const ask of [() => GetFrameNumber(hDevice, frame), () => GetFrameLength(hDevice, length)]) {
      expect(ask()).toBe(false);
      expect(failure()).toStrictEqual({ win32: ERROR_NOT_SUPPORTED, code: "unsupported" });
    }
    const hPipe = openIn();
    expect(GetFrameNumber(hPipe, frame)).toBe(false);
    expect(failure()).toStrictEqual({ win32: ERROR_NOT_SUPPORTED, code: "unsupported" });
    expect(frame).toStrictEqual(dword());
    expect(GetFrameLength(hPipe, length)).toBe(true);
  });

  it("fail on a bad handle and an out-parameter that is none", () => {
    const { openIn, closeDevice, hDevice } = lab();
    const hPipe = openIn();
    for (const bad of [null, undefined, [0], new Uint32Array(0), new Uint8Array(1)] as Uint32Array[]) {
      for (const ask of [GetFrameNumber, GetFrameLength]) {
        expect(ask(hPipe, bad)).toBe(false);
        expect(failure()).toStrictEqual({ win32: ERROR_INVALID_PARAMETER, code: "invalid-option" });
      }
    }
    const hTransfer = issue(hPipe, 1);
    const asked = (handles: unknown[]) => {
      for (const handle of handles) {
        for (const ask of [GetFrameNumber, GetFrameLength]) {
          expect(ask(handle as USB_PIPE, dword())).toBe(false);
          expect(failure()).toStrictEqual({ win32: ERROR_INVALID_HANDLE, code: "pipe-closed" });
        }
      }
    };
    asked([null, undefined, {}, hTransfer]);
    closeDevice();
    asked([hPipe]);
    expect(GetFrameNumber(hDevice, dword())).toBe(false);
  });
});

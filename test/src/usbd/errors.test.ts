import { describe, expect, it } from "vitest";
import {
  frameStatuses,
  InvalidRequestError,
  IsochError,
  statusCodes,
  type FrameStatus,
  type IsochErrorCode,
} from "../../../src/index.js";
import * as usbd from "../../../src/usbd/index.js";
import { attempt } from "../../../src/usbd/last-error.js";
import { frameError, transferError } from "../../../src/usbd/usb-errors.js";
import { dword, inEndpoint, lab, lengths, maxIn, present, room } from "./lab.js";

const { USB_IN_TRANSFER } = usbd;

it("the flags have the numbers of Windows CE", () => {
  expect({
    USB_IN_TRANSFER: usbd.USB_IN_TRANSFER,
    USB_OUT_TRANSFER: usbd.USB_OUT_TRANSFER,
    USB_NO_WAIT: usbd.USB_NO_WAIT,
    USB_SHORT_TRANSFER_OK: usbd.USB_SHORT_TRANSFER_OK,
    USB_START_ISOCH_ASAP: usbd.USB_START_ISOCH_ASAP,
    USB_COMPRESS_ISOCH: usbd.USB_COMPRESS_ISOCH,
    USB_SEND_TO_DEVICE: usbd.USB_SEND_TO_DEVICE,
    USB_SEND_TO_INTERFACE: usbd.USB_SEND_TO_INTERFACE,
    USB_SEND_TO_ENDPOINT: usbd.USB_SEND_TO_ENDPOINT,
    USB_DONT_BLOCK_FOR_MEM: usbd.USB_DONT_BLOCK_FOR_MEM,
  }).toStrictEqual({
    USB_IN_TRANSFER: 0x80,
    USB_OUT_TRANSFER: 0x0,
    USB_NO_WAIT: 0x100,
    USB_SHORT_TRANSFER_OK: 0x200,
    USB_START_ISOCH_ASAP: 0x400,
    USB_COMPRESS_ISOCH: 0x800,
    USB_SEND_TO_DEVICE: 0x1000,
    USB_SEND_TO_INTERFACE: 0x2000,
    USB_SEND_TO_ENDPOINT: 0x4000,
    USB_DONT_BLOCK_FOR_MEM: 0x8000,
  });
});

it("the error codes have the numbers of Windows CE", () => {
  const codes = Object.entries(usbd).filter(([name]) => /^USB_.*ERROR$/.test(name));
  expect(Object.fromEntries(codes)).toStrictEqual({
    USB_NO_ERROR: 0,
    USB_CRC_ERROR: 1,
    USB_BIT_STUFFING_ERROR: 2,
    USB_DATA_TOGGLE_MISMATCH_ERROR: 3,
    USB_STALL_ERROR: 4,
    USB_DEVICE_NOT_RESPONDING_ERROR: 5,
    USB_PID_CHECK_FAILURE_ERROR: 6,
    USB_UNEXPECTED_PID_ERROR: 7,
    USB_DATA_OVERRUN_ERROR: 8,
    USB_DATA_UNDERRUN_ERROR: 9,
    USB_BUFFER_OVERRUN_ERROR: 0xc,
    USB_BUFFER_UNDERRUN_ERROR: 0xd,
    USB_NOT_ACCESSED_ERROR: 0xe,
    USB_ISOCH_ERROR: 0x100,
    USB_CANCELED_ERROR: 0x101,
    USB_NOT_COMPLETE_ERROR: 0x103,
    USB_CLIENT_BUFFER_ERROR: 0x104,
  });
});

it("every frame status has its error code", () => {
  const expected: Record<FrameStatus, number> = {
    ok: 0,
    crc: 1,
    "bit-stuffing": 2,
    "data-toggle-mismatch": 3,
    stall: 4,
    "device-not-responding": 5,
    "pid-check-failure": 6,
    "unexpected-pid": 7,
    "data-overrun": 8,
    "data-underrun": 9,
    "buffer-overrun": 0xc,
    "buffer-underrun": 0xd,
    "not-accessed": 0xe,
    failed: 0x100,
    cancelled: 0x101,
    "not-complete": 0x103,
    lost: 0xe,
  };
  expect(frameStatuses.map((status) => frameError(statusCodes[status]))).toStrictEqual(
    frameStatuses.map((status) => expected[status]),
  );
  expect(frameError(200)).toBe(usbd.USB_ISOCH_ERROR);

  // The others are what becomes of frames that have no packet.
  const ofPackets = frameStatuses.filter((status) => !["cancelled", "not-complete", "lost"].includes(status));
  const { openIn, attachment } = lab();
  const hPipe = openIn();
  const frames = ofPackets.length;
  const start = 10;
  for (const [i, status] of ofPackets.entries()) {
    attachment.inject({ type: "packet", endpoint: inEndpoint, frame: start + i, status });
  }
  const { IssueIsochTransfer, GetIsochResults } = usbd;
  const buffer = room(frames * maxIn);
  const hTransfer = IssueIsochTransfer(hPipe, null, null, USB_IN_TRANSFER, start, frames, lengths(frames), buffer, 0);
  const errors = new Uint32Array(frames);
  expect(GetIsochResults(hTransfer, frames, null, errors)).toBe(true);
  expect([...errors]).toStrictEqual(ofPackets.map((status) => expected[status]));
});

it("every outcome of a transfer has its error code", () => {
  const outcome = (frames: number, spoil: (bus: ReturnType<typeof lab>) => void, dwFlags = 0) => {
    const each = lab();
    const hPipe = each.openIn();
    spoil(each);
    const flags = USB_IN_TRANSFER | dwFlags;
    const buffer = room(frames * maxIn);
    const hTransfer = usbd.IssueIsochTransfer(hPipe, null, null, flags, 10, frames, lengths(frames), buffer, 0);
    usbd.AbortTransfer(hTransfer, 0);
    const error = dword();
    expect(usbd.GetTransferStatus(hTransfer, dword(), error)).toBe(true);
    return [usbd.isochResultsOf(hTransfer)?.error, error[0]];
  };
  const nothing = () => undefined;
  expect(outcome(4, nothing)).toStrictEqual(["ok", 0]);
  expect(
    outcome(4, ({ attachment }) => {
      attachment.inject({ type: "packet", endpoint: inEndpoint, frame: 12, status: "crc" });
    }),
  ).toStrictEqual(["isoch", 0x100]);
  expect(outcome(4, nothing, usbd.USB_NO_WAIT)).toStrictEqual(["cancelled", 0x101]);
  expect(
    outcome(4, ({ attachment }) => {
      attachment.inject({ type: "unplug", frame: 12 });
    }),
  ).toStrictEqual(["device-not-responding", 5]);
  expect(transferError("failed")).toBe(0x100);
});

it("every error of the library has its Win32 code, and what was thrown besides is ERROR_GEN_FAILURE", () => {
  const expected: Record<IsochErrorCode, number> = {
    "invalid-number": 87,
    "invalid-option": 87,
    "no-frames": 87,
    "length-out-of-range": 87,
    "length-mismatch": 87,
    "start-in-past": 87,
    "start-overlap": 87,
    "compact-with-dma": 87,
    "compact-out": 87,
    "wrong-direction": 87,
    "no-such-endpoint": 87,
    "not-isochronous": 87,
    "not-in-alternate": 87,
    "no-such-format": 87,
    "pipe-busy": 170,
    "interface-busy": 170,
    "access-denied": 5,
    "bandwidth-exceeded": 1450,
    "no-memory": 8,
    "no-such-device": 55,
    "device-gone": 1167,
    "not-configured": 31,
    "control-stalled": 31,
    "rate-refused": 31,
    "clock-invalid": 31,
    "transfer-closed": 6,
    "transfer-pending": 996,
    "pipe-closed": 6,
    overflow: 111,
    "backlog-full": 111,
    underrun: 31,
    "bad-frame": 31,
    unsupported: 50,
    "no-addon": 50,
    "bad-descriptor": 13,
    "bad-file": 13,
    "file-full": 31,
    "process-failed": 31,
    "protocol-error": 13,
    "transport-failed": 31,
  };
  const failed = (error: unknown) => {
    const result = attempt(false, () => {
      throw error;
    });
    return [result, usbd.GetLastError()];
  };
  for (const [code, win32] of Object.entries(expected)) {
    const error = new IsochError(code as IsochErrorCode, "a message");
    expect(failed(error)).toStrictEqual([false, win32]);
    expect(usbd.getLastIsochError()).toBe(error);
  }
  const other = new RangeError("out of range");
  expect(failed(other)).toStrictEqual([false, usbd.ERROR_GEN_FAILURE]);
  expect(usbd.getLastIsochError()).toMatchObject({ code: "transport-failed", cause: other });
});

describe("GetLastError", () => {
  it("is ERROR_SUCCESS, and no error is behind it, before a failure", () => {
    lab();
    expect([usbd.GetLastError(), usbd.getLastIsochError()]).toStrictEqual([usbd.ERROR_SUCCESS, null]);
  });

  it("stays until the next failure, and SetLastError replaces it", () => {
    const { openIn } = lab();
    usbd.CloseTransfer(null);
    expect(usbd.GetLastError()).toBe(usbd.ERROR_INVALID_HANDLE);
    const hPipe = openIn();
    expect(usbd.GetLastError()).toBe(usbd.ERROR_INVALID_HANDLE);
    usbd.IssueIsochTransfer(hPipe, null, null, USB_IN_TRANSFER, 0, 0, [], room(0), 0);
    expect(usbd.GetLastError()).toBe(usbd.ERROR_INVALID_PARAMETER);
    expect(usbd.getLastIsochError()).toBeInstanceOf(InvalidRequestError);
    expect(present(usbd.getLastIsochError()).message).toContain("at least one frame");
    usbd.SetLastError(0x1_0000_0007);
    expect([usbd.GetLastError(), usbd.getLastIsochError()]).toStrictEqual([7, null]);
  });
});

it("the Win32 codes have the numbers of Windows", () => {
  const codes = Object.entries(usbd).filter(([name]) => name.startsWith("ERROR_"));
  expect(Object.fromEntries(codes)).toStrictEqual({
    ERROR_SUCCESS: 0,
    ERROR_ACCESS_DENIED: 5,
    ERROR_INVALID_HANDLE: 6,
    ERROR_NOT_ENOUGH_MEMORY: 8,
    ERROR_INVALID_DATA: 13,
    ERROR_GEN_FAILURE: 31,
    ERROR_NOT_SUPPORTED: 50,
    ERROR_DEV_NOT_EXIST: 55,
    ERROR_INVALID_PARAMETER: 87,
    ERROR_BUFFER_OVERFLOW: 111,
    ERROR_BUSY: 170,
    ERROR_IO_INCOMPLETE: 996,
    ERROR_DEVICE_NOT_CONNECTED: 1167,
    ERROR_NO_SYSTEM_RESOURCES: 1450,
  });
});

import { describe, expect, it } from "vitest";
import {
  AbortTransfer,
  allocatePhysical,
  ClosePipe,
  CloseTransfer,
  ERROR_BUSY,
  ERROR_INVALID_HANDLE,
  ERROR_INVALID_PARAMETER,
  ERROR_NOT_SUPPORTED,
  freePhysical,
  IssueIsochTransfer,
  IsTransferComplete,
  OpenPipe,
  USB_COMPRESS_ISOCH,
  USB_IN_TRANSFER,
  USB_NO_WAIT,
  USB_START_ISOCH_ASAP,
  type PhysicalMemory,
  type USB_PIPE,
} from "../../../src/usbd/index.js";
import { readCounter } from "../../../transports/virtual/index.js";
import { eventually } from "../../support/eventually.js";
import { failure, inEndpoint, lab, lengths, outEndpoint, present, room } from "./lab.js";

const asapIn = USB_IN_TRANSFER | USB_START_ISOCH_ASAP;

/** Four frames of 16 bytes. */
const issue = (hPipe: USB_PIPE, buffer: Uint8Array, address: number, dwFlags = 0) =>
  IssueIsochTransfer(hPipe, null, null, asapIn | dwFlags, 0, 4, lengths(4, 16), buffer, address);

describe("uBufferPhysicalAddress", () => {
  it("0 is no physical address", () => {
    expect(issue(lab().openIn(), room(64), 0)).not.toBeNull();
  });

  it("takes memory from allocatePhysical with its address", () => {
    const { openIn, bus } = lab();
    const hPipe = openIn();
    const memory = present(allocatePhysical(hPipe, 64));
    expect(memory.address).not.toBe(0);
    expect(memory.bytes).toHaveLength(64);
    expect(bus.audit().dmaBuffers).toBe(1);
    expect(issue(hPipe, memory.bytes, memory.address)).not.toBeNull();
    expect(readCounter(memory.bytes, 48)).toBe(present(readCounter(memory.bytes)) + 3);
    expect(freePhysical(memory)).toBe(true);
    expect(bus.audit().dmaBuffers).toBe(0);
  });

  it("takes a part of it with the address of that part", () => {
    const hPipe = lab().openIn();
    const memory = present(allocatePhysical(hPipe, 256));
    const other = present(allocatePhysical(hPipe, 64));
    memory.bytes.fill(0xee);
    expect(issue(hPipe, memory.bytes.subarray(64, 128), memory.address + 64)).not.toBeNull();
    expect(readCounter(memory.bytes, 64)).not.toBe(readCounter(room(8)));
    expect(memory.bytes.subarray(0, 64)).toStrictEqual(room(64));
    expect(memory.bytes.subarray(128)).toStrictEqual(room(128));
    expect([freePhysical(memory), freePhysical(other)]).toStrictEqual([true, true]);
  });

  it("refuses an address that is not that of the buffer", () => {
    const { openIn, bus } = lab();
    const hPipe = openIn();
    const memory = present(allocatePhysical(hPipe, 128));
    const { bytes, address } = memory;
    const refused: [Uint8Array, number][] = [
      [room(64), address],
      [bytes.subarray(0, 64), address + 64],
      [bytes.subarray(64), address],
      [bytes.subarray(0, 64), 1],
    ];
    for (const [buffer, wrong] of refused) {
      expect(issue(hPipe, buffer, wrong)).toBeNull();
      expect(failure()).toStrictEqual({ win32: ERROR_INVALID_PARAMETER, code: "invalid-option" });
    }
    for (const none of [-1, 0.5, Number.NaN, null, undefined]) {
      expect(issue(hPipe, bytes.subarray(0, 64), none as number)).toBeNull();
      expect(failure()).toStrictEqual({ win32: ERROR_INVALID_PARAMETER, code: "invalid-number" });
    }
    freePhysical(memory);
    expect(issue(hPipe, bytes.subarray(0, 64), address)).toBeNull();
    expect(failure()).toStrictEqual({ win32: ERROR_INVALID_PARAMETER, code: "invalid-option" });
    expect(bus.audit().submitted).toBe(0);
  });

  it("USB_COMPRESS_ISOCH only without a physical address", () => {
    const hPipe = lab().openIn();
    const memory = present(allocatePhysical(hPipe, 64));
    expect(issue(hPipe, memory.bytes, memory.address, USB_COMPRESS_ISOCH)).toBeNull();
    expect(failure()).toStrictEqual({ win32: ERROR_INVALID_PARAMETER, code: "compact-with-dma" });
    expect(issue(hPipe, memory.bytes, 0, USB_COMPRESS_ISOCH)).not.toBeNull();
    freePhysical(memory);
  });

  it("serves the other pipes of the device, and outlives its pipe", () => {
    const { hDevice } = lab();
    const hIn = present(OpenPipe(hDevice, { endpoint: inEndpoint, alternate: 3 }));
    const hOut = present(OpenPipe(hDevice, { endpoint: outEndpoint, alternate: 3 }));
    const memory = present(allocatePhysical(hOut, 64));
    expect(ClosePipe(hOut)).toBe(true);
    expect(issue(hIn, memory.bytes, memory.address)).not.toBeNull();
    expect(freePhysical(memory)).toBe(true);
  });
});

describe("allocatePhysical", () => {
  it("says so where the transport has no such memory", () => {
    const hPipe = lab({ capabilities: { dma: false } }).openIn();
    expect(allocatePhysical(hPipe, 64)).toBeNull();
    expect(failure()).toStrictEqual({ win32: ERROR_NOT_SUPPORTED, code: "unsupported" });
  });

  it("NULL for a size that is none, and on a bad handle", () => {
    const { openIn, hDevice } = lab();
    const hPipe = openIn();
    for (const size of [0, -1, 0.5, Number.NaN, 2 ** 40]) {
      expect(allocatePhysical(hPipe, size)).toBeNull();
      expect(failure()).toStrictEqual({ win32: ERROR_INVALID_PARAMETER, code: "invalid-number" });
    }
    ClosePipe(hPipe);
    for (const handle of [null, hPipe, hDevice] as USB_PIPE[]) {
      expect(allocatePhysical(handle, 64)).toBeNull();
      expect(failure()).toStrictEqual({ win32: ERROR_INVALID_HANDLE, code: "pipe-closed" });
    }
  });
});

describe("freePhysical", () => {
  it("memory in flight is busy, and free when the transfer is complete", () => {
    const { openIn, bus } = lab();
    const hPipe = openIn();
    const memory = present(allocatePhysical(hPipe, 64));
    const hTransfer = issue(hPipe, memory.bytes, memory.address, USB_NO_WAIT);
    expect(freePhysical(memory)).toBe(false);
    expect(failure().win32).toBe(ERROR_BUSY);
    expect(bus.audit().dmaBuffers).toBe(1);
    AbortTransfer(hTransfer, 0);
    expect(freePhysical(memory)).toBe(true);
  });

  it("memory of a transfer that was closed in flight is busy until the transport lets go of it", async () => {
    const hPipe = lab({ capabilities: { blocking: false } }).openIn();
    const memory = present(allocatePhysical(hPipe, 64));
    const hTransfer = issue(hPipe, memory.bytes, memory.address, USB_NO_WAIT);
    CloseTransfer(hTransfer);
    expect(freePhysical(memory)).toBe(false);
    expect(failure().win32).toBe(ERROR_BUSY);
    await eventually(() => {
      expect(freePhysical(memory)).toBe(true);
    });
  });

  it("can be called in the callback", async () => {
    const hPipe = lab().openIn();
    const memory = present(allocatePhysical(hPipe, 64));
    const { bytes, address } = memory;
    const result = await new Promise((resolve) => {
      const hTransfer = IssueIsochTransfer(
        hPipe,
        () => {
          resolve([IsTransferComplete(hTransfer), freePhysical(memory)]);
        },
        null,
        asapIn,
        0,
        4,
        lengths(4, 16),
        bytes,
        address,
      );
    });
    expect(result).toStrictEqual([true, true]);
  });

  it("FALSE for what is no such memory, or was freed", () => {
    const hPipe = lab().openIn();
    const memory = present(allocatePhysical(hPipe, 64));
    freePhysical(memory);
    for (const none of [null, undefined, {}, 4096, { ...memory }, memory] as PhysicalMemory[]) {
      expect(freePhysical(none)).toBe(false);
      expect(failure()).toStrictEqual({ win32: ERROR_INVALID_PARAMETER, code: "invalid-option" });
    }
  });
});

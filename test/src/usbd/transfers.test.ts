import { describe, expect, it, vi } from "vitest";
import {
  AbortTransfer,
  CloseTransfer,
  ERROR_INVALID_HANDLE,
  ERROR_INVALID_PARAMETER,
  ERROR_IO_INCOMPLETE,
  ERROR_NOT_SUPPORTED,
  ERROR_SUCCESS,
  GetIsochResults,
  GetLastError,
  GetTransferStatus,
  isochResultsOf,
  IssueIsochTransfer,
  IsTransferComplete,
  USB_CANCELED_ERROR,
  USB_CRC_ERROR,
  USB_IN_TRANSFER,
  USB_ISOCH_ERROR,
  USB_NO_ERROR,
  USB_NO_WAIT,
  USB_NOT_COMPLETE_ERROR,
  USB_START_ISOCH_ASAP,
  type USB_PIPE,
  type USB_TRANSFER,
} from "../../../src/usbd/index.js";
import { readCounter } from "../../../transports/virtual/index.js";
import { marbleBus } from "../../../transports/virtual/testing/index.js";
import { eventually } from "../../support/eventually.js";
import { marbles } from "../../support/marbles.js";
import { dword, failure, inEndpoint, lab, lengths, maxIn, present, room } from "./lab.js";

/** An IN transfer from a frame on: synchronous, unless flags say otherwise. */
function issueAt(hPipe: USB_PIPE, start: number, frames: number, dwFlags = 0, buffer = room(frames * maxIn)) {
  const flags = USB_IN_TRANSFER | dwFlags;
  return present(IssueIsochTransfer(hPipe, null, null, flags, start, frames, lengths(frames), buffer, 0));
}

const badHandles = (hPipe: USB_PIPE): USB_TRANSFER[] => {
  const closed = issueAt(hPipe, 500, 1);
  CloseTransfer(closed);
  return [null, undefined, 0, 257, "t", {}, hPipe, closed] as USB_TRANSFER[];
};

describe("IsTransferComplete", () => {
  it("TRUE once complete, and it never blocks", () => {
    const { openIn, bus } = lab();
    const hPipe = openIn();
    const pending = issueAt(hPipe, 20, 4, USB_NO_WAIT);
    const before = bus.time;
    expect(IsTransferComplete(pending)).toBe(false);
    expect([bus.time, GetLastError()]).toStrictEqual([before, ERROR_SUCCESS]);
    issueAt(hPipe, 24, 1);
    expect(IsTransferComplete(pending)).toBe(true);
  });

  it("FALSE on a bad handle", () => {
    for (const handle of badHandles(lab().openIn())) {
      expect(IsTransferComplete(handle)).toBe(false);
      expect(failure()).toStrictEqual({ win32: ERROR_INVALID_HANDLE, code: "transfer-closed" });
    }
  });
});

describe("GetTransferStatus", () => {
  it("TRUE for a valid handle, with the bytes and no error", () => {
    const hTransfer = issueAt(lab().openIn(), 10, 3);
    const [bytes, error] = [dword(), dword()];
    expect(GetTransferStatus(hTransfer, bytes, error)).toBe(true);
    expect([bytes[0], error[0]]).toStrictEqual([3 * maxIn, USB_NO_ERROR]);
  });

  it("an errored transfer still carries data", () => {
    const { openIn, attachment } = lab();
    const hPipe = openIn();
    attachment.inject({ type: "packet", endpoint: inEndpoint, frame: 11, status: "stall" });
    const buffer = room(3 * maxIn);
    const hTransfer = issueAt(hPipe, 10, 3, 0, buffer);
    const [bytes, error] = [dword(), dword()];
    expect(GetTransferStatus(hTransfer, bytes, error)).toBe(true);
    expect([bytes[0], error[0]]).toStrictEqual([2 * maxIn, USB_ISOCH_ERROR]);
    expect(readCounter(buffer, 2 * maxIn)).toBe(present(readCounter(buffer)) + 2);
  });

  it("while pending: 0 bytes, NO_ERROR, also after an abort that did not wait", () => {
    const hPipe = lab().openIn();
    const hTransfer = issueAt(hPipe, 20, 4, USB_NO_WAIT);
    for (const abort of [false, true]) {
      if (abort) AbortTransfer(hTransfer, USB_NO_WAIT);
      const [bytes, error] = [dword(), dword()];
      expect(GetTransferStatus(hTransfer, bytes, error)).toBe(true);
      expect([bytes[0], error[0]]).toStrictEqual([0, USB_NO_ERROR]);
    }
  });

  it("FALSE on a bad handle, with nothing written", () => {
    for (const handle of badHandles(lab().openIn())) {
      const [bytes, error] = [dword(), dword()];
      expect(GetTransferStatus(handle, bytes, error)).toBe(false);
      expect(failure()).toStrictEqual({ win32: ERROR_INVALID_HANDLE, code: "transfer-closed" });
      expect([bytes, error]).toStrictEqual([dword(), dword()]);
    }
  });

  it("FALSE for an out-parameter that is none, with nothing written", () => {
    const hTransfer = issueAt(lab().openIn(), 10, 3);
    for (const bad of [null, undefined, new Uint32Array(0), [0], new Uint16Array(1)] as Uint32Array[]) {
      const good = dword();
      for (const [bytes, error] of [
        [bad, good],
        [good, bad],
      ] as const) {
        expect(GetTransferStatus(hTransfer, bytes, error)).toBe(false);
        expect(failure()).toStrictEqual({ win32: ERROR_INVALID_PARAMETER, code: "invalid-option" });
      }
      expect(good).toStrictEqual(dword());
    }
  });
});

describe("GetIsochResults", () => {
  const spoiled = () => Uint32Array.of(9, 9, 9, 9, 9);

  const oneBad = () => {
    const { openIn, attachment } = lab();
    const hPipe = openIn();
    attachment.inject({ type: "packet", endpoint: inEndpoint, frame: 11, status: "crc", actual: 100 });
    return { hPipe, hTransfer: issueAt(hPipe, 10, 3) };
  };

  it("bytes and error of each frame of a complete transfer", () => {
    const { hTransfer } = oneBad();
    const [bytes, errors] = [new Uint32Array(3), new Uint32Array(3)];
    expect(GetIsochResults(hTransfer, 3, bytes, errors)).toBe(true);
    expect(bytes).toStrictEqual(Uint32Array.of(maxIn, 100, maxIn));
    expect(errors).toStrictEqual(Uint32Array.of(USB_NO_ERROR, USB_CRC_ERROR, USB_NO_ERROR));
  });

  it("FALSE while the transfer is pending, with the arrays zeroed", () => {
    const hTransfer = issueAt(lab().openIn(), 20, 3, USB_NO_WAIT);
    const [bytes, errors] = [spoiled(), spoiled()];
    expect(GetIsochResults(hTransfer, 3, bytes, errors)).toBe(false);
    expect(failure()).toStrictEqual({ win32: ERROR_IO_INCOMPLETE, code: "transfer-pending" });
    expect([bytes, errors]).toStrictEqual([Uint32Array.of(0, 0, 0, 9, 9), Uint32Array.of(0, 0, 0, 9, 9)]);
  });

  it("zeroes cFrames entries first, and fills those of the transfer's frames", () => {
    const { hTransfer } = oneBad();
    const [bytes, errors] = [spoiled(), spoiled()];
    expect(GetIsochResults(hTransfer, 4, bytes, errors)).toBe(true);
    expect(bytes).toStrictEqual(Uint32Array.of(maxIn, 100, maxIn, 0, 9));
    expect(errors).toStrictEqual(Uint32Array.of(0, USB_CRC_ERROR, 0, 0, 9));
  });

  it("fills cFrames entries where the transfer has more frames", () => {
    const { hTransfer } = oneBad();
    const [bytes, errors] = [spoiled(), spoiled()];
    expect(GetIsochResults(hTransfer, 2, bytes, errors)).toBe(true);
    expect(bytes).toStrictEqual(Uint32Array.of(maxIn, 100, 9, 9, 9));
    expect(errors).toStrictEqual(Uint32Array.of(0, USB_CRC_ERROR, 9, 9, 9));
    expect(GetIsochResults(hTransfer, 0, bytes, errors)).toBe(true);
    expect(bytes).toStrictEqual(Uint32Array.of(maxIn, 100, 9, 9, 9));
  });

  it("is repeatable until the transfer is closed", () => {
    const { hTransfer } = oneBad();
    const read = () => {
      const bytes = spoiled();
      return { result: GetIsochResults(hTransfer, 5, bytes, null), bytes };
    };
    const first = read();
    expect(first.result).toBe(true);
    expect(read()).toStrictEqual(first);
    CloseTransfer(hTransfer);
    expect(read()).toStrictEqual({ result: false, bytes: spoiled() });
  });

  it("either array may be NULL", () => {
    const { hTransfer } = oneBad();
    const [bytes, errors] = [new Uint32Array(3), new Uint32Array(3)];
    expect(GetIsochResults(hTransfer, 3, bytes, null)).toBe(true);
    expect(GetIsochResults(hTransfer, 3, null, errors)).toBe(true);
    expect(GetIsochResults(hTransfer, 3, null, null)).toBe(true);
    expect([bytes[1], errors[1]]).toStrictEqual([100, USB_CRC_ERROR]);
  });

  it("FALSE on a bad handle, and for arrays without room, with nothing written", () => {
    const { hPipe, hTransfer } = oneBad();
    for (const handle of badHandles(hPipe)) {
      const bytes = spoiled();
      expect(GetIsochResults(handle, 3, bytes, null)).toBe(false);
      expect(failure()).toStrictEqual({ win32: ERROR_INVALID_HANDLE, code: "transfer-closed" });
      expect(bytes).toStrictEqual(spoiled());
    }
    const bytes = spoiled();
    for (const bad of [new Uint32Array(2), undefined, [0, 0, 0], new Uint8Array(3)] as Uint32Array[]) {
      expect(GetIsochResults(hTransfer, 3, bytes, bad)).toBe(false);
      expect(failure()).toStrictEqual({ win32: ERROR_INVALID_PARAMETER, code: "invalid-option" });
    }
    for (const count of [-1, Number.NaN, 1.5]) {
      expect(GetIsochResults(hTransfer, count, bytes, null)).toBe(false);
      expect(failure()).toStrictEqual({ win32: ERROR_INVALID_PARAMETER, code: "invalid-number" });
    }
    expect(bytes).toStrictEqual(spoiled());
  });
});

describe("isochResultsOf", () => {
  it("the frame, the loss, the time and the codes that the calls have no room for; valid after the close", () => {
    const hPipe = lab().openIn();
    issueAt(hPipe, 10, 2);
    const hTransfer = issueAt(hPipe, 20, 3);
    const results = present(isochResultsOf(hTransfer));
    CloseTransfer(hTransfer);
    expect(results).toMatchObject({ firstFrame: 20, lost: 8, length: 3, timestamp: 23_000, nativeStatuses: undefined });
    expect(isochResultsOf(hTransfer)).toBeNull();
    expect(failure().win32).toBe(ERROR_INVALID_HANDLE);
  });

  it("NULL while the transfer is pending", () => {
    expect(isochResultsOf(issueAt(lab().openIn(), 20, 3, USB_NO_WAIT))).toBeNull();
    expect(failure()).toStrictEqual({ win32: ERROR_IO_INCOMPLETE, code: "transfer-pending" });
  });
});

describe("AbortTransfer", () => {
  const error = (hTransfer: USB_TRANSFER | null) => {
    const [bytes, errors] = [dword(), dword()];
    GetTransferStatus(hTransfer, bytes, errors);
    return errors[0];
  };

  it("blocks until the transfer is cancelled; the error becomes CANCELED", () => {
    const { openIn, bus } = lab();
    const hTransfer = issueAt(openIn(), 1_000_000, 4, USB_NO_WAIT);
    expect(AbortTransfer(hTransfer, 0)).toBe(true);
    expect(IsTransferComplete(hTransfer)).toBe(true);
    expect(error(hTransfer)).toBe(USB_CANCELED_ERROR);
    expect(bus.time).toBeLessThan(1_000_000);
  });

  it("with USB_NO_WAIT it returns at once, and the cancellation follows", async () => {
    const hTransfer = issueAt(lab().openIn(), 1_000_000, 4, USB_NO_WAIT);
    expect(AbortTransfer(hTransfer, USB_NO_WAIT)).toBe(true);
    expect(IsTransferComplete(hTransfer)).toBe(false);
    await eventually(() => {
      expect(IsTransferComplete(hTransfer)).toBe(true);
    });
    expect(error(hTransfer)).toBe(USB_CANCELED_ERROR);
  });

  it("the callback still runs, before a blocking abort returns", () => {
    const hPipe = lab().openIn();
    const callback = vi.fn();
    const flags = USB_IN_TRANSFER | USB_START_ISOCH_ASAP;
    const hTransfer = IssueIsochTransfer(hPipe, callback, "p", flags, 0, 4, lengths(4), room(4 * maxIn), 0);
    expect(AbortTransfer(hTransfer, 0)).toBe(true);
    expect(callback.mock.calls).toStrictEqual([["p"]]);
  });

  it("already complete: TRUE, and nothing happens", () => {
    const { openIn, bus } = lab();
    const hTransfer = issueAt(openIn(), 10, 3);
    const before = bus.audit();
    for (const dwFlags of [0, USB_NO_WAIT]) expect(AbortTransfer(hTransfer, dwFlags)).toBe(true);
    expect(error(hTransfer)).toBe(USB_NO_ERROR);
    expect(bus.audit()).toStrictEqual(before);
  });

  it("the handle must still be closed", () => {
    const hTransfer = issueAt(lab().openIn(), 1_000_000, 4, USB_NO_WAIT);
    AbortTransfer(hTransfer, 0);
    expect(AbortTransfer(hTransfer, 0)).toBe(true);
    expect(CloseTransfer(hTransfer)).toBe(true);
    expect(AbortTransfer(hTransfer, 0)).toBe(false);
    expect(failure().win32).toBe(ERROR_INVALID_HANDLE);
  });

  it(
    "keeps the results of frames that had finished; the others read NOT_COMPLETE with 0 bytes",
    marbles((m) => {
      const { openIn } = lab({ bus: marbleBus(m.scheduler) });
      const hTransfer = issueAt(openIn(), 2, 5, USB_NO_WAIT);
      m.scheduler.schedule(() => AbortTransfer(hTransfer, USB_NO_WAIT), 5);
      m.flush();
      const [bytes, errors, status] = [new Uint32Array(5), new Uint32Array(5), dword()];
      expect(GetIsochResults(hTransfer, 5, bytes, errors)).toBe(true);
      expect(bytes).toStrictEqual(Uint32Array.of(maxIn, maxIn, maxIn, 0, 0));
      expect(errors).toStrictEqual(Uint32Array.of(0, 0, 0, USB_NOT_COMPLETE_ERROR, USB_NOT_COMPLETE_ERROR));
      GetTransferStatus(hTransfer, status, dword());
      expect(status[0]).toBe(3 * maxIn);
    }),
  );

  it("leaves the other transfers of the pipe alone", () => {
    const hPipe = lab().openIn();
    const [first, second] = [issueAt(hPipe, 20, 4, USB_NO_WAIT), issueAt(hPipe, 30, 4, USB_NO_WAIT)];
    AbortTransfer(first, 0);
    expect([IsTransferComplete(first), IsTransferComplete(second)]).toStrictEqual([true, false]);
    issueAt(hPipe, 40, 1);
    expect(error(second)).toBe(USB_NO_ERROR);
  });

  it("says so where the transport cannot block, and aborts nothing", async () => {
    const hPipe = lab({ capabilities: { blocking: false } }).openIn();
    const hTransfer = issueAt(hPipe, 20, 4, USB_NO_WAIT);
    expect(AbortTransfer(hTransfer, 0)).toBe(false);
    expect(failure()).toStrictEqual({ win32: ERROR_NOT_SUPPORTED, code: "unsupported" });
    await eventually(() => {
      expect(IsTransferComplete(hTransfer)).toBe(true);
    });
    expect(error(hTransfer)).toBe(USB_NO_ERROR);
    expect(AbortTransfer(hTransfer, 0)).toBe(true);
  });

  it("where the transport cannot cancel, the transfer runs to its end", () => {
    const { openIn, bus } = lab({ capabilities: { cancel: "none" } });
    const hTransfer = issueAt(openIn(), 20, 4, USB_NO_WAIT);
    expect(AbortTransfer(hTransfer, 0)).toBe(true);
    expect(bus.time).toBe(24_000);
    expect(error(hTransfer)).toBe(USB_NO_ERROR);
  });

  it("FALSE on a bad handle and for flags that it does not know", () => {
    const hPipe = lab().openIn();
    for (const handle of badHandles(hPipe)) {
      expect(AbortTransfer(handle, 0)).toBe(false);
      expect(failure()).toStrictEqual({ win32: ERROR_INVALID_HANDLE, code: "transfer-closed" });
    }
    const hTransfer = issueAt(hPipe, 1000, 4, USB_NO_WAIT);
    for (const dwFlags of [1, USB_IN_TRANSFER, -1, Number.NaN]) {
      expect(AbortTransfer(hTransfer, dwFlags)).toBe(false);
      expect(failure().win32).toBe(ERROR_INVALID_PARAMETER);
    }
    expect(IsTransferComplete(hTransfer)).toBe(false);
  });
});

describe("CloseTransfer", () => {
  it("aborts first if the transfer is in progress, and gives the buffer back", () => {
    const { openIn, bus } = lab();
    const hPipe = openIn();
    const buffer = room(4 * maxIn);
    const hTransfer = issueAt(hPipe, 1_000_000, 4, USB_NO_WAIT, buffer);
    expect(bus.audit().inFlight).toBe(1);
    expect(CloseTransfer(hTransfer)).toBe(true);
    expect(bus.audit().inFlight).toBe(0);
    issueAt(hPipe, 20, 4, 0, buffer);
  });

  it("results do not survive it", () => {
    const hTransfer = issueAt(lab().openIn(), 10, 3);
    expect(CloseTransfer(hTransfer)).toBe(true);
    expect(GetIsochResults(hTransfer, 3, new Uint32Array(3), null)).toBe(false);
    expect(GetTransferStatus(hTransfer, dword(), dword())).toBe(false);
    expect(IsTransferComplete(hTransfer)).toBe(false);
  });

  it("a second close fails", () => {
    const hTransfer = issueAt(lab().openIn(), 10, 3);
    expect(CloseTransfer(hTransfer)).toBe(true);
    expect(CloseTransfer(hTransfer)).toBe(false);
    expect(failure()).toStrictEqual({ win32: ERROR_INVALID_HANDLE, code: "transfer-closed" });
  });

  it("no callback comes after it returned", async () => {
    for (const blocking of [true, false]) {
      const hPipe = lab({ capabilities: { blocking } }).openIn();
      const callback = vi.fn();
      const flags = USB_IN_TRANSFER | USB_START_ISOCH_ASAP;
      for (const abort of [false, true]) {
        const hTransfer = IssueIsochTransfer(hPipe, callback, 1, flags, 0, 2, lengths(2), room(2 * maxIn), 0);
        if (abort) AbortTransfer(hTransfer, USB_NO_WAIT);
        expect(CloseTransfer(hTransfer)).toBe(true);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(callback).not.toHaveBeenCalled();
    }
  });

  it("leaves the other transfers of the pipe alone", () => {
    const hPipe = lab().openIn();
    const [first, second] = [issueAt(hPipe, 20, 4, USB_NO_WAIT), issueAt(hPipe, 30, 4, USB_NO_WAIT)];
    CloseTransfer(first);
    issueAt(hPipe, 40, 1);
    expect(isochResultsOf(second)).toMatchObject({ firstFrame: 30, bytesTransferred: 4 * maxIn, error: "ok" });
  });

  it("FALSE on a bad handle", () => {
    for (const handle of badHandles(lab().openIn())) {
      expect(CloseTransfer(handle)).toBe(false);
      expect(failure()).toStrictEqual({ win32: ERROR_INVALID_HANDLE, code: "transfer-closed" });
    }
  });
});

import { Observable } from "rxjs";
import { describe, expect, it, vi } from "vitest";
import {
  AbortTransfer,
  CloseTransfer,
  ClosePipe,
  ERROR_DEVICE_NOT_CONNECTED,
  ERROR_INVALID_HANDLE,
  ERROR_INVALID_PARAMETER,
  ERROR_NOT_SUPPORTED,
  ERROR_SUCCESS,
  GetFrameNumber,
  GetIsochResults,
  GetLastError,
  GetTransferStatus,
  isochResultsOf,
  IssueIsochTransfer,
  IsTransferComplete,
  OpenPipe,
  SetLastError,
  USB_COMPRESS_ISOCH,
  USB_DEVICE_NOT_RESPONDING_ERROR,
  USB_DONT_BLOCK_FOR_MEM,
  USB_IN_TRANSFER,
  USB_NO_ERROR,
  USB_NO_WAIT,
  USB_OUT_TRANSFER,
  USB_SEND_TO_DEVICE,
  USB_SEND_TO_ENDPOINT,
  USB_SEND_TO_INTERFACE,
  USB_SHORT_TRANSFER_OK,
  USB_START_ISOCH_ASAP,
  type USB_PIPE,
  type USB_TRANSFER,
} from "../../../src/usbd/index.js";
import {
  counterDevice,
  readCounter,
  realTimeClock,
  unpacedClock,
  writeCounter,
  type BusClock,
} from "../../../transports/virtual/index.js";
import { marbleBus } from "../../../transports/virtual/testing/index.js";
import { eventually } from "../../support/eventually.js";
import { marbles } from "../../support/marbles.js";
import { observedIn, observedMax, ObservedDevice, packetLength } from "../../support/observed-device.js";
import { dword, failure, inEndpoint, lab, lengths, maxIn, outEndpoint, present, room, type LabOptions } from "./lab.js";

const asapIn = USB_IN_TRANSFER | USB_START_ISOCH_ASAP;

/** A synchronous IN transfer as soon as possible. */
function receive(hPipe: USB_PIPE, each: Uint32Array, buffer: Uint8Array, dwFlags = 0): USB_TRANSFER {
  return present(IssueIsochTransfer(hPipe, null, null, asapIn | dwFlags, 0, each.length, each, buffer, 0));
}

/** A lab on the time of a test scheduler, where a marble frame is a frame of the bus. */
function marbleLab(scheduler: Parameters<typeof marbleBus>[0], options: LabOptions = {}) {
  return lab({ bus: marbleBus(scheduler), ...options });
}

/** Issues at the subscription, emits what the callback gets, and completes with it. */
function issued<T>(issue: (callback: (parameter: T) => void) => USB_TRANSFER | null): Observable<T> {
  return new Observable<T>((subscriber) => {
    present(
      issue((parameter) => {
        subscriber.next(parameter);
        subscriber.complete();
      }),
    );
  });
}

describe("hPipe", () => {
  it("takes the handle of an open pipe", () => {
    const hPipe = lab().openIn();
    expect(CloseTransfer(receive(hPipe, lengths(1), room(maxIn)))).toBe(true);
  });

  it("refuses what is not the handle of an open pipe", () => {
    const { hDevice, openIn } = lab();
    const hPipe = openIn();
    const hTransfer = receive(hPipe, lengths(1), room(maxIn));
    const foreign: unknown[] = [null, undefined, 0, 1, "0x81", {}, Object.create(null), hDevice, hTransfer];
    for (const handle of foreign) {
      const issue = () => IssueIsochTransfer(handle as USB_PIPE, null, null, asapIn, 0, 1, lengths(1), room(maxIn), 0);
      expect(issue()).toBeNull();
      expect(failure()).toStrictEqual({ win32: ERROR_INVALID_HANDLE, code: "pipe-closed" });
    }
    ClosePipe(hPipe);
    expect(IssueIsochTransfer(hPipe, null, null, asapIn, 0, 1, lengths(1), room(maxIn), 0)).toBeNull();
    expect(failure()).toStrictEqual({ win32: ERROR_INVALID_HANDLE, code: "pipe-closed" });
  });
});

describe("lpStartAddress, lpvNotifyParameter", () => {
  it("calls the routine once, with its parameter, when the transfer is complete", async () => {
    const hPipe = lab().openIn();
    const parameter = { name: "context" };
    const calls: unknown[] = [];
    await new Promise<void>((resolve) => {
      const hTransfer = IssueIsochTransfer(
        hPipe,
        (...given: unknown[]) => {
          calls.push([...given, IsTransferComplete(hTransfer)]);
          setTimeout(resolve, 20);
        },
        parameter,
        asapIn,
        0,
        2,
        lengths(2),
        room(2 * maxIn),
        0,
      );
      expect(calls).toStrictEqual([]);
    });
    expect(calls).toStrictEqual([[parameter, true]]);
    expect((calls[0] as unknown[])[0]).toBe(parameter);
  });

  it(
    "calls the routine on the frame after the last of the transfer",
    marbles((m) => {
      const { openIn } = marbleLab(m.scheduler);
      const hPipe = openIn();
      const done = issued<string>((callback) =>
        IssueIsochTransfer(hPipe, callback, "p", asapIn, 0, 4, lengths(4), room(4 * maxIn), 0),
      );
      m.expect(done).toBeObservable("----(p|)");
    }),
  );

  it("refuses a routine that is none", () => {
    const hPipe = lab().openIn();
    for (const routine of [undefined, 0, 0x1000, {}, "f"]) {
      const issue = () => IssueIsochTransfer(hPipe, routine as never, null, asapIn, 0, 1, lengths(1), room(maxIn), 0);
      expect(issue()).toBeNull();
      expect(failure()).toStrictEqual({ win32: ERROR_INVALID_PARAMETER, code: "invalid-option" });
    }
  });

  it("a routine that throws disturbs neither the caller nor the other transfers", async () => {
    const { openIn } = lab();
    const hPipe = openIn();
    const failures: unknown[] = [];
    const listeners = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    process.once("uncaughtException", (error) => failures.push(error));
    const fault = new Error("a bug in the driver");
    const throwing = () => {
      throw fault;
    };
    const first = IssueIsochTransfer(hPipe, throwing, null, asapIn, 0, 1, lengths(1), room(maxIn), 0);
    const second = receive(hPipe, lengths(1), room(maxIn));
    expect([IsTransferComplete(first), IsTransferComplete(second)]).toStrictEqual([true, true]);
    await eventually(() => {
      expect(failures).toStrictEqual([fault]);
    });
    for (const listener of listeners) process.on("uncaughtException", listener);
  });

  it("a routine may issue the next transfer, close its own, and block", async () => {
    const hPipe = lab().openIn();
    const log: unknown[] = [];
    await new Promise<void>((resolve) => {
      const first = IssueIsochTransfer(
        hPipe,
        () => {
          log.push(CloseTransfer(first));
          const inside = receive(hPipe, lengths(3), room(3 * maxIn));
          log.push(IsTransferComplete(inside), CloseTransfer(inside));
          IssueIsochTransfer(hPipe, resolve, undefined, asapIn, 0, 1, lengths(1), room(maxIn), 0);
        },
        null,
        asapIn,
        0,
        1,
        lengths(1),
        room(maxIn),
        0,
      );
    });
    expect(log).toStrictEqual([true, true, true]);
  });
});

describe("USB_START_ISOCH_ASAP", () => {
  it("starts as soon as possible and ignores dwStartingFrame", () => {
    const { openIn, bus } = lab({ asapDelay: 2 });
    const hPipe = openIn();
    for (const ignored of [0, 1_000_000, 0xffff_ffff, Number.NaN, -1]) {
      const now = Math.ceil(bus.time / 1000);
      const hTransfer = present(IssueIsochTransfer(hPipe, null, null, asapIn, ignored, 1, lengths(1), room(maxIn), 0));
      expect(isochResultsOf(hTransfer)?.firstFrame).toBe(now + 2);
    }
  });

  it("starts directly after what is queued", () => {
    const { openIn } = lab({ asapDelay: 5 });
    const hPipe = openIn();
    const issue = (dwFlags: number, start: number, frames: number) =>
      present(IssueIsochTransfer(hPipe, null, null, dwFlags, start, frames, lengths(frames), room(frames * maxIn), 0));
    const first = issue(asapIn | USB_NO_WAIT, 0, 4);
    const second = issue(asapIn | USB_NO_WAIT, 0, 3);
    const third = issue(asapIn, 0, 1);
    const starts = [first, second, third].map((each) => isochResultsOf(each)?.firstFrame);
    expect(starts).toStrictEqual([5, 9, 12]);
  });
});

describe("dwStartingFrame", () => {
  it(
    "starts on the frame that it names",
    marbles((m) => {
      const { openIn } = marbleLab(m.scheduler);
      const hPipe = openIn();
      const done = issued<string>((callback) =>
        IssueIsochTransfer(hPipe, callback, "p", USB_IN_TRANSFER, 5, 2, lengths(2), room(2 * maxIn), 0),
      );
      m.expect(done).toBeObservable("-------(p|)");
    }),
  );

  it("takes the sum of what GetFrameNumber gave and a distance", () => {
    const { openIn, hDevice } = lab();
    const hPipe = openIn();
    CloseTransfer(receive(hPipe, lengths(100), room(100 * maxIn)));
    const frame = dword();
    GetFrameNumber(hDevice, frame);
    const start = present(frame[0]) + 10;
    const hTransfer = present(
      IssueIsochTransfer(hPipe, null, null, USB_IN_TRANSFER, start, 1, lengths(1), room(maxIn), 0),
    );
    expect(start).toBeGreaterThan(110);
    expect(isochResultsOf(hTransfer)?.firstFrame).toBe(start);
  });

  it("refuses a start frame already past", () => {
    const { openIn } = lab();
    const hPipe = openIn();
    CloseTransfer(receive(hPipe, lengths(100), room(100 * maxIn)));
    expect(IssueIsochTransfer(hPipe, null, null, USB_IN_TRANSFER, 50, 1, lengths(1), room(maxIn), 0)).toBeNull();
    expect(failure()).toStrictEqual({ win32: ERROR_INVALID_PARAMETER, code: "start-in-past" });
  });

  it("refuses a start frame before the end of what is queued", () => {
    const { openIn } = lab();
    const hPipe = openIn();
    const issue = (start: number) =>
      IssueIsochTransfer(hPipe, null, null, USB_IN_TRANSFER | USB_NO_WAIT, start, 10, lengths(10), room(10 * maxIn), 0);
    expect(issue(100)).not.toBeNull();
    expect(issue(109)).toBeNull();
    expect(failure()).toStrictEqual({ win32: ERROR_INVALID_PARAMETER, code: "start-overlap" });
    expect(issue(110)).not.toBeNull();
  });

  it("a start far in the future is no error", () => {
    const hPipe = lab().openIn();
    for (const far of [1_000_000, 2 ** 31, 0xffff_ffff - 1]) {
      const dwFlags = USB_IN_TRANSFER | USB_NO_WAIT;
      const hTransfer = present(IssueIsochTransfer(hPipe, null, null, dwFlags, far, 1, lengths(1), room(maxIn), 0));
      expect(IsTransferComplete(hTransfer)).toBe(false);
      expect(CloseTransfer(hTransfer)).toBe(true);
    }
    expect(GetLastError()).toBe(ERROR_SUCCESS);
  });

  it("refuses what is no DWORD", () => {
    const hPipe = lab().openIn();
    for (const start of [-1, 0.5, Number.NaN, 2 ** 32, "5"]) {
      const issue = () =>
        IssueIsochTransfer(hPipe, null, null, USB_IN_TRANSFER, start as number, 1, lengths(1), room(maxIn), 0);
      expect(issue()).toBeNull();
      expect(failure()).toStrictEqual({ win32: ERROR_INVALID_PARAMETER, code: "invalid-number" });
    }
  });

  it("goes on when the frame number has wrapped at 32 bits", () => {
    const { openIn } = lab({ clock: startingAt(unpacedClock(), (2 ** 32 - 5) * 1000) });
    const hPipe = openIn();
    const frame = dword();
    GetFrameNumber(hPipe, frame);
    expect(frame[0]).toBe(2 ** 32 - 5);
    frame[0] = present(frame[0]) + 8;
    expect(frame[0]).toBe(3);
    const hTransfer = present(
      IssueIsochTransfer(hPipe, null, null, USB_IN_TRANSFER, frame[0], 1, lengths(1), room(maxIn), 0),
    );
    expect(isochResultsOf(hTransfer)?.firstFrame).toBe(2 ** 32 + 3);
    expect(GetFrameNumber(hPipe, frame)).toBe(true);
    expect(frame[0]).toBe(4);
    expect(IssueIsochTransfer(hPipe, null, null, USB_IN_TRANSFER, 1, 1, lengths(1), room(maxIn), 0)).toBeNull();
    expect(failure().code).toBe("start-in-past");
  });

  it("says so where the transport cannot start on a frame", () => {
    const hPipe = lab({ capabilities: { startFrame: false } }).openIn();
    expect(IssueIsochTransfer(hPipe, null, null, USB_IN_TRANSFER, 50, 1, lengths(1), room(maxIn), 0)).toBeNull();
    expect(failure()).toStrictEqual({ win32: ERROR_NOT_SUPPORTED, code: "unsupported" });
  });
});

function startingAt(clock: BusClock, origin: number): BusClock {
  const { waitUntil } = clock;
  return {
    now: () => clock.now() + origin,
    schedule: (at, work) => clock.schedule(at - origin, work),
    ...(waitUntil && {
      waitUntil: (at: number) => {
        waitUntil(at - origin);
      },
    }),
  };
}

describe("USB_COMPRESS_ISOCH", () => {
  const each = lengths(7, observedMax);
  const openObserved = (options: LabOptions = {}) => {
    const { hDevice, ...rest } = lab({ device: new ObservedDevice(), ...options });
    return { hPipe: present(OpenPipe(hDevice, { endpoint: observedIn })), ...rest };
  };
  const start = 7;
  const sizes = Array.from({ length: 7 }, (_, i) => packetLength(start + i));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  /** The bytes of the device's packets, each with its frame in front. */
  const packets = sizes.map((size, i) => {
    const packet = new Uint8Array(size);
    if (size >= 8) writeCounter(packet, start + i);
    return packet;
  });

  it("puts the data contiguously into the buffer although frames came short", () => {
    const { hPipe } = openObserved();
    const buffer = new Uint8Array(7 * observedMax);
    const dwFlags = USB_IN_TRANSFER | USB_COMPRESS_ISOCH;
    present(IssueIsochTransfer(hPipe, null, null, dwFlags, start, 7, each, buffer, 0));
    expect(total).toBeLessThan(buffer.length);
    expect(buffer.subarray(0, total)).toStrictEqual(Uint8Array.from(packets.flatMap((packet) => [...packet])));
  });

  it("without it, each frame stands at the sum of the lengths before it", () => {
    const { hPipe } = openObserved();
    const buffer = new Uint8Array(7 * observedMax);
    present(IssueIsochTransfer(hPipe, null, null, USB_IN_TRANSFER, start, 7, each, buffer, 0));
    for (const [i, packet] of packets.entries()) {
      expect(buffer.subarray(i * observedMax, i * observedMax + packet.length)).toStrictEqual(packet);
    }
  });

  it("is refused on an OUT pipe", () => {
    const hPipe = lab().openOut();
    const dwFlags = USB_START_ISOCH_ASAP | USB_COMPRESS_ISOCH;
    expect(IssueIsochTransfer(hPipe, null, null, dwFlags, 0, 1, lengths(1, 8), room(8), 0)).toBeNull();
    expect(failure()).toStrictEqual({ win32: ERROR_INVALID_PARAMETER, code: "compact-out" });
  });
});

describe("synchronous and asynchronous", () => {
  it("row 1: NULL and 0 is synchronous: the transfer is complete when the call returns", () => {
    const hPipe = lab().openIn();
    const buffer = room(2 * maxIn);
    const hTransfer = receive(hPipe, lengths(2), buffer);
    const [bytes, error] = [dword(), dword()];
    expect(IsTransferComplete(hTransfer)).toBe(true);
    expect(GetTransferStatus(hTransfer, bytes, error)).toBe(true);
    expect([bytes[0], error[0]]).toStrictEqual([2 * maxIn, USB_NO_ERROR]);
    expect(readCounter(buffer, maxIn)).toBe(present(readCounter(buffer)) + 1);
  });

  it("row 1 blocks for the time that the frames take", () => {
    const hPipe = lab({ clock: realTimeClock() }).openIn();
    const before = performance.now();
    receive(hPipe, lengths(20), room(20 * maxIn));
    expect(performance.now() - before).toBeGreaterThan(19);
  });

  it("row 1 says so where the transport cannot block, and leaves nothing in flight", () => {
    const { openIn, bus } = lab({ capabilities: { blocking: false } });
    const hPipe = openIn();
    expect(IssueIsochTransfer(hPipe, null, null, asapIn, 0, 1, lengths(1), room(maxIn), 0)).toBeNull();
    expect(failure()).toStrictEqual({ win32: ERROR_NOT_SUPPORTED, code: "unsupported" });
    expect(bus.audit().submitted).toBe(0);
    ClosePipe(hPipe);
    expect(bus.audit().inFlight).toBe(0);
  });

  it("row 1 leaves nothing in flight if the waiting fails", () => {
    const clock = unpacedClock();
    const { openIn, bus } = lab({
      clock: {
        ...clock,
        waitUntil: (at) => {
          if (at > 2000) throw new Error("cannot wait any longer");
          clock.waitUntil?.(at);
        },
      },
    });
    const hPipe = openIn();
    expect(IssueIsochTransfer(hPipe, null, null, asapIn, 0, 9, lengths(9), room(9 * maxIn), 0)).toBeNull();
    expect(failure().code).toBe("transport-failed");
    expect(bus.audit()).toMatchObject({ submitted: 1, inFlight: 0 });
  });

  it("row 2: NULL and USB_NO_WAIT is asynchronous: complete when the event loop has turned", async () => {
    const hPipe = lab().openIn();
    const hTransfer = present(
      IssueIsochTransfer(hPipe, null, null, asapIn | USB_NO_WAIT, 0, 2, lengths(2), room(2 * maxIn), 0),
    );
    expect(IsTransferComplete(hTransfer)).toBe(false);
    await eventually(() => {
      expect(IsTransferComplete(hTransfer)).toBe(true);
    });
  });

  const asynchronousWithCallback = async (dwFlags: number) => {
    const hPipe = lab().openIn();
    let hTransfer: USB_TRANSFER | null = null;
    let atReturn: unknown;
    const inCallback = await new Promise((resolve) => {
      const callback = () => {
        resolve(IsTransferComplete(hTransfer));
      };
      hTransfer = IssueIsochTransfer(hPipe, callback, null, dwFlags, 0, 2, lengths(2), room(2 * maxIn), 0);
      atReturn = [hTransfer !== null, IsTransferComplete(hTransfer)];
    });
    expect(atReturn).toStrictEqual([true, false]);
    expect(inCallback).toBe(true);
  };

  it("row 3: a callback and 0 is asynchronous, as if USB_NO_WAIT were set", () => asynchronousWithCallback(asapIn));

  it("row 4: a callback and USB_NO_WAIT is asynchronous", () => asynchronousWithCallback(asapIn | USB_NO_WAIT));

  it("the asynchronous rows hold where the transport cannot block", async () => {
    const hPipe = lab({ capabilities: { blocking: false } }).openIn();
    await new Promise<void>((resolve) => {
      present(IssueIsochTransfer(hPipe, resolve, undefined, asapIn, 0, 2, lengths(2), room(2 * maxIn), 0));
    });
    const hTransfer = IssueIsochTransfer(hPipe, null, null, asapIn | USB_NO_WAIT, 0, 1, lengths(1), room(maxIn), 0);
    await eventually(() => {
      expect(IsTransferComplete(hTransfer)).toBe(true);
    });
  });

  it("a pipe that a callback closes ends the synchronous call on it, without a handle", () => {
    const { openIn, bus } = lab();
    const hPipe = openIn();
    const closed: boolean[] = [];
    const closing = () => closed.push(ClosePipe(hPipe));
    IssueIsochTransfer(hPipe, closing, null, asapIn, 0, 1, lengths(1), room(maxIn), 0);
    expect(IssueIsochTransfer(hPipe, null, null, asapIn, 0, 9, lengths(9), room(9 * maxIn), 0)).toBeNull();
    expect(failure()).toStrictEqual({ win32: ERROR_INVALID_HANDLE, code: "pipe-closed" });
    expect(closed).toStrictEqual([true]);
    expect(bus.audit().inFlight).toBe(0);
  });
});

describe("dwFrames, lpdwLengths", () => {
  it("moves one packet in each frame, of the length that it asks for", () => {
    const hPipe = lab().openIn();
    const each = Uint32Array.of(8, 100, maxIn, 1);
    const hTransfer = receive(hPipe, each, room(each));
    const bytes = new Uint32Array(4);
    GetIsochResults(hTransfer, 4, bytes, null);
    expect(bytes).toStrictEqual(each);
  });

  it("takes any number of frames", () => {
    const hPipe = lab().openIn();
    const hTransfer = receive(hPipe, lengths(5000, 8), room(5000 * 8));
    const bytes = dword();
    GetTransferStatus(hTransfer, bytes, dword());
    expect(bytes[0]).toBe(5000 * 8);
  });

  it("reads the first dwFrames of the lengths, when it is called", () => {
    const hPipe = lab().openIn();
    const each = Uint32Array.of(8, 16, 99, 99);
    const hTransfer = present(IssueIsochTransfer(hPipe, null, null, asapIn | USB_NO_WAIT, 0, 2, each, room(24), 0));
    each.fill(0);
    receive(hPipe, lengths(1), room(maxIn));
    const bytes = new Uint32Array(2);
    expect(GetIsochResults(hTransfer, 2, bytes, null)).toBe(true);
    expect(bytes).toStrictEqual(Uint32Array.of(8, 16));
  });

  it("refuses zero frames", () => {
    const hPipe = lab().openIn();
    expect(IssueIsochTransfer(hPipe, null, null, asapIn, 0, 0, lengths(0), room(0), 0)).toBeNull();
    expect(failure()).toStrictEqual({ win32: ERROR_INVALID_PARAMETER, code: "no-frames" });
    expect(IssueIsochTransfer(hPipe, null, null, asapIn, 0, 0, lengths(3), room(0), 0)).toBeNull();
    expect(failure()).toStrictEqual({ win32: ERROR_INVALID_PARAMETER, code: "no-frames" });
  });

  it("refuses a length of 0", () => {
    const hPipe = lab().openIn();
    expect(IssueIsochTransfer(hPipe, null, null, asapIn, 0, 2, [8, 0], room(8), 0)).toBeNull();
    expect(failure()).toStrictEqual({ win32: ERROR_INVALID_PARAMETER, code: "length-out-of-range" });
  });

  it("refuses a length of 0 on an OUT pipe too, and looks no further than dwFrames", () => {
    const hPipe = lab().openOut();
    const issued = (frames: number, each: readonly number[]) =>
      IssueIsochTransfer(hPipe, null, null, USB_START_ISOCH_ASAP, 0, frames, each, room(8), 0);
    expect(issued(2, [8, 0])).toBeNull();
    expect(failure()).toStrictEqual({ win32: ERROR_INVALID_PARAMETER, code: "length-out-of-range" });
    expect(issued(1, [8, 0])).not.toBeNull();
  });

  it("refuses a length above the maximum packet size, and takes one of just that", () => {
    const hPipe = lab().openIn();
    expect(IssueIsochTransfer(hPipe, null, null, asapIn, 0, 1, [maxIn + 1], room(maxIn + 1), 0)).toBeNull();
    expect(failure()).toStrictEqual({ win32: ERROR_INVALID_PARAMETER, code: "length-out-of-range" });
    receive(hPipe, lengths(1, maxIn), room(maxIn));
  });

  it("refuses fewer lengths than frames", () => {
    const hPipe = lab().openIn();
    expect(IssueIsochTransfer(hPipe, null, null, asapIn, 0, 3, lengths(2), room(2 * maxIn), 0)).toBeNull();
    expect(failure()).toStrictEqual({ win32: ERROR_INVALID_PARAMETER, code: "length-mismatch" });
  });

  it("refuses a number of frames and lengths that are none", () => {
    const hPipe = lab().openIn();
    for (const frames of [-1, 0.5, Number.NaN, 2 ** 32, undefined]) {
      const issue = () =>
        IssueIsochTransfer(hPipe, null, null, asapIn, 0, frames as number, lengths(1), room(maxIn), 0);
      expect(issue()).toBeNull();
      expect(failure()).toStrictEqual({ win32: ERROR_INVALID_PARAMETER, code: "invalid-number" });
    }
    for (const each of [null, undefined, 8, {}]) {
      const issue = () => IssueIsochTransfer(hPipe, null, null, asapIn, 0, 1, each as never, room(8), 0);
      expect(issue()).toBeNull();
      expect(failure()).toStrictEqual({ win32: ERROR_INVALID_PARAMETER, code: "invalid-option" });
    }
  });
});

describe("lpvBuffer", () => {
  it("receives the bytes of each frame of an IN transfer", () => {
    const hPipe = lab().openIn();
    const buffer = room(3 * 16);
    receive(hPipe, lengths(3, 16), buffer);
    const counters = [0, 1, 2].map((i) => readCounter(buffer, i * 16));
    const first = present(counters[0]);
    expect(counters).toStrictEqual([first, first + 1, first + 2]);
    expect(buffer).not.toContain(0xee);
  });

  it("holds the bytes of each frame of an OUT transfer", () => {
    const device = counterDevice({ speed: "full" });
    const hPipe = lab({ device }).openOut();
    const buffer = new Uint8Array(3 * 16);
    for (const i of [0, 1, 2]) writeCounter(buffer, 40 + i, i * 16);
    const dwFlags = USB_OUT_TRANSFER | USB_START_ISOCH_ASAP;
    present(IssueIsochTransfer(hPipe, null, null, dwFlags, 0, 3, lengths(3, 16), buffer, 0));
    expect(device.statistics).toStrictEqual({ packets: 3, mismatches: 0, short: 0 });
  });

  it("refuses lengths that do not add up to the buffer", () => {
    const hPipe = lab().openIn();
    for (const bytes of [2 * maxIn - 1, 2 * maxIn + 1, 0]) {
      expect(IssueIsochTransfer(hPipe, null, null, asapIn, 0, 2, lengths(2), room(bytes), 0)).toBeNull();
      expect(failure()).toStrictEqual({ win32: ERROR_INVALID_PARAMETER, code: "length-mismatch" });
    }
  });

  it("refuses a buffer that is none", () => {
    const hPipe = lab().openIn();
    for (const buffer of [null, undefined, new ArrayBuffer(8), [0], new Uint16Array(4)]) {
      const issue = () => IssueIsochTransfer(hPipe, null, null, asapIn, 0, 1, [8], buffer as never, 0);
      expect(issue()).toBeNull();
      expect(failure()).toStrictEqual({ win32: ERROR_INVALID_PARAMETER, code: "invalid-option" });
    }
  });
});

describe("return", () => {
  it("a handle, and the last error is left as it was", () => {
    const hPipe = lab().openIn();
    SetLastError(1234);
    expect(receive(hPipe, lengths(1), room(maxIn))).not.toBeNull();
    expect(GetLastError()).toBe(1234);
  });

  it("NULL on failure, and GetLastError tells why", () => {
    const { openIn, attachment } = lab();
    const hPipe = openIn();
    attachment.detach();
    expect(IssueIsochTransfer(hPipe, null, null, asapIn, 0, 1, lengths(1), room(maxIn), 0)).toBeNull();
    expect(failure()).toStrictEqual({ win32: ERROR_DEVICE_NOT_CONNECTED, code: "device-gone" });
  });

  it("handles show nothing of what is behind them, and each is another", () => {
    const hPipe = lab().openIn();
    const [first, second] = [receive(hPipe, lengths(1), room(maxIn)), receive(hPipe, lengths(1), room(maxIn))];
    expect(first).not.toBe(second);
    for (const handle of [hPipe, first, second]) {
      expect(Reflect.ownKeys(handle)).toStrictEqual([]);
      expect(Object.isFrozen(handle)).toBe(true);
    }
  });

  it("a device that is unplugged ends the synchronous call: a handle, and DEVICE_NOT_RESPONDING", () => {
    const { openIn, attachment } = lab();
    const hPipe = openIn();
    attachment.inject({ type: "unplug", frame: 6 });
    const hTransfer = receive(hPipe, lengths(50), room(50 * maxIn));
    const error = dword();
    expect(GetTransferStatus(hTransfer, dword(), error)).toBe(true);
    expect(error[0]).toBe(USB_DEVICE_NOT_RESPONDING_ERROR);
  });
});

describe("the direction", () => {
  it("refuses USB_IN_TRANSFER on an OUT pipe", () => {
    const hPipe = lab().openOut();
    expect(IssueIsochTransfer(hPipe, null, null, asapIn, 0, 1, [8], room(8), 0)).toBeNull();
    expect(failure()).toStrictEqual({ win32: ERROR_INVALID_PARAMETER, code: "wrong-direction" });
  });

  it("refuses an IN pipe without USB_IN_TRANSFER", () => {
    const hPipe = lab().openIn();
    expect(IssueIsochTransfer(hPipe, null, null, USB_START_ISOCH_ASAP, 0, 1, [8], room(8), 0)).toBeNull();
    expect(failure()).toStrictEqual({ win32: ERROR_INVALID_PARAMETER, code: "wrong-direction" });
  });
});

describe("dwFlags", () => {
  it("USB_SHORT_TRANSFER_OK and USB_DONT_BLOCK_FOR_MEM are taken, and change nothing", () => {
    const hPipe = lab().openIn();
    const hTransfer = receive(hPipe, lengths(2), room(2 * maxIn), USB_SHORT_TRANSFER_OK | USB_DONT_BLOCK_FOR_MEM);
    expect(IsTransferComplete(hTransfer)).toBe(true);
  });

  it("flags of control requests and unknown ones are refused", () => {
    const hPipe = lab().openIn();
    for (const flag of [USB_SEND_TO_DEVICE, USB_SEND_TO_INTERFACE, USB_SEND_TO_ENDPOINT, 0x1, 0x8000_0000]) {
      const issue = () =>
        IssueIsochTransfer(hPipe, null, null, (asapIn | flag) >>> 0, 0, 1, lengths(1), room(maxIn), 0);
      expect(issue()).toBeNull();
      expect(failure()).toStrictEqual({ win32: ERROR_INVALID_PARAMETER, code: "invalid-option" });
    }
    expect(IssueIsochTransfer(hPipe, null, null, Number.NaN, 0, 1, lengths(1), room(maxIn), 0)).toBeNull();
    expect(failure()).toStrictEqual({ win32: ERROR_INVALID_PARAMETER, code: "invalid-number" });
  });
});

describe("remarks", () => {
  it("the maximum packet size is that of the alternate setting that was opened", () => {
    const { hDevice } = lab();
    const hPipe = present(OpenPipe(hDevice, { endpoint: inEndpoint, alternate: 3 }));
    expect(IssueIsochTransfer(hPipe, null, null, asapIn, 0, 1, [401], room(401), 0)).toBeNull();
    expect(failure().code).toBe("length-out-of-range");
    expect(CloseTransfer(receive(hPipe, lengths(1, 400), room(400)))).toBe(true);
  });

  it("several transfers stand in the queue at once, and no frame is lost between them", () => {
    const { hDevice } = lab();
    const hPipe = present(OpenPipe(hDevice, { endpoint: inEndpoint, alternate: 1 }));
    const dwFlags = asapIn | USB_NO_WAIT;
    const transfers = Array.from({ length: 8 }, () =>
      present(IssueIsochTransfer(hPipe, null, null, dwFlags, 0, 4, lengths(4), room(4 * maxIn), 0)),
    );
    receive(hPipe, lengths(1), room(maxIn));
    const results = transfers.map((each) => present(isochResultsOf(each)));
    const firsts = results.map(({ firstFrame, lost }) => [firstFrame, lost]);
    expect(firsts).toStrictEqual(firsts.map((_, i) => [present(firsts[0]?.[0]) + 4 * i, 0]));
  });

  it("IN and OUT pipes of one interface run side by side", () => {
    const { hDevice } = lab();
    const hIn = present(OpenPipe(hDevice, { endpoint: inEndpoint, alternate: 3 }));
    const hOut = present(OpenPipe(hDevice, { endpoint: outEndpoint, alternate: 3 }));
    const dwFlags = USB_START_ISOCH_ASAP | USB_NO_WAIT;
    const out = IssueIsochTransfer(hOut, null, null, dwFlags, 0, 4, lengths(4, 8), room(32), 0);
    receive(hIn, lengths(4, 8), room(32));
    receive(hIn, lengths(4, 8), room(32));
    expect(IsTransferComplete(out)).toBe(true);
  });
});

describe("the rule of the callback", () => {
  it("closing before the callback ran is safe: the callback never runs, and the buffer is free", async () => {
    const { openIn, bus } = lab();
    const hPipe = openIn();
    const callback = vi.fn();
    const hTransfer = IssueIsochTransfer(hPipe, callback, null, asapIn, 0, 9, lengths(9), room(9 * maxIn), 0);
    expect(CloseTransfer(hTransfer)).toBe(true);
    expect(bus.audit()).toMatchObject({ submitted: 1, inFlight: 0 });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(callback).not.toHaveBeenCalled();
  });

  it("closing before the callback ran is safe where the transport cannot block", async () => {
    const { openIn, bus } = lab({ capabilities: { blocking: false } });
    const hPipe = openIn();
    const callback = vi.fn();
    const hTransfer = IssueIsochTransfer(hPipe, callback, null, asapIn, 0, 9, lengths(9), room(9 * maxIn), 0);
    expect(CloseTransfer(hTransfer)).toBe(true);
    await eventually(() => {
      expect(bus.audit().inFlight).toBe(0);
    });
    expect(callback).not.toHaveBeenCalled();
    ClosePipe(hPipe);
  });

  it("aborting before the callback ran is safe: the callback runs once, with a complete transfer", async () => {
    const hPipe = lab().openIn();
    const callback = vi.fn(() => IsTransferComplete(hTransfer));
    const hTransfer = IssueIsochTransfer(hPipe, callback, 7, asapIn, 0, 9, lengths(9), room(9 * maxIn), 0);
    expect(AbortTransfer(hTransfer, USB_NO_WAIT)).toBe(true);
    expect(callback).not.toHaveBeenCalled();
    expect(AbortTransfer(hTransfer, 0)).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(callback.mock.calls).toStrictEqual([[7]]);
    expect(callback.mock.results).toStrictEqual([{ type: "return", value: true }]);
  });

  it(
    "an aborted transfer calls back in the frame of the abort",
    marbles((m) => {
      const { openIn } = marbleLab(m.scheduler);
      const hPipe = openIn();
      const done = issued<string>((callback) => {
        const hTransfer = IssueIsochTransfer(hPipe, callback, "p", asapIn, 0, 9, lengths(9), room(9 * maxIn), 0);
        m.scheduler.schedule(() => AbortTransfer(hTransfer, USB_NO_WAIT), 3);
        return hTransfer;
      });
      m.expect(done).toBeObservable("---(p|)");
    }),
  );

  it(
    "a closed transfer never calls back",
    marbles((m) => {
      const { openIn } = marbleLab(m.scheduler);
      const hPipe = openIn();
      const done = issued<string>((callback) => {
        const hTransfer = IssueIsochTransfer(hPipe, callback, "p", asapIn, 0, 9, lengths(9), room(9 * maxIn), 0);
        m.scheduler.schedule(() => CloseTransfer(hTransfer), 3);
        return hTransfer;
      });
      m.expect(done, "^------------------!").toBeObservable("-");
    }),
  );
});

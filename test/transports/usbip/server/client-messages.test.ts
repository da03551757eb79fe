import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { encodeMessage } from "../../../../transports/usbip/protocol/index.js";
import { ClientMessages } from "../../../../transports/usbip/server/client-messages.js";

const patience = 1000;
/** Longer than that, and the grace of a watchdog. */
const tooLong = 10_000;
const request = encodeMessage({ type: "import-request", busId: "1-1" });
const unlink = encodeMessage({ type: "unlink", seqnum: 2, deviceId: 0x10001, target: 1 });

describe("ClientMessages", () => {
  let late: string[];
  let messages: ClientMessages;
  beforeEach(() => {
    vi.useFakeTimers();
    late = [];
    messages = new ClientMessages({}, patience, ({ message }) => late.push(message));
  });
  afterEach(() => {
    messages.stop();
    vi.useRealTimers();
  });

  function asked(): void {
    messages.push(request);
    expect(messages.request()).toMatchObject({ type: "import-request", busId: "1-1" });
  }

  it("are a request, then commands, whole ones", () => {
    messages.push(request.subarray(0, 9));
    expect(messages.request()).toBeUndefined();
    messages.push(Uint8Array.of(...request.subarray(9), ...unlink, ...unlink.subarray(0, 5)));
    expect(messages.request()).toMatchObject({ busId: "1-1" });
    expect(messages.command()).toMatchObject({ type: "unlink", seqnum: 2, target: 1 });
    expect(messages.command()).toBeUndefined();
    expect(() => {
      messages.finish();
    }).toThrow(expect.objectContaining({ code: "protocol-error" }));
  });

  it("a client that asks for nothing is late, once", () => {
    messages.push(request.subarray(0, 9));
    expect(messages.request()).toBeUndefined();
    vi.advanceTimersByTime(3 * tooLong);
    expect(late).toStrictEqual([expect.stringContaining("asked for nothing")]);
  });

  it("so is one that stops in the middle of a command, but not between two", () => {
    asked();
    messages.watch(true);
    vi.advanceTimersByTime(tooLong);
    expect(late).toStrictEqual([]);
    messages.push(unlink.subarray(0, 5));
    expect(messages.command()).toBeUndefined();
    messages.watch(true);
    vi.advanceTimersByTime(tooLong);
    expect(late).toStrictEqual([expect.stringContaining("did not finish a message")]);
  });

  it("nor is one that is not read", () => {
    asked();
    messages.push(unlink.subarray(0, 5));
    messages.watch(false);
    vi.advanceTimersByTime(tooLong);
    expect(late).toStrictEqual([]);
  });

  it("nobody is late any more where it is over", () => {
    messages.stop();
    vi.advanceTimersByTime(tooLong);
    expect(late).toStrictEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

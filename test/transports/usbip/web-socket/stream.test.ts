import { describe, expect, it } from "vitest";
import { IsochError } from "rx-isoch";
import { longestMessage } from "../../../../transports/usbip/web-socket/protocols.js";
import type { WebSocketLike } from "../../../../transports/usbip/web-socket/standard.js";
import { WebSocketStream } from "../../../../transports/usbip/web-socket/stream.js";
import { until } from "../client/setup.js";

/** A WebSocket of which a test is the other end. */
class FakeSocket implements WebSocketLike {
  binaryType = "arraybuffer";
  bufferedAmount = 0;
  readyState = 1;
  onopen: WebSocketLike["onopen"] = null;
  onmessage: ((event: { data: unknown }) => unknown) | null = null;
  onerror: WebSocketLike["onerror"] = null;
  onclose: ((event: { code: number; reason: string }) => unknown) | null = null;
  readonly sent: number[] = [];
  readonly closings: (number | undefined)[] = [];

  send(message: Uint8Array): void {
    this.sent.push(message.length);
    this.bufferedAmount += message.length;
  }

  close(code?: number): void {
    this.closings.push(code);
  }
}

function open() {
  const socket = new FakeSocket();
  const stream = new WebSocketStream(socket, "there");
  const heard: string[] = [];
  const begin = (): void => {
    stream.open({
      received: (bytes) => heard.push(`received ${bytes.join()}`),
      ended: () => heard.push("ended"),
      closed: (error) => heard.push(IsochError.is(error) ? `closed ${error.code}` : "closed"),
    });
  };
  const message = (...bytes: number[]): void => {
    socket.onmessage?.({ data: Uint8Array.from(bytes).buffer });
  };
  const closed = (code: number): void => {
    socket.onclose?.({ code, reason: "" });
  };
  return { socket, stream, heard, begin, message, closed };
}

const turn = () => new Promise<void>((resolve) => setTimeout(resolve));

describe("what is received", () => {
  it("comes in order, never within open, and none of it is lost that came before", async () => {
    const { heard, begin, message, closed } = open();
    message(1);
    message(2);
    begin();
    message(3);
    expect(heard).toStrictEqual([]);
    closed(1000);
    await turn();
    expect(heard).toStrictEqual(["received 1", "received 2", "received 3", "ended", "closed"]);
  });

  it("waits while the stream is paused, the end too", async () => {
    const { stream, heard, begin, message, closed } = open();
    begin();
    await turn();
    stream.pause();
    message(1);
    message(2);
    closed(1005);
    await turn();
    expect(heard).toStrictEqual([]);
    stream.resume();
    expect(heard).toStrictEqual(["received 1", "received 2", "ended", "closed"]);
  });

  it("is no more than it is asked for, when it is paused by who receives it", async () => {
    const { socket, stream } = open();
    const received: number[] = [];
    stream.open({
      received: ([first = 0]) => {
        received.push(first);
        stream.pause();
      },
      ended: () => undefined,
      closed: () => undefined,
    });
    for (const byte of [1, 2, 3]) socket.onmessage?.({ data: Uint8Array.of(byte).buffer });
    await turn();
    expect(received).toStrictEqual([1]);
    stream.resume();
    expect(received).toStrictEqual([1, 2]);
  });

  it("while it is paused has a limit of 64 MiB, and is gone beyond", async () => {
    const { socket, stream, heard, begin } = open();
    begin();
    await turn();
    stream.pause();
    const data = new ArrayBuffer(1 << 24);
    for (let i = 0; i < 4; i++) socket.onmessage?.({ data });
    expect(socket.closings).toStrictEqual([]);
    socket.onmessage?.({ data: new ArrayBuffer(1) });
    expect(socket.closings).toStrictEqual([undefined]);
    await turn();
    // Whoever pauses has to hear of that all the same.
    expect(heard).toStrictEqual(["closed overflow"]);
  });

  it("as text is none", async () => {
    const { socket, heard, begin, message } = open();
    begin();
    await turn();
    socket.onmessage?.({ data: "text" });
    message(1);
    await turn();
    expect(heard).toStrictEqual(["closed protocol-error"]);
    expect(socket.closings).toHaveLength(1);
  });
});

describe("what is written", () => {
  it("is sent once it has left, in order", async () => {
    const { socket, stream, begin } = open();
    begin();
    const sent: number[] = [];
    for (const length of [10, 20, 30]) stream.write(new Uint8Array(length), () => sent.push(length));
    await turn();
    expect(sent).toStrictEqual([]);
    socket.bufferedAmount = 31;
    await until(() => sent.length > 0);
    expect(sent).toStrictEqual([10]);
    socket.bufferedAmount = 0;
    await until(() => sent.length === 3);
    stream.write(new Uint8Array(5), () => sent.push(5));
    socket.bufferedAmount = 0;
    await until(() => sent.length === 4);
    expect(sent).toStrictEqual([10, 20, 30, 5]);
  });

  it("goes in messages that are not too long", () => {
    const { socket, stream } = open();
    stream.write(new Uint8Array(2 * longestMessage + 1), () => undefined);
    stream.write(new Uint8Array(longestMessage), () => undefined);
    expect(socket.sent).toStrictEqual([longestMessage, longestMessage, 1, longestMessage]);
  });

  it("is given up at the end, and then nothing is sent", async () => {
    const { socket, stream, begin, closed } = open();
    begin();
    let sent = 0;
    stream.write(new Uint8Array(10), () => sent++);
    closed(1006);
    stream.write(new Uint8Array(10), () => sent++);
    expect(sent).toBe(0);
    await turn();
    expect(sent).toBe(2);
    expect(socket.sent).toStrictEqual([10]);
  });
});

describe("its end", () => {
  it.each([
    [1000, ["ended", "closed"]],
    [1001, ["ended", "closed"]],
    [1005, ["ended", "closed"]],
    [1006, ["closed transport-failed"]],
    [1009, ["closed transport-failed"]],
    [4000, ["closed transport-failed"]],
  ])("with the code %d", async (code, told) => {
    const { heard, begin, closed } = open();
    begin();
    closed(code);
    closed(code);
    await turn();
    expect(heard).toStrictEqual(told);
  });

  it("destroyed, it is closed at once, once, and hears nothing more", async () => {
    const { socket, stream, heard, begin, message, closed } = open();
    begin();
    await turn();
    stream.destroy();
    message(1);
    closed(1000);
    stream.destroy();
    expect(heard).toStrictEqual([]);
    await turn();
    expect(heard).toStrictEqual(["closed"]);
    expect(socket.closings.length).toBeGreaterThan(0);
  });

  it("asked for, it comes when the peer has closed too; what was paused is heard", async () => {
    const { socket, stream, heard, begin, message, closed } = open();
    begin();
    await turn();
    stream.pause();
    message(1);
    stream.end();
    stream.end();
    expect(socket.closings[0]).toBe(1000);
    closed(1000);
    await turn();
    expect(heard).toStrictEqual(["received 1", "ended", "closed"]);
  });
});

import { lastValueFrom, NEVER } from "rxjs";
import { describe, expect, it, onTestFinished } from "vitest";
import type { IsochError } from "rx-isoch";
import { UsbipServer, type ByteStream, type StreamAcceptor } from "rx-isoch/transports/usbip";
import { counterDevice, VirtualBus } from "rx-isoch/transports/virtual";
import { TokenGate } from "../../../../transports/usbip/node/token-gate.js";
import { encodeMessage } from "../../../../transports/usbip/protocol/index.js";
import { encodeTokenReply, encodeTokenRequest, tokenStatus } from "../../../../transports/usbip/protocol/token.js";
import { token } from "../bridge.js";
import { arrival, until } from "../client/setup.js";
import { memoryStreams } from "../memory-stream.js";
import { StrictClient } from "../strict-client.js";

const patience = 100;
const list = encodeMessage({ type: "device-list-request" });
const given = encodeTokenRequest(token);

/** A gate, and a client of it that writes what the test says. */
function gate({ chunk, acceptor }: { readonly chunk?: number; readonly acceptor?: StreamAcceptor } = {}) {
  const accepted: ByteStream[] = [];
  const refused: IsochError[] = [];
  const recorder: StreamAcceptor = {
    accept: (stream) => {
      accepted.push(stream);
      return NEVER;
    },
    refused: (error) => {
      refused.push(error);
    },
  };
  const it = new TokenGate(acceptor ?? recorder, token, patience);
  const [theirs, ours] = memoryStreams(chunk);
  it.admit(theirs);
  const heard: number[] = [];
  const state = { isClosed: false };
  const listen = () => {
    ours.open({
      received: (bytes) => heard.push(...bytes),
      ended: () => {
        ours.end();
      },
      closed: () => (state.isClosed = true),
    });
  };
  const write = (...pieces: readonly Uint8Array[]) => {
    for (const bytes of pieces) ours.write(bytes, () => undefined);
  };
  onTestFinished(() => {
    it.close();
  });
  return { gate: it, ours, listen, write, accepted, refused, heard, state };
}

/** The bytes of a request with a 16-bit number at an offset replaced. */
function altered(offset: number, value: number, bytes = given.slice()): Uint8Array {
  new DataView(bytes.buffer).setUint16(offset, value);
  return bytes;
}

describe("who has the token", () => {
  it.each([1, 7, 1 << 16])("is let in, and served on, in chunks of %i bytes", async (chunk) => {
    const bus = new VirtualBus({ devices: [counterDevice()] });
    const server = new UsbipServer({ transports: [bus] });
    onTestFinished(() => lastValueFrom(server.close(), { defaultValue: undefined }));
    const { ours, write } = gate({ chunk, acceptor: server });
    const answer: number[] = [];
    // The first bytes are the gate's, the rest the server's.
    const behind: ByteStream = {
      ...bound(ours),
      open: (handler) => {
        ours.open({
          received: (bytes) => {
            const own = bytes.subarray(0, Math.max(0, 8 - answer.length));
            answer.push(...own);
            if (own.length < bytes.length) handler.received(bytes.subarray(own.length));
          },
          ended: () => {
            handler.ended();
          },
          closed: (error) => {
            handler.closed(error);
          },
        });
      },
    };
    const client = new StrictClient(behind);
    // The request does not wait for the answer, and may come in one piece with the token.
    write(given);
    expect((await client.list()).devices.map(({ busId }) => busId)).toStrictEqual(["1-1"]);
    expect(answer).toStrictEqual([...encodeTokenReply(tokenStatus.admitted)]);
    await client.closed;
  });

  it("is answered before anything else, and what follows is kept until it is asked for", async () => {
    const { listen, write, heard, accepted, refused } = gate();
    listen();
    const both = new Uint8Array(given.length + list.length);
    both.set(given);
    both.set(list, given.length);
    write(both, Uint8Array.of(1, 2));
    await until(() => accepted.length === 1 && heard.length === 8);
    await arrival();
    const follows: number[] = [];
    accepted[0]?.open({
      received: (bytes) => follows.push(...bytes),
      ended: () => undefined,
      closed: () => undefined,
    });
    await until(() => follows.length === list.length + 2);
    expect(follows).toStrictEqual([...list, 1, 2]);
    expect(refused).toStrictEqual([]);
  });
});

describe("who has not", () => {
  it.each([
    ["another token, which is told", "access-denied", encodeTokenRequest("0123456789abcdeF"), tokenStatus.refused],
    ["a part of it", "access-denied", encodeTokenRequest(token.slice(0, -1)), tokenStatus.refused],
    ["more than it", "access-denied", encodeTokenRequest(`${token}0`), tokenStatus.refused],
    ["an empty one", "access-denied", encodeTokenRequest(""), tokenStatus.refused],
    ["none: a plain request for the list", "access-denied", list, undefined],
    ["none: a plain import", "access-denied", encodeMessage({ type: "import-request", busId: "1-1" }), undefined],
    ["none: HTTP", "access-denied", new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"), undefined],
    ["one behind another request", "access-denied", Uint8Array.of(...list, ...given), undefined],
    ["one that is announced as too long", "protocol-error", altered(10, 0xffff), undefined],
    ["one in an unknown form", "protocol-error", altered(8, 2), undefined],
    ["one of another version of the protocol", "access-denied", altered(0, 0x0106), undefined],
  ])("%s: refused, and closed", async (_, code, bytes, answer) => {
    const { listen, write, accepted, refused, heard, state } = gate();
    listen();
    write(bytes);
    await until(() => state.isClosed);
    expect(refused.map((error) => error.code)).toStrictEqual([code]);
    expect(accepted).toStrictEqual([]);
    expect(heard).toStrictEqual(answer === undefined ? [] : [...encodeTokenReply(answer)]);
    expect(refused.some(({ message }) => message.includes(token))).toBe(false);
  });

  describe.each([
    ["nothing", new Uint8Array(0)],
    ["the beginning of the token", given.subarray(0, given.length - 1)],
  ])("%s, and goes", (_, bytes) => {
    it.each(["end", "destroy"] as const)("by %s: refused", async (how) => {
      const { ours, listen, write, refused, accepted, state } = gate();
      listen();
      write(bytes);
      await arrival();
      ours[how]();
      await until(() => state.isClosed && refused.length === 1);
      expect(refused.map((error) => error.code)).toStrictEqual(["protocol-error"]);
      expect(accepted).toStrictEqual([]);
    });
  });

  it("and takes his time, byte for byte: closed when that is over, however much has come", async () => {
    const { listen, write, refused, accepted, state } = gate();
    listen();
    let sent = 0;
    const dripping = setInterval(() => {
      // All but the last.
      if (sent < given.length - 1) write(given.subarray(sent, ++sent));
    }, 5);
    await until(() => state.isClosed);
    clearInterval(dripping);
    expect(sent).toBeGreaterThan(0);
    expect(refused.map((error) => error.code)).toStrictEqual(["access-denied"]);
    expect(accepted).toStrictEqual([]);
  });

  it("and floods behind a wrong token: refused once, and closed", async () => {
    const { ours, listen, write, refused, state } = gate();
    write(encodeTokenRequest("0123456789abcdeF"));
    for (let i = 0; i < 100; i++) write(new Uint8Array(1 << 16));
    listen();
    ours.end();
    await until(() => state.isClosed);
    expect(refused).toHaveLength(1);
  });

  it("yet, when the gate closes: closed", async () => {
    const { gate: it, listen, write, state, refused } = gate();
    listen();
    write(given.subarray(0, 10));
    await arrival();
    it.close();
    await until(() => state.isClosed);
    // It was not for the time.
    expect(refused).toStrictEqual([]);
  });

  it("yet, and comes when the gate is closed: closed, whatever he has", async () => {
    const { gate: it, listen, write, state, accepted, refused } = gate();
    it.close();
    const [theirs, ours] = memoryStreams();
    let isClosed = false;
    ours.open({ received: () => undefined, ended: () => undefined, closed: () => (isClosed = true) });
    it.admit(theirs);
    ours.write(given, () => undefined);
    listen();
    write(given);
    await until(() => isClosed && state.isClosed);
    expect([accepted, refused]).toStrictEqual([[], []]);
  });
});

describe("the token in the wrong place", () => {
  it.each([
    ["a second time", [given]],
    ["after an import", [encodeMessage({ type: "import-request", busId: "1-1" }), given, new Uint8Array(100)]],
  ])("%s: the connection is closed", async (_, pieces) => {
    const server = new UsbipServer({ transports: [new VirtualBus({ devices: [counterDevice()] })] });
    const failures: string[] = [];
    server.failures.subscribe(({ code }) => failures.push(code));
    onTestFinished(() => lastValueFrom(server.close(), { defaultValue: undefined }));
    const { listen, write, state } = gate({ acceptor: server });
    listen();
    write(given);
    for (const bytes of pieces) {
      write(bytes);
      await arrival();
    }
    await until(() => state.isClosed);
    expect(failures).toStrictEqual(["protocol-error"]);
  });
});

/** Its methods, without the object. */
function bound(stream: ByteStream): ByteStream {
  return {
    open: (handler) => {
      stream.open(handler);
    },
    write: (bytes, sent) => {
      stream.write(bytes, sent);
    },
    pause: () => {
      stream.pause();
    },
    resume: () => {
      stream.resume();
    },
    end: () => {
      stream.end();
    },
    destroy: () => {
      stream.destroy();
    },
  };
}

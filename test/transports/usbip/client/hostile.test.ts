import fc from "fast-check";
import { firstValueFrom, lastValueFrom, map, NEVER, Observable, of, throwError } from "rxjs";
import { describe, expect, it } from "vitest";
import { isochPipe, type IsochError } from "rx-isoch";
import { usbip, type ByteStream } from "rx-isoch/transports/usbip";
import { counterProtocol } from "rx-isoch/transports/virtual";
import { encodeMessage, type SubmitCommand, type SubmitReply } from "../../../../transports/usbip/protocol/index.js";
import { done, RawPort } from "../../../support/raw-port.js";
import { memoryStreams } from "../memory-stream.js";
import { listed, replyTo, type Peer } from "./scripted-server.js";
import { arrival, codeOf, scripted, scriptedPort, until } from "./setup.js";

const { vendorId } = counterProtocol;
const unknownCode = Uint8Array.of(0x01, 0x11, 0x77, 0x77, 0, 0, 0, 0);
const noise = new Uint8Array(5000).fill(0xa5);

/** A message with a 32-bit number at an offset replaced. */
function altered(bytes: Uint8Array, offset: number, value: number): Uint8Array {
  new DataView(bytes.buffer).setUint32(offset, value);
  return bytes;
}

type Answer = (peer: Peer) => void;

type Case = readonly [what: string, code: string, answer: Answer];

const wrongAnswers: readonly Case[] = [
  ["says nothing", "transport-failed", () => undefined],
  ["hangs up", "transport-failed", (peer) => peer.stream.end()],
  ["breaks the connection", "transport-failed", (peer) => peer.stream.destroy()],
  ["answers something else", "protocol-error", (peer) => peer.sendBytes(unknownCode)],
  ["speaks another version", "protocol-error", (peer) => peer.sendBytes(Uint8Array.of(1, 0, 0, 3, 0, 0, 0, 0))],
  ["sends noise", "protocol-error", (peer) => peer.sendBytes(noise)],
  [
    "speaks HTTP",
    "protocol-error",
    (peer) => peer.sendBytes(new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")),
  ],
  [
    "ends in the middle of a message",
    "protocol-error",
    (peer) => {
      peer.sendBytes(Uint8Array.of(1, 0x11, 0));
      peer.stream.end();
    },
  ],
];

describe("a server that, asked for its list,", () => {
  it.each<Case>([
    ...wrongAnswers,
    [
      "refuses it",
      "transport-failed",
      (peer) => {
        peer.send({ type: "device-list-reply", status: 1, devices: [] });
      },
    ],
    [
      "announces a million devices",
      "protocol-error",
      (peer) => {
        const bytes = encodeMessage({ type: "device-list-reply", status: 0, devices: [] });
        peer.sendBytes(altered(bytes, 8, 1_000_000));
      },
    ],
    [
      "stops in the middle",
      "transport-failed",
      (peer) => {
        const bytes = encodeMessage({ type: "device-list-reply", status: 0, devices: [listed(1)] });
        peer.sendBytes(bytes.subarray(0, 100));
      },
    ],
  ])("%s: %s, and the connection is closed", async (_what, code, answer) => {
    const { server, transport } = scripted({ timeout: 50 });
    server.onOperation = (peer) => {
      answer(peer);
      return true;
    };
    expect(await codeOf(transport.devices())).toBe(code);
    expect(await codeOf(transport.open({ vendorId }))).toBe(code);
    await until(() => server.peers.every(({ isClosed }) => isClosed));
    expect(server.peers).toHaveLength(2);
  });
});

describe("a server that, asked for a device,", () => {
  it.each<Case>([
    ...wrongAnswers,
    ["hands out another", "protocol-error", (peer) => peer.send(importReply("1-9"))],
    ["has it no more", "no-such-device", (peer) => peer.send(refusal(4))],
    ["has given it to somebody else: a second import", "interface-busy", (peer) => peer.send(refusal(2))],
    ["does not have it available", "interface-busy", (peer) => peer.send(refusal(1))],
    ["cannot", "transport-failed", (peer) => peer.send(refusal(3))],
    ["says what no server says", "transport-failed", (peer) => peer.send(refusal(77))],
    [
      "answers what was not asked, behind it",
      "device-gone",
      (peer) => {
        peer.sendBytes(
          encodeMessage(importReply("1-1")),
          encodeMessage({ type: "unlink-reply", seqnum: 7, status: 0 }),
        );
      },
    ],
    [
      "ends behind it",
      "device-gone",
      (peer) => {
        peer.send(importReply("1-1"));
        peer.stream.end();
      },
    ],
  ])("%s: %s, and the connection is closed", async (_what, code, answer) => {
    const { server, transport } = scripted({ timeout: 50 });
    server.onOperation = (peer, request) => {
      if (request.type !== "import-request") return false;
      answer(peer);
      return true;
    };
    expect(await codeOf(transport.open({ vendorId }))).toBe(code);
    await until(() => server.peers.every(({ isClosed }) => isClosed));
  });

  const descriptors: readonly (readonly [
    string,
    string,
    (command: SubmitCommand) => Partial<SubmitReply> | undefined,
  ])[] = [
    ["answers nothing", "transport-failed", () => undefined],
    [
      "refuses the descriptor of the device",
      "control-stalled",
      () => ({ status: -32, actualLength: 0, data: bytes(0) }),
    ],
    ["has descriptors of zeros", "bad-descriptor", ({ length }) => ({ data: bytes(length) })],
    ["has descriptors of no bytes", "bad-descriptor", () => ({ actualLength: 0, data: bytes(0) })],
    [
      "sends more than was asked",
      "protocol-error",
      ({ length }) => ({ actualLength: length + 1, data: bytes(length + 1) }),
    ],
    ["answers another request", "protocol-error", () => ({ seqnum: 99 })],
  ];
  it.each(descriptors)("%s, when asked what it is: %s", async (_what, code, fields) => {
    const { server, transport } = scripted({ timeout: 30 });
    server.onCommand = (peer, command) => {
      if (command.type === "unlink") peer.unlinked(command);
      else {
        const said = fields(command);
        if (said !== undefined) peer.reply(command, said);
      }
      return true;
    };
    expect(await codeOf(transport.open({ vendorId }))).toBe(code);
    await until(() => server.peers.every(({ isClosed }) => isClosed));
  });

  it("has a device of 255 configurations of 64 KiB: no more are read than any host does", async () => {
    const { server, transport } = scripted();
    server.devices = [listed(1, { configurationCount: 255 })];
    const asked = new Set<number>();
    server.onCommand = (_peer, command) => {
      if (command.type === "submit" && command.setup[3] === 2) asked.add(command.setup[2] ?? NaN);
      return false;
    };
    const device = await firstValueFrom(transport.open({ vendorId }));
    expect(asked.size).toBe(8);
    await done(device.close());
  });
});

describe("a server that, while a device is open,", () => {
  /** Replies to the first of two transfers. */
  const replies: readonly (readonly [string, string, (peer: Peer, command: SubmitCommand) => void])[] = [
    ["hangs up", "device-gone", (peer) => peer.stream.end()],
    ["breaks the connection", "device-gone", (peer) => peer.stream.destroy()],
    ["sends noise", "protocol-error", (peer) => peer.sendBytes(noise)],
    [
      "answers an unknown transfer",
      "protocol-error",
      (peer, command) => peer.reply(command, { seqnum: 4_000_000_000 }),
    ],
    ["sends an unknown message", "protocol-error", (peer, command) => peer.sendBytes(altered(encode(command), 0, 5))],
    ["sends a command", "protocol-error", (peer, command) => peer.send(command)],
    [
      "answers an unlink that was not asked",
      "protocol-error",
      (peer) => peer.send({ type: "unlink-reply", seqnum: 3, status: 0 }),
    ],
    [
      "moves more than was asked",
      "protocol-error",
      (peer, command) => peer.sendBytes(altered(encode(command), 24, 13)),
    ],
    [
      "sends an oversized message, of four gigabytes",
      "protocol-error",
      (peer, command) => peer.sendBytes(altered(encode(command), 24, 0xffffffff)),
    ],
    ["has fewer packets", "protocol-error", (peer, command) => peer.sendBytes(altered(encode(command), 32, 2))],
    [
      "claims a million packets",
      "protocol-error",
      (peer, command) => peer.sendBytes(altered(encode(command), 32, 1_000_000)),
    ],
    ["has no packets", "protocol-error", (peer, command) => peer.sendBytes(altered(encode(command), 32, 0xffffffff))],
    [
      "moves more in a packet than was asked",
      "protocol-error",
      (peer, command) => peer.reply(command, { actual: [4, 5, 3] }),
    ],
    [
      "has lengths that lie: less in all than in its packets",
      "protocol-error",
      (peer, command) => peer.reply(command, { actual: [4, 4, 4], actualLength: 11, data: bytes(11) }),
    ],
    [
      "has lengths that lie: more in all than in its packets",
      "protocol-error",
      (peer, command) => peer.reply(command, { actual: [4, 0, 4], actualLength: 12, data: bytes(12) }),
    ],
    [
      "sends a duplicate, the same answer twice",
      "protocol-error",
      (peer, command) => {
        peer.reply(command);
        peer.reply(command);
      },
    ],
    [
      "sends a truncated message, and ends",
      "protocol-error",
      (peer, command) => {
        peer.sendBytes(encode(command).subarray(0, 55));
        peer.stream.end();
      },
    ],
    [
      "stops writing in the middle of a message",
      "transport-failed",
      (peer, command) => peer.sendBytes(encode(command).subarray(0, 55)),
    ],
    ["does not answer", "transport-failed", () => undefined],
  ];

  it.each(replies)("%s: %s for all that is in flight, and the connection is closed", async (_what, code, act) => {
    const { peer, port } = await scriptedPort(counterProtocol.inEndpoint, { timeout: 50 });
    const gone = firstValueFrom(port.device.gone);
    const sent = [0, 1].map(() => port.submit({ lengths: [4, 4, 4] }));
    await until(() => peer.submits.length === 2);
    const [command] = peer.submits;
    if (command === undefined) throw new Error("nothing was submitted");
    act(peer, command);
    await Promise.all(sent.map(({ completion }) => completion));
    expect(sent.at(-1)?.submission.error?.code).toBe(code);
    expect((await gone).code).toBe("device-gone");
    await until(() => peer.isClosed);
    expect(await codeOf(() => port.submit({ lengths: [4] }))).toBe("device-gone");
    expect(await codeOf(port.device.clearHalt(0x81))).toBe("device-gone");
    await done(port.device.releaseInterface(0)).catch((error: unknown) => {
      expect((error as IsochError).code).toBe("device-gone");
    });
    await done(port.device.close());
    await done(port.device.close());
  });

  it("does not answer a control request: that is given up, and the connection goes on", async () => {
    const { peer, port, server } = await scriptedPort(counterProtocol.inEndpoint, { timeout: 50 });
    server.onCommand = (_peer, command) => {
      if (command.type === "unlink") peer.unlinked(command);
      return command.type === "unlink" || command.endpoint === 0;
    };
    expect(await codeOf(port.device.clearHalt(0x81))).toBe("transport-failed");
    server.onCommand = () => false;
    await done(port.device.clearHalt(0x81));
    expect(peer.isClosed).toBe(false);
  });

  it("does not answer its being given up either: the connection is closed", async () => {
    const { peer, port, server } = await scriptedPort(counterProtocol.inEndpoint, { timeout: 50 });
    server.onCommand = () => true;
    expect(await codeOf(port.device.clearHalt(0x81))).toBe("transport-failed");
    await until(() => peer.isClosed);
  });

  it("stops reading: what is queued for it is bounded, and closing does not hang", async () => {
    const { peer, port } = await scriptedPort(counterProtocol.outEndpoint, { timeout: 50 });
    peer.stream.pause();
    const buffer = new Uint8Array(3000 * 8000);
    const sent = port.submit({ lengths: 3000, frames: 8000, buffer });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect((peer.stream as ReturnType<typeof memoryStreams>[0]).mostWaiting).toBeLessThan(2 ** 24 + 2 ** 21);
    port.cancel(sent);
    expect((await sent.completion).error?.code).toBe("transport-failed");
    await done(port.device.close());
  });

  it("stops writing in the middle of a message that nobody asked for: in time, the connection is closed", async () => {
    const { peer, port } = await scriptedPort(counterProtocol.inEndpoint, { timeout: 50 });
    const gone = firstValueFrom(port.device.gone);
    peer.sendBytes(Uint8Array.of(0, 0, 0, 4, 0));
    expect((await gone).message).toContain("finish a message that it began within 50 ms");
    await until(() => peer.isClosed);
  });

  it("begins a message that nobody asked for, and goes on byte for byte: closed in the time for one message", async () => {
    const { peer, port } = await scriptedPort(counterProtocol.inEndpoint, { timeout: 50 });
    const gone = firstValueFrom(port.device.gone);
    const bytes = new Uint8Array(48);
    bytes[3] = 4;
    let at = 0;
    const dripping = setInterval(() => {
      if (at < bytes.length - 1) peer.sendBytes(bytes.subarray(at, ++at));
    }, 20);
    expect((await gone).message).toContain("finish a message that it began within 50 ms");
    clearInterval(dripping);
    // All but the last were there otherwise, before the time began for good.
    expect(at).toBeLessThan(bytes.length - 1);
    await until(() => peer.isClosed);
  });

  it("stops writing in mid-message, and goes on byte for byte: the connection is closed all the same", async () => {
    const { peer, port } = await scriptedPort(counterProtocol.inEndpoint, { timeout: 50 });
    const sent = port.submit({ lengths: [64, 64, 64] });
    await until(() => peer.submits.length === 1);
    const [command] = peer.submits;
    if (command === undefined) throw new Error("nothing was submitted");
    const bytes = encode(command);
    let at = 0;
    const dripping = setInterval(() => {
      if (at < bytes.length) peer.sendBytes(bytes.subarray(at, ++at));
    }, 20);
    expect((await sent.completion).error?.code).toBe("transport-failed");
    clearInterval(dripping);
    expect(at).toBeLessThan(bytes.length);
    await until(() => peer.isClosed);
  });

  it("reorders its answers: each transfer has its own, and they are told in the order of submission", async () => {
    const { peer, port } = await scriptedPort(counterProtocol.inEndpoint, { timeout: 5000 });
    const sent = [1, 2, 3].map((length) => port.submit({ lengths: [length] }));
    await until(() => peer.submits.length === 3);
    const told: number[] = [];
    sent.forEach(({ completion }, i) => void completion.then(() => told.push(i)));
    const submits = [...peer.submits];
    // The bus had them in their order.
    for (const i of [2, 0, 1]) {
      const command = submits[i];
      if (command !== undefined) peer.reply(command, { startFrame: 100 + i });
    }
    await Promise.all(sent.map(({ completion }) => completion));
    expect(told).toStrictEqual([0, 1, 2]);
    expect(sent.map(({ submission }) => [submission.error, [...submission.actual]])).toStrictEqual([
      [undefined, [1]],
      [undefined, [2]],
      [undefined, [3]],
    ]);
  });

  it("reorders the pieces of its messages: protocol-error", async () => {
    const { peer, port } = await scriptedPort(counterProtocol.inEndpoint, { timeout: 5000 });
    const sent = port.submit({ lengths: [64] });
    await until(() => peer.submits.length === 1);
    const [command] = peer.submits;
    if (command === undefined) throw new Error("nothing was submitted");
    const bytes = encode(command);
    peer.sendBytes(bytes.subarray(48), bytes.subarray(0, 48));
    expect((await sent.completion).error?.code).toBe("protocol-error");
    await until(() => peer.isClosed);
  });

  it("ends a stream with what it did, and what had arrived before", async () => {
    const { server, transport } = scripted({ timeout: 5000 });
    const results: number[] = [];
    const failure = new Promise<IsochError>((resolve) => {
      isochPipe(transport, { vendorId, endpoint: counterProtocol.inEndpoint, alternate: 1 })
        .results({ frames: 2, queue: 4 })
        .subscribe({
          next: ({ firstFrame }) => results.push(firstFrame),
          error: resolve,
        });
    });
    await until(() => server.peers.some(({ submits }) => submits.length === 4));
    const { peer } = server;
    peer.submits.slice(0, 2).forEach((command, i) => {
      peer.reply(command, { startFrame: 10 + 2 * i });
    });
    peer.sendBytes(noise);
    expect((await failure).code).toBe("protocol-error");
    expect(results).toStrictEqual([10, 12]);
    await until(() => peer.isClosed);
  });

  it("does not close: nobody waits for it longer than the time limit", async () => {
    const { server, transport } = scripted({ timeout: 30 });
    server.isPolite = false;
    const device = await firstValueFrom(transport.open({ vendorId }));
    await done(device.close());
    await until(() => server.peer.isClosed);
  });
});

describe("any server", () => {
  const messages = fc.oneof(
    fc.record({ type: fc.constant("noise" as const), bytes: fc.uint8Array({ minLength: 1, maxLength: 200 }) }),
    fc.record({
      type: fc.constant("reply" as const),
      which: fc.nat(3),
      offset: fc.nat(95),
      byte: fc.option(fc.integer({ min: 0, max: 255 })),
    }),
    fc.record({ type: fc.constant("unlinked" as const), which: fc.nat(3), status: fc.constantFrom(0, -104, 77) }),
  );

  it("gets a typed error at most, and whatever was in flight completes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(messages, { maxLength: 8 }), fc.boolean(), async (script, isCancelling) => {
        const { server, transport } = scripted({ timeout: 5000 });
        const port = await RawPort.open(transport, { vendorId }, counterProtocol.inEndpoint, 1);
        const { peer } = server;
        const sent = [0, 1, 2].map((i) => port.submit({ lengths: [4, 4 + i, 4] }));
        if (isCancelling) for (const each of sent) port.cancel(each);
        await until(() => peer.submits.length === 3 && (!isCancelling || peer.unlinks.length === 3));
        for (const each of script) {
          if (each.type === "noise") peer.sendBytes(each.bytes);
          else if (each.type === "unlinked") {
            const unlink = peer.unlinks[each.which];
            if (unlink !== undefined) peer.unlinked(unlink, each.status);
          } else {
            const command = peer.submits[each.which];
            if (command === undefined) continue;
            const bytes = encode(command);
            if (each.byte !== null) bytes[each.offset] = each.byte;
            peer.sendBytes(bytes);
          }
        }
        await arrival();
        peer.stream.destroy();
        await port.drained();
        for (const { submission } of sent) {
          const codes = [undefined, "protocol-error", "device-gone", "transport-failed"];
          expect(codes).toContain(submission.error?.code);
        }
        await done(port.device.close());
        expect(peer.isClosed).toBe(true);
      }),
      { numRuns: 150 },
    );
  });
});

describe("a connection that", () => {
  const codeWith = (connect: Observable<ByteStream>) => codeOf(usbip({ connect, timeout: 20 }).open({ vendorId }));

  it("does not come about: in time, transport-failed", async () => {
    let isGivenUp = false;
    const connect = new Observable<ByteStream>(() => () => (isGivenUp = true));
    expect(await codeWith(connect)).toBe("transport-failed");
    expect(isGivenUp).toBe(true);
    expect(await codeWith(NEVER)).toBe("transport-failed");
  });

  it("fails in a way of its own: transport-failed", async () => {
    const cause = new Error("no route");
    const error = await lastValueFrom(usbip({ connect: throwError(() => cause) }).devices()).catch(
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ name: "TransportError", code: "transport-failed", cause });
  });

  it("is none: transport-failed", async () => {
    expect(await codeWith(of())).toBe("transport-failed");
  });

  /** Throws whatever it is asked to do, once it is broken. */
  function fragile(near: ByteStream): { readonly stream: ByteStream; readonly breakDown: () => void } {
    let isBroken = false;
    const whole = (work: () => void) => {
      if (isBroken) throw new TypeError("broken");
      work();
    };
    const stream: ByteStream = {
      open: (handler) => {
        near.open(handler);
      },
      write: (data, sent) => {
        whole(() => {
          near.write(data, sent);
        });
      },
      pause: () => undefined,
      resume: () => undefined,
      end: () => {
        whole(() => {
          near.end();
        });
      },
      destroy: () => {
        whole(() => {
          near.destroy();
        });
      },
    };
    return { stream, breakDown: () => (isBroken = true) };
  }

  it("throws when it is written to: transport-failed", async () => {
    const { stream, breakDown } = fragile(memoryStreams()[0]);
    breakDown();
    expect(await codeWith(of(stream))).toBe("transport-failed");
  });

  it("throws while a device is open: it is gone, and whatever was in flight completes", async () => {
    const { server } = scripted();
    const carriers: ReturnType<typeof fragile>[] = [];
    const connect = server.connect.pipe(
      map((near) => {
        const carrier = fragile(near);
        carriers.push(carrier);
        return carrier.stream;
      }),
    );
    const port = await RawPort.open(usbip({ connect, timeout: 5000 }), { vendorId }, counterProtocol.inEndpoint, 1);
    const sent = [port.submit({ lengths: [4] })];
    carriers.at(-1)?.breakDown();
    const control = codeOf(port.device.clearHalt(0x81));
    sent.push(port.submit({ lengths: [4] }));
    await port.drained();
    for (const { submission } of sent) expect(submission.error?.code).toBe("device-gone");
    expect(await control).toBe("device-gone");
    expect((await firstValueFrom(port.device.gone)).code).toBe("device-gone");
    await done(port.device.close());
  });
});

function bytes(length: number): Uint8Array {
  return new Uint8Array(length);
}

function encode(command: SubmitCommand): Uint8Array {
  return encodeMessage(replyTo(command));
}

function importReply(busId: string) {
  return { type: "import-reply" as const, status: 0, device: { ...listed(1), busId } };
}

function refusal(status: number) {
  return { type: "import-reply" as const, status, device: undefined };
}

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { frameStatuses, IsochError } from "rx-isoch";
import {
  ByteQueue,
  deviceListReply,
  encodeMessage,
  errnoOfStatus,
  importReply,
  MessageDecoder,
  operationRequest,
  statusOfErrno,
  urbCommandMessage,
  urbReplyMessage,
  type MessageParser,
  type SubmitCommand,
  type SubmitContext,
} from "../../../transports/usbip/protocol/index.js";
import {
  deviceLists,
  importReplies,
  operationRequests,
  submitAndReply,
  submitCommand,
  unlinkCommands,
  unlinkReplies,
} from "./messages.js";

/** Decodes everything that is there, from pieces of a size. */
function decode<M>(bytes: Uint8Array, parser: () => MessageParser<M>, piece = bytes.length): M[] {
  const queue = new ByteQueue();
  const decoder = new MessageDecoder(queue, parser);
  const messages: M[] = [];
  for (let at = 0; at < bytes.length; at += piece) {
    queue.push(bytes.subarray(at, at + piece));
    for (let message = decoder.read(); message !== undefined; message = decoder.read()) messages.push(message);
  }
  decoder.finish();
  return messages;
}

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return IsochError.is(error) ? error.code : String(error);
  }
  return "fine";
}

const hex = (text: string): Uint8Array =>
  Uint8Array.from(text.match(/[0-9a-f]{2}/gi) ?? [], (byte) => parseInt(byte, 16));
const pieces = fc.integer({ min: 1, max: 100 });
const none: SubmitContext = { direction: "in", length: 64, packets: undefined };

describe("what is encoded is decoded again, in pieces of any size", () => {
  it("requests before an import", () => {
    fc.assert(
      fc.property(fc.array(operationRequests, { minLength: 1, maxLength: 4 }), pieces, (messages, piece) => {
        const bytes = messages.map(encodeMessage);
        const whole = Uint8Array.from(bytes.flatMap((one) => [...one]));
        expect(decode(whole, operationRequest, piece)).toStrictEqual(messages);
      }),
    );
  });

  it("replies before an import", () => {
    fc.assert(
      fc.property(deviceLists, importReplies, pieces, (list, imported, piece) => {
        expect(decode(encodeMessage(list), deviceListReply, piece)).toStrictEqual([list]);
        expect(decode(encodeMessage(imported), importReply, piece)).toStrictEqual([imported]);
      }),
    );
  });

  it("commands", () => {
    const command = fc.oneof(submitCommand, unlinkCommands);
    fc.assert(
      fc.property(fc.array(command, { minLength: 1, maxLength: 4 }), pieces, (messages, piece) => {
        const whole = Uint8Array.from(messages.flatMap((message) => [...encodeMessage(message)]));
        expect(decode(whole, () => urbCommandMessage(), piece)).toStrictEqual(messages);
      }),
    );
  });

  it("replies to them", () => {
    fc.assert(
      fc.property(submitAndReply, unlinkReplies, pieces, ([command, reply], unlinked, piece) => {
        const find = (seqnum: number) => (seqnum === command.seqnum ? command : undefined);
        const whole = Uint8Array.of(...encodeMessage(reply), ...encodeMessage(unlinked));
        expect(decode(whole, () => urbReplyMessage(find), piece)).toStrictEqual([reply, unlinked]);
      }),
    );
  });
});

// Documentation/usb/usbip_protocol.rst of Linux, "EXAMPLE": captured from a wire.
describe("what Linux sends", () => {
  const payloadOut = "ffffffff860008a784ce5ae21237630000000000".padEnd(128, "0");
  const payloadIn = "ffffffff860011a784ce5ae2123763612891b10201000004".padEnd(128, "0");
  const commandIn =
    "00000001 00000d05 0001000f 00000001 00000001 00000200 00000040 ffffffff 00000000 00000004 00000000 00000000";
  const commandOut =
    "00000001 00000d06 0001000f 00000000 00000001 00000000 00000040 ffffffff 00000000 00000004 00000000 00000000";
  const replyOut =
    "00000003 00000d06 00000000 00000000 00000000 00000000 00000040 ffffffff 00000000 00000000 00000000 00000000";
  const replyIn =
    "00000003 00000d05 00000000 00000000 00000000 00000000 00000040 ffffffff 00000000 00000000 00000000 00000000";

  it("is read, and written to the byte: commands", () => {
    const bytes = hex(commandIn + commandOut + payloadOut);
    const commands = decode(bytes, () => urbCommandMessage());
    expect(commands).toMatchObject([
      { type: "submit", seqnum: 0xd05, deviceId: 0x1000f, direction: "in", endpoint: 1, flags: 0x200, length: 64 },
      { type: "submit", seqnum: 0xd06, direction: "out", startFrame: 0xffffffff, interval: 4, data: hex(payloadOut) },
    ]);
    expect(Uint8Array.from(commands.flatMap((command) => [...encodeMessage(command)]))).toStrictEqual(bytes);
  });

  it("is read, and written to the byte: replies", () => {
    const bytes = hex(replyOut + replyIn + payloadIn);
    const find = (seqnum: number): SubmitContext => ({ ...none, direction: seqnum === 0xd05 ? "in" : "out" });
    const replies = decode(bytes, () => urbReplyMessage(find));
    expect(replies).toMatchObject([
      { type: "submit-reply", seqnum: 0xd06, status: 0, actualLength: 64 },
      { type: "submit-reply", seqnum: 0xd05, status: 0, actualLength: 64, data: hex(payloadIn) },
    ]);
    expect(Uint8Array.from(replies.flatMap((reply) => [...encodeMessage(reply)]))).toStrictEqual(bytes);
  });

  it("has its fields where the tables of the same document have them", () => {
    const busId = "332d32".padEnd(64, "0");
    expect(encodeMessage({ type: "device-list-request" })).toStrictEqual(hex("0111 8005 00000000"));
    expect(encodeMessage({ type: "import-request", busId: "3-2" })).toStrictEqual(hex(`0111 8003 00000000 ${busId}`));
    expect(encodeMessage({ type: "import-reply", status: 1, device: undefined })).toStrictEqual(
      hex("0111 0003 00000001"),
    );
    const packets = {
      offsets: Uint32Array.of(0, 3),
      lengths: Uint32Array.of(3, 4),
      actual: Uint32Array.of(2, 0),
      statuses: Int32Array.of(0, -18),
    };
    const reply = {
      type: "submit-reply",
      seqnum: 7,
      status: -104,
      actualLength: 2,
      startFrame: 9,
      errorCount: 1,
      packets,
      packetCount: 2,
      data: Uint8Array.of(0xaa, 0xbb),
    } as const;
    expect(encodeMessage(reply)).toStrictEqual(
      hex(
        "00000003 00000007 00000000 00000000 00000000 ffffff98 00000002 00000009 00000002 00000001 00000000 00000000" +
          "aabb 00000000 00000003 00000002 00000000 00000003 00000004 00000000 ffffffee",
      ),
    );
  });
});

describe("what lies is refused before it is waited for", () => {
  const urb = (fields: Readonly<Record<number, number>>): Uint8Array => {
    const bytes = new Uint8Array(48);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, 1);
    for (const [offset, value] of Object.entries(fields)) view.setUint32(Number(offset), value);
    return bytes;
  };
  const withPacket = (length: number, offset: number, packet: number): Uint8Array =>
    Uint8Array.of(
      ...urb({ 12: 1, 24: length, 32: 1 }),
      ...hex("00".repeat(16)).map((_, i) => field(i, offset, packet)),
    );
  const field = (i: number, offset: number, packet: number): number => {
    const value = i < 4 ? offset : i < 8 ? packet : 0;
    return (value >>> (24 - 8 * (i % 4))) & 0xff;
  };

  it.each([
    ["a million packets", urb({ 12: 1, 24: 64, 32: 1_000_000 })],
    ["a packet more than Linux takes", urb({ 12: 1, 24: 64, 32: 1025 })],
    ["two gigabytes", urb({ 24: 0x7fffffff })],
    ["more than four", urb({ 12: 1, 24: 0xffffffff })],
    ["endpoint 16", urb({ 16: 16 })],
    ["a third direction", urb({ 12: 2 })],
    ["a reply where a command belongs", urb({ 0: 3 })],
    ["an unknown command", urb({ 0: 0x01110005 })],
    ["a packet outside of its buffer", withPacket(64, 60, 5)],
    ["a packet whose end wraps around", withPacket(64, 0xffffffff, 2)],
  ])("in a command: %s", (_, bytes) => {
    expect(codeOf(() => decode(bytes, () => urbCommandMessage()))).toBe("protocol-error");
  });

  it("in a command: packets that share bytes, to be more than the buffer", () => {
    const packet = hex("00000000 00000040 00000000 00000000");
    const bytes = Uint8Array.of(...urb({ 12: 1, 24: 64, 32: 2 }), ...packet, ...packet);
    expect(codeOf(() => decode(bytes, () => urbCommandMessage()))).toBe("protocol-error");
  });

  it.each([
    ["another version", hex("0106 8005 00000000")],
    ["a reply where a request belongs", hex("0111 0005 00000000")],
    ["an unknown operation", hex("0111 8006 00000000")],
    ["a bus id without an end", hex(`0111 8003 00000000 ${"31".repeat(32)}`)],
    ["an empty bus id", hex(`0111 8003 00000000 ${"00".repeat(32)}`)],
    ["a bus id with a line feed", hex(`0111 8003 00000000 0a${"00".repeat(31)}`)],
    ["an end in the middle", hex("0111 80")],
  ])("in a request: %s", (_, bytes) => {
    expect(codeOf(() => decode(bytes, operationRequest))).toBe("protocol-error");
  });

  const isochronous: SubmitContext = {
    direction: "in",
    length: 8,
    packets: {
      offsets: Uint32Array.of(0, 4),
      lengths: Uint32Array.of(4, 4),
      actual: new Uint32Array(2),
      statuses: new Int32Array(2),
    },
  };
  const two = (first: number, second: number): string =>
    [first, second]
      .map((actual, i) => [i * 4, 4, actual, 0].map((value) => value.toString(16).padStart(8, "0")).join(""))
      .join("");
  const reply = (actual: number, count: number): Uint8Array => urb({ 0: 3, 24: actual, 32: count });

  it.each([
    ["to nothing that is pending", reply(0, 0), undefined],
    ["with more than was asked", reply(65, 0), none],
    ["with a negative length", reply(0xffffffff, 0), none],
    ["with a packet too few", reply(4, 1), isochronous],
    ["with a million packets", reply(4, 1_000_000), isochronous],
    [
      "with a packet longer than was asked",
      Uint8Array.of(...reply(5, 2), ...hex("aaaaaaaaaa" + two(5, 0))),
      isochronous,
    ],
    [
      "with packets that are less than the whole",
      Uint8Array.of(...reply(5, 2), ...hex("aaaaaaaaaa" + two(1, 1))),
      isochronous,
    ],
    ["that is a command", urb({}), none],
  ])("in a reply: %s", (_, bytes, context) => {
    expect(codeOf(() => decode(bytes, () => urbReplyMessage(() => context)))).toBe("protocol-error");
  });

  it("in a list: more devices than there are ports", () => {
    expect(codeOf(() => decode(hex("0111 0005 00000000 000f4240"), deviceListReply))).toBe("protocol-error");
  });

  it("for good: nothing is read after an error", () => {
    const queue = new ByteQueue();
    const decoder = new MessageDecoder(queue, operationRequest);
    queue.push(hex("0106 8005 00000000"));
    queue.push(encodeMessage({ type: "device-list-request" }));
    expect(codeOf(() => decoder.read())).toBe("protocol-error");
    expect(codeOf(() => decoder.read())).toBe("protocol-error");
  });
});

describe("the memory of the queue", () => {
  it("follows what arrived, not what was announced", () => {
    const queue = new ByteQueue();
    const decoder = new MessageDecoder(queue, () => urbCommandMessage());
    const command = encodeMessage({ ...emptySubmit(), length: 1 << 24, data: new Uint8Array(1000) });
    for (const byte of command) {
      queue.push(Uint8Array.of(byte));
      expect(decoder.read()).toBeUndefined();
    }
    expect(queue.capacity).toBeLessThanOrEqual(4096);
  });

  it("is given back after a large message", () => {
    const queue = new ByteQueue();
    const decoder = new MessageDecoder(queue, () => urbCommandMessage());
    queue.push(encodeMessage({ ...emptySubmit(), length: 1 << 22, data: new Uint8Array(1 << 22) }));
    expect(decoder.read()?.type).toBe("submit");
    expect(queue.capacity).toBeLessThanOrEqual(4096);
  });
});

function emptySubmit(): SubmitCommand {
  return {
    type: "submit",
    seqnum: 1,
    deviceId: 0x10001,
    direction: "out",
    endpoint: 2,
    flags: 0,
    length: 0,
    startFrame: 0,
    interval: 0,
    setup: new Uint8Array(8),
    packets: undefined,
    packetCount: 0,
    data: new Uint8Array(0),
  };
}

describe("errno", () => {
  it("comes back as the status it was made of, where Linux has a word of its own for it", () => {
    const back = Object.fromEntries(frameStatuses.map((status) => [status, statusOfErrno(errnoOfStatus(status))]));
    const shared = {
      "data-toggle-mismatch": "bit-stuffing",
      "pid-check-failure": "bit-stuffing",
      "unexpected-pid": "bit-stuffing",
      "not-complete": "not-accessed",
      lost: "not-accessed",
    };
    expect(back).toStrictEqual({ ...Object.fromEntries(frameStatuses.map((status) => [status, status])), ...shared });
  });

  it("is 0 for ok, and negative for everything else", () => {
    for (const status of frameStatuses) expect(Math.sign(errnoOfStatus(status))).toBe(status === "ok" ? -0 + 0 : -1);
  });

  it.each([
    [-104, "cancelled"],
    [-2, "cancelled"],
    [-19, "device-not-responding"],
    [-108, "device-not-responding"],
    [-110, "device-not-responding"],
    [-9999, "failed"],
    [1, "failed"],
  ])("%i reads %s", (code, status) => {
    expect(statusOfErrno(code)).toBe(status);
  });
});

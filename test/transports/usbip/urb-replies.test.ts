import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  encodeMessage,
  UrbReplyReader,
  type AwaitedReply,
  type SubmitCommand,
  type SubmitReply,
  type UsbipMessage,
} from "../../../transports/usbip/protocol/index.js";
import { submitAndReply, unlinkReplies } from "./messages.js";

interface Heard extends AwaitedReply {
  readonly command: SubmitCommand;
}

/** A reader of the replies to some submits, and what it told. */
function reading(commands: readonly SubmitCommand[], isWanted = true) {
  const pending = new Map<number, Heard>(
    commands.map((command) => [
      command.seqnum,
      {
        command,
        direction: command.direction,
        length: command.length,
        data: isWanted && command.direction === "in" ? new Uint8Array(command.length) : undefined,
        packets: command.packets?.lengths.length ?? 0,
      },
    ]),
  );
  const told: unknown[] = [];
  const reader = new UrbReplyReader<Heard>({
    awaited: (seqnum) => pending.get(seqnum),
    submitted: (seqnum, awaited, { status, actualLength, startFrame }, packets) => {
      pending.delete(seqnum);
      const descriptors = Array.from({ length: awaited.packets }, (_, i) => [
        packets.getUint32(16 * i + 8),
        packets.getInt32(16 * i + 12),
      ]);
      told.push({ seqnum, status, actualLength, startFrame, descriptors, data: awaited.data?.slice(0, actualLength) });
    },
    unlinked: (seqnum, status) => told.push({ seqnum, status }),
  });
  return { reader, told };
}

function expectedOf({ seqnum, status, actualLength, startFrame, packets, data }: SubmitReply, isIn: boolean) {
  const descriptors = Array.from(packets?.actual ?? [], (actual, i) => [actual, packets?.statuses[i]]);
  return { seqnum, status, actualLength, startFrame, descriptors, data: isIn ? data : undefined };
}

function join(messages: readonly UsbipMessage[]): Uint8Array {
  return Uint8Array.from(messages.flatMap((message) => [...encodeMessage(message)]));
}

const conversations = fc.array(fc.oneof(submitAndReply, unlinkReplies), { minLength: 1, maxLength: 8 }).map((all) =>
  all.map((each, seqnum) =>
    "type" in each
      ? { ...each, seqnum }
      : ([
          { ...each[0], seqnum },
          { ...each[1], seqnum },
        ] as const),
  ),
);

describe("the reader of replies", () => {
  it("tells of every reply, in whatever chunks it comes, with the data where the submit wants it", () => {
    fc.assert(
      fc.property(conversations, fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1 }), (all, chunks) => {
        const { reader, told } = reading(all.flatMap((each) => ("type" in each ? [] : [each[0]])));
        const bytes = join(all.map((each) => ("type" in each ? each : each[1])));
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const size = chunks[i % chunks.length] ?? 1;
          const chunk = bytes.slice(at, at + size);
          reader.push(chunk);
          chunk.fill(0xee);
          at += size;
        }
        reader.finish();
        expect(told).toStrictEqual(
          all.map((each) =>
            "type" in each
              ? { seqnum: each.seqnum, status: each.status }
              : expectedOf(each[1], each[0].direction === "in"),
          ),
        );
      }),
    );
  });

  it("passes over data that nobody wants", () => {
    fc.assert(
      fc.property(submitAndReply, ([command, reply]) => {
        const { reader, told } = reading([command], false);
        reader.push(join([reply, { type: "unlink-reply", seqnum: 1, status: -104 }]));
        expect(told).toHaveLength(2);
        expect(told[1]).toStrictEqual({ seqnum: 1, status: -104 });
      }),
    );
  });

  it("takes any bytes, and throws nothing but protocol-error", () => {
    fc.assert(
      fc.property(submitAndReply, fc.uint8Array({ maxLength: 300 }), fc.nat(400), ([command, reply], noise, at) => {
        const { reader } = reading([command]);
        const bytes = join([reply]);
        bytes.set(noise.subarray(0, Math.max(0, bytes.length - at)), Math.min(at, bytes.length));
        try {
          reader.push(bytes);
          reader.finish();
        } catch (error) {
          expect(error).toMatchObject({ name: "TransportError", code: "protocol-error" });
          reader.push(bytes);
        }
      }),
    );
  });

  it("ends in the middle of a message: protocol-error; between two: nothing", () => {
    const { reader } = reading([]);
    reader.finish();
    reader.push(new Uint8Array(10));
    expect(() => {
      reader.finish();
    }).toThrow(expect.objectContaining({ code: "protocol-error" }) as Error);
  });

  it("writes nowhere once it is stopped", () => {
    const [command, reply] = fc.sample(
      submitAndReply.filter(([{ direction }, { actualLength }]) => direction === "in" && actualLength > 3),
      1,
    )[0] ?? [undefined, undefined];
    if (command === undefined) throw new Error("there is no sample");
    const data = new Uint8Array(command.length).fill(0xaa);
    const reader = new UrbReplyReader({
      awaited: () => ({ direction: "in" as const, length: command.length, data, packets: 0 }),
      submitted: () => undefined,
      unlinked: () => undefined,
    });
    const bytes = encodeMessage(reply);
    reader.push(bytes.subarray(0, 48));
    reader.stop();
    reader.push(bytes.subarray(48));
    expect(data.every((byte) => byte === 0xaa)).toBe(true);
  });
});

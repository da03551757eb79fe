import fc from "fast-check";
import { expect, it, onTestFinished } from "vitest";
import { IsochError } from "rx-isoch";
import {
  ByteQueue,
  deviceListReply,
  encodeMessage,
  importReply,
  MessageDecoder,
  operationRequest,
  urbCommandMessage,
  urbReplyMessage,
  type MessageParser,
  type SubmitContext,
  type UsbipMessage,
} from "../../../transports/usbip/protocol/index.js";
import {
  deviceLists,
  importReplies,
  operationRequests,
  submitAndReply,
  submitCommand,
  unlinkCommands,
} from "./messages.js";

/** FUZZ_SEED=n repeats a run. */
const given = Number.parseInt(process.env["FUZZ_SEED"] ?? "", 10);
const seed = Number.isNaN(given) ? Date.now() & 0x7fffffff : given;
const inputs = 100_000;

const context: SubmitContext = {
  direction: "in",
  length: 1000,
  packets: {
    offsets: Uint32Array.of(0, 500),
    lengths: Uint32Array.of(500, 500),
    actual: new Uint32Array(2),
    statuses: new Int32Array(2),
  },
};
const kinds: readonly (() => MessageParser<UsbipMessage>)[] = [
  operationRequest,
  deviceListReply,
  importReply,
  () => urbCommandMessage(),
  () =>
    urbReplyMessage((seqnum) =>
      seqnum % 3 === 0 ? undefined : seqnum % 3 === 1 ? context : { ...context, packets: undefined },
    ),
];
const interesting = [0, 1, 2, 3, 4, 0x7fffffff, 0x80000000, 0xffffffff, 1024, 1025, 1_000_000, 0x01118003, 0x01118005];

/** xorshift32: fast-check would spend longer on making the bytes than the decoder on reading them. */
function randomNumbers(): (below: number) => number {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

function conversations(): Uint8Array[] {
  const join = (messages: readonly UsbipMessage[]) =>
    Uint8Array.from(messages.flatMap((one) => [...encodeMessage(one)]));
  const sample = <T>(what: fc.Arbitrary<T>, count = 60): T[] => fc.sample(what, { numRuns: count, seed });
  const commands = fc.array(fc.oneof(submitCommand, unlinkCommands), { minLength: 1, maxLength: 5 });
  return [
    ...sample(fc.tuple(operationRequests, commands)).map(([first, rest]) => join([first, ...rest])),
    ...sample(commands).map(join),
    ...sample(deviceLists).map((list) => join([list])),
    ...sample(importReplies).map((reply) => join([reply])),
    ...sample(fc.array(submitAndReply, { minLength: 1, maxLength: 5 })).map((pairs) =>
      join(pairs.map(([, reply]) => reply)),
    ),
  ];
}

it(
  `survives ${inputs} inputs, with typed errors and bounded memory only (FUZZ_SEED=${seed})`,
  { timeout: 120_000 },
  () => {
    const random = randomNumbers();
    // Most of the time would go into the stacks of errors.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    onTestFinished(() => {
      Error.stackTraceLimit = stackTraceLimit;
    });
    const pool = conversations();
    const counts = { refused: 0, messages: 0 };
    const mutated = (): Uint8Array => {
      const bytes = (pool[random(pool.length)] ?? new Uint8Array(0)).slice(0, 2000);
      const view = new DataView(bytes.buffer);
      for (let times = 1 + random(4); times > 0 && bytes.length > 4; times--) {
        const at = random(bytes.length);
        const word = Math.min(at & ~3, bytes.length - 4);
        switch (random(5)) {
          case 0:
            bytes[at] = random(256);
            break;
          case 1:
            view.setUint32(word, interesting[random(interesting.length)] ?? 0);
            break;
          case 2:
            view.setUint32(word, view.getUint32(word) + random(5) - 2);
            break;
          case 3:
            bytes.copyWithin(at, random(bytes.length));
            break;
          default:
            return bytes.subarray(0, at);
        }
      }
      return bytes;
    };
    const noise = (): Uint8Array => Uint8Array.from({ length: random(120) }, () => random(random(2) === 0 ? 4 : 256));

    for (let i = 0; i < inputs; i++) {
      const bytes = random(4) === 0 ? noise() : mutated();
      const queue = new ByteQueue();
      const decoder = new MessageDecoder(queue, kinds[random(kinds.length)] ?? operationRequest);
      const piece = 1 + random(bytes.length + 10);
      try {
        for (let at = 0; at < bytes.length; at += piece) {
          queue.push(bytes.subarray(at, at + piece));
          while (decoder.read() !== undefined) counts.messages++;
        }
        decoder.finish();
      } catch (error) {
        if (!IsochError.is(error) || error.code !== "protocol-error") throw error;
        counts.refused++;
      }
      if (queue.capacity > 8192) throw new Error(`${queue.capacity} bytes of memory for ${bytes.length}`);
    }
    expect(counts.refused).toBeGreaterThan(inputs / 4);
    expect(counts.messages).toBeGreaterThan(inputs / 20);
  },
);

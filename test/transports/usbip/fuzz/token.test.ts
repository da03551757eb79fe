import fc from "fast-check";
import { NEVER } from "rxjs";
import { it } from "vitest";
import type { ByteStream, StreamAcceptor } from "rx-isoch/transports/usbip";
import { offerToken } from "../../../../transports/usbip/client/offer-token.js";
import { TokenGate } from "../../../../transports/usbip/node/token-gate.js";
import { encodeMessage } from "../../../../transports/usbip/protocol/index.js";
import { encodeTokenReply, encodeTokenRequest, tokenStatus } from "../../../../transports/usbip/protocol/token.js";
import { memoryStreams } from "../memory-stream.js";
import { counted, mutations, Mutator, type Mutation } from "./mutation.js";
import { advance, check, chunks, codeOf, conversations, counts, settle, Surroundings, Tally } from "./world.js";

const token = "0123456789abcdef";
const patience = 1000;
/** Of a queue of bytes: the longest token, and what may come in one piece with it, in a power of two. */
const capacity = 1 << 14;

const messages = {
  token: encodeTokenRequest(token),
  "another token": encodeTokenRequest("0123456789abcdeF"),
  "a longer token": encodeTokenRequest(token + token),
  list: encodeMessage({ type: "device-list-request" }),
  import: encodeMessage({ type: "import-request", busId: "1-1" }),
  admitted: encodeTokenReply(tokenStatus.admitted),
  refused: encodeTokenReply(tokenStatus.refused),
  "what nobody says": encodeTokenReply(7),
  much: new Uint8Array(4000).map((_, i) => i),
} as const;
type Said = keyof typeof messages;

interface Script {
  readonly chunk: number;
  readonly said: readonly Said[];
  readonly changes: readonly { readonly message: number; readonly mutation: Mutation }[];
  /** Whoever gets the connection listens to it only once everything was said. */
  readonly isLate: boolean;
  readonly ending: "end" | "destroy" | "silence" | "close";
}

function scriptsOf(first: fc.Arbitrary<Said>, rest: readonly Said[]): fc.Arbitrary<Script> {
  return fc.record({
    chunk: chunks,
    said: fc
      .tuple(first, fc.array(fc.constantFrom(...rest), { maxLength: 3 }))
      .map(([one, others]) => [one, ...others] as const),
    changes: fc.array(fc.record({ message: fc.constantFrom(0, 0, 1, 2), mutation: mutations }), {
      minLength: 1,
      maxLength: 2,
    }),
    isLate: fc.boolean(),
    ending: fc.constantFrom("end", "destroy", "silence", "close"),
  });
}

/** What a connection is found to be by its first bytes, and how many of them these are. */
type Verdict = readonly ["in" | "turned away" | "broken off", number];

/** Read once more, without what is tested. */
function verdictOnRequest(bytes: Buffer): Verdict {
  if (bytes.length < 12 || bytes.readUInt32BE(0) !== 0x0111f278 || bytes.readUInt16BE(8) !== 1)
    return ["broken off", 0];
  const end = 12 + bytes.readUInt16BE(10);
  if (end > 12 + 3072 || bytes.length < end) return ["broken off", 0];
  return [bytes.subarray(12, end).equals(Buffer.from(token)) ? "in" : "turned away", end];
}

function verdictOnReply(bytes: Buffer): Verdict {
  if (bytes.length < 8 || bytes.readUInt32BE(0) !== 0x01117278) return ["broken off", 0];
  return [bytes.readUInt32BE(4) === 0 ? "in" : "turned away", 8];
}

/** The end that says what the script has, and the one that is tested. */
function ends(script: Script) {
  const [theirs, ours] = memoryStreams(script.chunk);
  const { stream, heard } = counted(theirs);
  const said: Uint8Array[] = [];
  const answer: number[] = [];
  const state = { isClosed: false, hasEnded: false };
  const end = () => {
    state.hasEnded = true;
    ours.end();
  };
  ours.open({
    received: (bytes) => answer.push(...bytes),
    ended: end,
    closed: () => (state.isClosed = true),
  });
  const mutator = new Mutator((bytes) => {
    if (state.hasEnded) return;
    said.push(bytes);
    ours.write(bytes, () => undefined);
  });
  return {
    stream,
    state,
    end,
    destroy: () => {
      ours.destroy();
    },
    answer: () => Buffer.from(answer),
    heard: () => Buffer.concat(said).subarray(0, heard()),
    isChanged: () => mutator.isChanged(heard()),
    say: async () => {
      for (const [i, what] of script.said.entries()) {
        mutator.send(messages[what].slice(), script.changes.find(({ message }) => message === i)?.mutation);
        await settle();
      }
    },
  };
}

/** Who has the connection in the end. */
class Receiver {
  readonly #isLate: boolean;
  #stream: ByteStream | undefined;
  readonly #bytes: number[] = [];
  count = 0;
  isClosed = false;

  constructor({ isLate }: Script) {
    this.#isLate = isLate;
  }

  take(stream: ByteStream): void {
    this.count++;
    this.#stream = stream;
    if (!this.#isLate) this.#open();
  }

  late(): void {
    if (this.#isLate) this.#open();
  }

  get bytes(): Buffer {
    return Buffer.from(this.#bytes);
  }

  #open(): void {
    this.#stream?.open({
      received: (bytes) => this.#bytes.push(...bytes),
      ended: () => this.#stream?.end(),
      closed: () => (this.isClosed = true),
    });
  }
}

/** Runs scripts, and sees after each that nothing is left. */
async function fuzz(what: string, scripts: fc.Arbitrary<Script>, run: (script: Script) => Promise<Fuzzed>) {
  const surroundings = new Surroundings();
  const tally = new Tally();
  const parameters = conversations(500);
  await fc.assert(
    fc.asyncProperty(scripts, async (script) => {
      const { isChanged, verdict } = await run(script);
      check(surroundings.timers === 0, () => `${surroundings.timers} timers are left`);
      check(surroundings.unhandled.length === 0, () => `nobody heard ${String(surroundings.unhandled)}`);
      const used = surroundings.takeCapacity();
      check(used <= capacity, () => `${used} bytes in a queue`);
      tally.run++;
      counts(isChanged);
      tally.add(verdict);
    }),
    parameters,
  );
  if (parameters.path !== undefined) return;
  console.info(`${parameters.numRuns} ${what} (FUZZ_SEED=${parameters.seed}). ${tally.toString()}`);
  tally.assert(parameters.numRuns, { in: 5, "turned away": 5, "broken off": 20 });
}

interface Fuzzed {
  readonly isChanged: boolean;
  readonly verdict: string;
}

const requests = scriptsOf(fc.constantFrom<Said>("token", "token", "another token", "a longer token", "list"), [
  "token",
  "another token",
  "list",
  "import",
  "much",
]);

it("a gate lets in who has the token, with every byte behind it, and nobody else", { timeout: 1_500_000 }, () =>
  fuzz("conversations with a gate that were changed", requests, async (script) => {
    const end = ends(script);
    const receiver = new Receiver(script);
    const refusals: string[] = [];
    const acceptor: StreamAcceptor = {
      accept: (stream) => {
        receiver.take(stream);
        return NEVER;
      },
      refused: (error) => refusals.push(codeOf(error)),
    };
    const gate = new TokenGate(acceptor, token, patience);
    gate.admit(end.stream);
    await end.say();
    if (script.ending === "end") end.end();
    else if (script.ending === "destroy") end.destroy();
    else if (script.ending === "close") gate.close();
    await settle();
    receiver.late();
    await advance(2 * patience);

    const [verdict, length] = verdictOnRequest(end.heard());
    const isIn = verdict === "in";
    check(receiver.count === Number(isIn), () => `${verdict}, and handed over ${receiver.count} times`);
    const isTold = refusals.length === Number(!isIn) || (script.ending === "close" && refusals.length === 0);
    check(isTold, () => `${verdict}, and told of ${refusals.join()}`);
    const answers = { in: messages.admitted, "turned away": messages.refused, "broken off": new Uint8Array(0) };
    const answer = end.answer();
    // Who breaks it off does not wait for the answer.
    const isAnswered = answer.equals(answers[verdict]) || (script.ending === "destroy" && answer.length === 0);
    check(isAnswered, () => `${verdict}, and answered ${answer.toString("hex")}`);
    check(
      receiver.bytes.equals(end.heard().subarray(isIn ? length : end.heard().length)),
      () => "other bytes behind it",
    );
    if (isIn && (script.ending === "silence" || script.ending === "close")) {
      check(!end.state.isClosed, () => "closed, though it was let in");
      end.end();
      await settle();
    }
    check(end.state.isClosed && (!isIn || receiver.isClosed), () => `${verdict}, and left open`);
    gate.close();
    return { isChanged: end.isChanged(), verdict };
  }),
);

const replies = scriptsOf(fc.constantFrom<Said>("admitted", "admitted", "refused", "what nobody says", "list"), [
  "admitted",
  "refused",
  "list",
  "much",
]);

it("a client hands on a connection whose server took the token, and no other", { timeout: 1_500_000 }, () =>
  fuzz("answers to a token that were changed", replies, async (script) => {
    const end = ends(script);
    const receiver = new Receiver(script);
    const failures: string[] = [];
    const subscription = offerToken(end.stream, token).subscribe({
      next: (stream) => {
        receiver.take(stream);
      },
      error: (error: unknown) => failures.push(codeOf(error)),
    });
    await end.say();
    if (script.ending === "end") end.end();
    else if (script.ending === "destroy") end.destroy();
    else if (script.ending === "close") subscription.unsubscribe();
    await settle();
    receiver.late();
    await settle();

    const [verdict, length] = verdictOnReply(end.heard());
    const isIn = verdict === "in";
    check(receiver.count === Number(isIn), () => `${verdict}, and emitted ${receiver.count} times`);
    const codes = { in: "", "turned away": "access-denied", "broken off": "protocol-error" };
    const isOpen = end.heard().length < 8 && (script.ending === "silence" || script.ending === "close");
    check(failures.join() === (isOpen ? "" : codes[verdict]), () => `${verdict}, and it says ${failures.join()}`);
    check(end.answer().equals(messages.token), () => `offered ${end.answer().toString("hex")}`);
    check(
      receiver.bytes.equals(end.heard().subarray(isIn ? length : end.heard().length)),
      () => "other bytes behind it",
    );
    if (isIn && (script.ending === "silence" || script.ending === "close")) {
      check(!end.state.isClosed, () => "closed, though it was taken");
      end.end();
      await settle();
    }
    subscription.unsubscribe();
    await settle();
    check(end.state.isClosed && (!isIn || receiver.isClosed), () => `${verdict}, and left open`);
    return { isChanged: end.isChanged(), verdict };
  }),
);

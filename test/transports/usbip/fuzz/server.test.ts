import fc from "fast-check";
import { it } from "vitest";
import type { IsochTransport, Submission, TransportDevice } from "rx-isoch";
import { counterDevice, VirtualBus, type Attachment } from "rx-isoch/transports/virtual";
import { UsbipServer } from "rx-isoch/transports/usbip";
import { encodeMessage, urbFlags, type UsbipMessage } from "../../../../transports/usbip/protocol/index.js";
import { alteredTransport } from "../../../support/altered-transport.js";
import { strictTransport } from "../../../support/strict-transport.js";
import { interruptingDevice } from "../interrupting-device.js";
import { ManualClock } from "../manual-clock.js";
import { memoryStreams } from "../memory-stream.js";
import { counters, nothing } from "../set-up.js";
import { asSubmitReply, StrictClient } from "../strict-client.js";
import { counted, mutations, Mutator, type Mutation } from "./mutation.js";
import { Overhearer, type Overheard } from "./overhearer.js";
import { advance, check, chunks, codeOf, conversations, counts, settle, Surroundings, Tally } from "./world.js";

const limits = { packets: 64, transferLength: 1 << 14, bytesInFlight: 1 << 13, patience: 1000 };
/** A message, and what may come in one piece with it. */
const largestMessage = 48 + limits.transferLength + 16 * limits.packets;
const bounds = {
  /** Of a queue of bytes, which grows by powers of two. */
  capacity: 4 * largestMessage,
  /** Of buffers on the bus: one transfer may always be under way. */
  inFlight: limits.bytesInFlight + limits.transferLength,
  /** Of replies that the client does not take: as much, a list, and what each message is counted at. */
  waiting: limits.bytesInFlight + limits.transferLength + 64 * limits.packets + 4096,
};

type Say =
  | { readonly what: "list" }
  | { readonly what: "import"; readonly busId: string }
  | { readonly what: "control"; readonly setup: readonly number[] }
  | {
      readonly what: "isochronous";
      readonly isIn: boolean;
      readonly lengths: readonly number[];
      readonly start: number | "asap";
      readonly gap: number;
    }
  | { readonly what: "other"; readonly endpoint: number; readonly isIn: boolean; readonly length: number }
  | { readonly what: "unlink"; readonly back: number };

type Step =
  | { readonly do: "say"; readonly say: Say }
  | { readonly do: "time"; readonly microseconds: number }
  | { readonly do: "settle" | "deaf" | "hear" };

interface Script {
  readonly device: "counter" | "interrupting";
  readonly chunk: number;
  /** What is said before, unchanged. */
  readonly prefix: "none" | "import" | "select" | "stream";
  readonly steps: readonly Step[];
  /** Of what is said in the steps: the first is number 0, and behind the last they begin anew. */
  readonly changes: readonly { readonly message: number; readonly mutation: Mutation }[];
  readonly ending: "end" | "destroy" | "silence" | "unplug" | "server";
}

const setups: readonly (readonly number[])[] = [
  [0x80, 6, 0, 1, 0, 0, 18, 0],
  [0x80, 6, 0, 2, 0, 0, 255, 0],
  [0x80, 6, 1, 3, 9, 4, 255, 0],
  [0x01, 11, 0, 0, 0, 0, 0, 0],
  [0x01, 11, 1, 0, 0, 0, 0, 0],
  [0x01, 11, 3, 0, 0, 0, 0, 0],
  [0x01, 11, 9, 0, 7, 0, 0, 0],
  [0x00, 9, 1, 0, 0, 0, 0, 0],
  [0x00, 9, 2, 0, 0, 0, 0, 0],
  [0x02, 1, 0, 0, 0x81, 0, 0, 0],
  [0xc0, 1, 0, 0, 0, 0, 12, 0],
  [0x40, 2, 0, 0, 0, 0, 0, 0],
  [0x40, 2, 0, 0, 0, 0, 4, 0],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
];
const one = <T extends string>(...values: T[]) => fc.constantFrom(...values);
const says: fc.Arbitrary<Say> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      what: one("isochronous"),
      isIn: fc.boolean(),
      lengths: fc.oneof(
        { weight: 6, arbitrary: fc.array(fc.constantFrom(0, 8, 16, 64, 1024), { minLength: 1, maxLength: 5 }) },
        // As much as a transfer may have: three of them are more than may be under way.
        { weight: 1, arbitrary: fc.constant(new Array<number>(limits.transferLength / 1024).fill(1024)) },
      ),
      start: fc.constantFrom<number | "asap">("asap", "asap", 0, 20, 400, 70_000, 0xffffffff),
      gap: fc.constantFrom(0, 0, 4),
    }),
  },
  { weight: 8, arbitrary: fc.record({ what: one("unlink"), back: fc.nat(4) }) },
  { weight: 3, arbitrary: fc.record({ what: one("control"), setup: fc.constantFrom(...setups) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      what: one("other"),
      endpoint: fc.constantFrom(1, 2, 3, 4),
      isIn: fc.boolean(),
      length: fc.constantFrom(0, 8, 16_384),
    }),
  },
  { weight: 1, arbitrary: fc.record({ what: one("import"), busId: one("1-1", "1-2", "9-9") }) },
  { weight: 1, arbitrary: fc.record({ what: one("list") }) },
);
const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({ do: one("say"), say: says }),
  },
  { weight: 5, arbitrary: fc.record({ do: one("time"), microseconds: fc.constantFrom(125, 500, 2000, 300_000) }) },
  { weight: 2, arbitrary: fc.record({ do: one("settle", "settle", "deaf", "hear") }) },
);
const scripts: fc.Arbitrary<Script> = fc.record({
  device: one("counter", "counter", "interrupting"),
  chunk: chunks,
  prefix: one("none", "import", "select", "select", "stream", "stream", "stream"),
  steps: fc.array(steps, { minLength: 1, maxLength: 12 }),
  changes: fc.array(fc.record({ message: fc.nat(11), mutation: mutations }), { minLength: 1, maxLength: 3 }),
  ending: fc.oneof(
    { weight: 12, arbitrary: one("end", "destroy", "silence") },
    { weight: 1, arbitrary: one("unplug", "server") },
  ),
});

/** Says what a client says, with its numbers. Starts are from `now`, a frame. */
function speaker(now: () => number): (say: Say) => Uint8Array {
  const deviceId = 0x10001;
  let seqnum = 0;
  const submit = { type: "submit" as const, deviceId, startFrame: 0, interval: 1, packets: undefined, packetCount: 0 };
  const message = (say: Say): UsbipMessage => {
    switch (say.what) {
      case "list":
        return { type: "device-list-request" };
      case "import":
        return { type: "import-request", busId: say.busId };
      case "unlink":
        return { type: "unlink", deviceId, seqnum: ++seqnum, target: seqnum - 1 - say.back };
      case "control": {
        const length = (say.setup[6] ?? 0) | ((say.setup[7] ?? 0) << 8);
        const isIn = ((say.setup[0] ?? 0) & 0x80) !== 0 && length > 0;
        const data = new Uint8Array(isIn ? 0 : Math.min(length, 100));
        const setup = Uint8Array.from(say.setup);
        const direction = isIn ? "in" : "out";
        return { ...submit, seqnum: ++seqnum, direction, endpoint: 0, flags: 0, length, setup, data };
      }
      case "other": {
        const { isIn, length, endpoint } = say;
        const data = new Uint8Array(isIn ? 0 : length);
        const direction = isIn ? "in" : "out";
        return { ...submit, seqnum: ++seqnum, direction, endpoint, flags: 0, length, setup: new Uint8Array(8), data };
      }
      case "isochronous": {
        const { isIn, lengths, start, gap } = say;
        let end = 0;
        const offsets = lengths.map((length) => (end += length + gap) - length - gap);
        const packets = {
          offsets: Uint32Array.from(offsets),
          lengths: Uint32Array.from(lengths),
          actual: new Uint32Array(lengths.length),
          statuses: new Int32Array(lengths.length),
        };
        return {
          ...submit,
          seqnum: ++seqnum,
          direction: isIn ? "in" : "out",
          endpoint: 1,
          flags: start === "asap" ? urbFlags.isoAsap : 0,
          startFrame: start === "asap" ? 0 : (now() + start) % 2 ** 32,
          length: end,
          setup: new Uint8Array(8),
          packets,
          packetCount: lengths.length,
          data: new Uint8Array(isIn ? 0 : end),
        };
      }
    }
  };
  return (say) => encodeMessage(message(say));
}

/** Counts the memory of what is on the bus. */
function weighed(inner: IsochTransport): { readonly transport: IsochTransport; readonly most: () => number } {
  let bytes = 0;
  let most = 0;
  const openEndpoint = (device: TransportDevice, address: number) => {
    const endpoint = device.openEndpoint(address);
    return {
      now: () => endpoint.now(),
      frameNumber: () => endpoint.frameNumber?.() ?? 0,
      cancel: (submission: Submission) => {
        endpoint.cancel(submission);
      },
      submit: (submission: Submission) => {
        const { completed } = submission;
        const { length } = submission.buffer;
        const counted = Object.assign(submission, {
          completed: (done: Submission) => {
            bytes -= length;
            completed(done);
          },
        });
        endpoint.submit(counted);
        bytes += length;
        most = Math.max(most, bytes);
      },
    };
  };
  const transport = alteredTransport(inner, (device) => ({
    openEndpoint: (address) => openEndpoint(device, address),
  }));
  return { transport, most: () => most };
}

/** Another client, on another device of the same server. */
class Witness {
  readonly #client: StrictClient;
  readonly #replies: Promise<readonly (number | undefined)[]>[] = [];

  constructor(client: StrictClient) {
    this.#client = client;
  }

  async begin(): Promise<void> {
    check((await this.#client.import("1-2")).status === 0, () => "the other client cannot import");
    check((await this.#client.selectAlternate(3)) === 0, () => "the other client cannot select");
  }

  submit(): void {
    const { reply } = this.#client.isochronous("in", 3, 16);
    this.#replies.push(reply.then((it) => counters(asSubmitReply(it))));
  }

  async check(): Promise<void> {
    const replies = this.#replies.splice(0);
    const read = (await Promise.all(replies)).flat();
    check(read.length === 3 * replies.length, () => "the other client misses packets");
    read.forEach((counter, i) => {
      const before = read[i - 1];
      const isNext = i % 3 === 0 || (counter !== undefined && before !== undefined && counter === before + 1);
      check(isNext, () => `the other client got ${read.join()}`);
    });
    check(this.#client.failure === undefined, () => `the other client: ${String(this.#client.failure)}`);
  }

  /** When the server closes. */
  async leave(): Promise<void> {
    await Promise.allSettled(this.#replies.splice(0));
    await this.#client.closed;
    check(this.#client.failure === undefined, () => `the other client: ${String(this.#client.failure)}`);
  }
}

/** Conversations in a world, at most: none depends on those before, and a new world takes its time. */
const lifetime = 50;

/** A bus with two devices, a server, and the client of one of them. */
class World {
  readonly clock = new ManualClock();
  readonly bus = new VirtualBus({ clock: this.clock });
  readonly transport = strictTransport(this.bus);
  readonly weight = weighed(this.transport);
  readonly attachment: Attachment;
  readonly server: UsbipServer;
  readonly witness: Witness;
  conversations = 0;

  constructor(device: Script["device"]) {
    this.attachment = this.bus.attach(device === "counter" ? counterDevice() : interruptingDevice());
    this.bus.attach(counterDevice());
    this.server = new UsbipServer({ transports: [this.weight.transport], ...limits });
    this.witness = new Witness(new StrictClient(this.accept(1 << 16).stream));
  }

  accept(chunk: number) {
    const [theirs, stream] = memoryStreams(chunk);
    const state: { end: string | undefined } = { end: undefined };
    const { stream: heard, heard: count } = counted(theirs);
    this.server.accept(heard).subscribe({
      error: (error: unknown) => {
        state.end = codeOf(error);
      },
      complete: () => {
        state.end = "completed";
      },
    });
    return { stream, state, heard: count };
  }

  /** To where whatever was queued has had its turn, the farthest start too. */
  async pass(): Promise<void> {
    let before: number | undefined;
    // What is more than may be under way is read only once what was before it is done.
    for (let i = 0; i < 2 || before !== this.bus.audit().submitted; i++) {
      before = this.bus.audit().submitted;
      this.clock.advance(10_000_000);
      await settle();
    }
  }

  /** What is in use, but for what the witness uses. */
  checkClean(): void {
    const { openDevices, claimedInterfaces, inFlight } = this.bus.audit();
    const isClean = openDevices === 1 && claimedInterfaces === 1 && inFlight === 0 && this.server.clients === 1;
    check(isClean, () => `left behind: ${JSON.stringify(this.bus.audit())}, ${this.server.clients} clients`);
    check(this.transport.violations.length === 0, () => this.transport.violations.join());
  }

  async close(): Promise<void> {
    const state = { isClosed: false };
    this.server.close().subscribe({ complete: () => (state.isClosed = true) });
    await settle();
    const audit = this.bus.audit();
    const isClean = Object.entries(nothing).every(([what, count]) => audit[what as keyof typeof nothing] === count);
    check(state.isClosed && isClean, () => `the server does not close: ${JSON.stringify(audit)}`);
  }
}

class Conversations {
  readonly tally = new Tally();
  readonly #surroundings = new Surroundings();
  readonly #worlds = new Map<Script["device"], World>();

  /** A conversation that fails leaves its world to nobody. */
  async run(script: Script): Promise<void> {
    const world = this.#worlds.get(script.device) ?? new World(script.device);
    this.#worlds.delete(script.device);
    if (world.conversations++ === 0) await world.witness.begin();
    const isChanged = await this.#converse(script, world);
    if (script.ending === "unplug" || world.conversations === lifetime) await world.close();
    else if (script.ending !== "server") this.#worlds.set(script.device, world);
    check(this.#surroundings.unhandled.length === 0, () => `nobody heard ${String(this.#surroundings.unhandled)}`);
    check(this.#surroundings.timers === 0, () => `${this.#surroundings.timers} timers are left`);
    this.tally.run++;
    counts(isChanged);
  }

  /** Tells whether something was changed that the server heard. */
  async #converse(script: Script, world: World): Promise<boolean> {
    const { clock, bus, witness } = world;
    const { stream, state, heard } = world.accept(script.chunk);
    const client = new Overhearer(stream, limits);
    const mutator = new Mutator((bytes) => {
      client.say(bytes);
    });
    const speak = speaker(() => Math.floor(clock.now() / 125));
    const say = (what: Say, mutation?: Mutation) => {
      mutator.send(speak(what), mutation);
    };
    witness.submit();
    if (script.prefix !== "none") say({ what: "import", busId: "1-1" });
    if (script.prefix === "select" || script.prefix === "stream") {
      const alternate = script.device === "counter" ? 3 : 1;
      say({ what: "control", setup: [0x01, 11, alternate, 0, 0, 0, 0, 0] });
      await settle();
    }
    if (script.prefix === "stream") {
      for (let i = 0; i < 3; i++) say({ what: "isochronous", isIn: true, lengths: [8, 16], start: "asap", gap: 0 });
      await settle();
      clock.advance(700);
    }
    const messages = script.steps.filter((step) => step.do === "say").length;
    let message = 0;
    for (const step of script.steps) {
      if (step.do === "say") {
        const change = script.changes.find((each) => each.message % messages === message);
        say(step.say, change?.mutation);
        message++;
      } else if (step.do === "deaf") stream.pause();
      else if (step.do === "hear") stream.resume();
      else {
        if (step.do === "time") clock.advance(step.microseconds);
        await settle();
      }
    }
    const { inFlight } = bus.audit();
    const wasOver = state.end !== undefined;
    if (script.ending !== "destroy") stream.resume();
    if (script.ending === "destroy") stream.destroy();
    else if (script.ending === "end") client.end();
    else if (script.ending === "unplug") world.attachment.detach();
    else if (script.ending === "server") await Promise.all([world.close(), witness.leave()]);
    if (script.ending !== "server") witness.submit();
    await settle();
    await world.pass();
    // Who has asked for nothing by now is cut off.
    await advance(2 * limits.patience);
    if (script.ending === "silence") {
      client.end();
      await settle();
    }
    check(state.end !== undefined && client.isClosed, () => "the server keeps a connection that is over");
    check(client.failure === undefined, () => `the server sent what it may not: ${String(client.failure)}`);
    if (script.ending !== "server") {
      await witness.check();
      world.checkClean();
    }
    const capacity = this.#surroundings.takeCapacity();
    check(capacity <= bounds.capacity, () => `${capacity} bytes in a queue`);
    check(world.weight.most() <= bounds.inFlight, () => `${world.weight.most()} bytes on the bus`);
    check(stream.mostWaiting <= bounds.waiting, () => `${stream.mostWaiting} bytes of replies wait`);
    const isChanged = mutator.isChanged(heard());
    if (isChanged) this.#count(client.heard, state.end ?? "", !wasOver && inFlight > 1);
    return isChanged;
  }

  #count(
    { imported, isochronous, moved, unlinks, takenBack, tooLate }: Overheard,
    end: string,
    isCutOff: boolean,
  ): void {
    const facts: Readonly<Record<string, boolean>> = {
      [`ended with ${end}`]: true,
      imported,
      submitted: imported && isochronous > 0,
      moved: moved > 0,
      unlinked: imported && unlinks > 0,
      "taken back": takenBack > 0,
      "unlinked too late": tooLate > 0,
      "cut off in flight": isCutOff,
    };
    for (const [fact, holds] of Object.entries(facts)) if (holds) this.tally.add(fact);
  }
}

it(
  "a server serves others on, keeps its bounds and gives everything back, whatever a client says",
  { timeout: 1_500_000 },
  async () => {
    const all = new Conversations();
    const parameters = conversations(500);
    await fc.assert(
      fc.asyncProperty(scripts, (script) => all.run(script)),
      parameters,
    );
    if (parameters.path !== undefined) return;
    console.info(
      `${parameters.numRuns} conversations of clients that were changed, of ${all.tally.run} (FUZZ_SEED=${parameters.seed}). ${all.tally.toString()}`,
    );
    all.tally.assert(parameters.numRuns, {
      imported: 60,
      submitted: 40,
      moved: 20,
      unlinked: 20,
      "taken back": 1,
      "unlinked too late": 10,
      "cut off in flight": 5,
      "ended with completed": 20,
      "ended with protocol-error": 20,
    });
  },
);

import fc from "fast-check";
import { map, of, tap, type Observable, type Subscription } from "rxjs";
import { it } from "vitest";
import {
  isochPipe,
  parseConfigurationDescriptor,
  parseDeviceDescriptor,
  type DeviceInfo,
  type IsochResults,
  type TransportDevice,
  type TransportEndpoint,
} from "rx-isoch";
import { usbip, type ByteStream } from "rx-isoch/transports/usbip";
import { counterDevice, counterProtocol } from "rx-isoch/transports/virtual";
import { PendingSubmission } from "../../../../src/submission.js";
import { Link } from "../../../../transports/usbip/client/link.js";
import { OpenedDevice } from "../../../../transports/usbip/client/opened-device.js";
import { RemoteDevice } from "../../../../transports/usbip/client/remote-device.js";
import { UrbConnection } from "../../../../transports/usbip/client/urb-connection.js";
import { errno } from "../../../../transports/usbip/protocol/index.js";
import { listed, Peer, ScriptedServer } from "../client/scripted-server.js";
import { memoryStreams, type MemoryStream } from "../memory-stream.js";
import { counted, mutations, Mutator, type Mutation } from "./mutation.js";
import { advance, check, chunks, codeOf, conversations, counts, settle, Surroundings, Tally } from "./world.js";

const { vendorId, inEndpoint, outEndpoint } = counterProtocol;
const timeout = 400;
/** Milliseconds of a step of time. */
const step = 300;
/** Steps in which whatever a server owes is given up: a transfer, its being taken back, the close of the connection. */
const patience = 10;
/** Of memory for what a server says: a few devices, and what came with them. */
const bounds = { capacity: 8192, waiting: 1 << 16 };

const model = counterDevice();
const configuration = parseConfigurationDescriptor(model.configurationDescriptor);
const info: DeviceInfo = {
  id: "1-1",
  speed: "high",
  descriptor: parseDeviceDescriptor(model.deviceDescriptor),
  configurations: [configuration],
};
const deaf = { received: () => undefined, ended: () => undefined, closed: () => undefined };

type Step =
  | {
      readonly do: "submit";
      readonly isIn: boolean;
      readonly lengths: readonly number[];
      readonly start: number | "asap";
    }
  | { readonly do: "cancel"; readonly which: number }
  | {
      readonly do: "answer";
      readonly which: number;
      readonly share: number;
      readonly status: number;
      readonly ahead: number;
    }
  | { readonly do: "unlinked"; readonly which: number; readonly status: number }
  | { readonly do: "time"; readonly milliseconds: number }
  | { readonly do: "select"; readonly alternate: number }
  | { readonly do: "settle" | "control" | "halt" | "open" | "deaf" | "hear" | "list" | "hang up" };

interface Script {
  readonly chunk: number;
  /** What the program does: opens a device, has one that is open, or runs a stream. */
  readonly program: "open" | "transfers" | "pipe";
  readonly isWatching: boolean;
  readonly steps: readonly Step[];
  /** Of the messages of the server, by their number: those before the device is open, and those after. */
  readonly changes: readonly { readonly isOpen: boolean; readonly message: number; readonly mutation: Mutation }[];
  readonly ending: "close" | "lost" | "mute";
}

const one = <T extends string>(...values: T[]) => fc.constantFrom(...values);
const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: one("submit"),
      isIn: fc.boolean(),
      lengths: fc.array(fc.constantFrom(0, 4, 16, 1024), { minLength: 1, maxLength: 4 }),
      start: fc.constantFrom<number | "asap">("asap", "asap", "asap", 0, 50, 100_000),
    }),
  },
  {
    weight: 9,
    arbitrary: fc.record({
      do: one("answer"),
      which: fc.constantFrom(0, 0, 0, 1, 2),
      share: fc.constantFrom(1, 1, 0.5, 0),
      status: fc.constantFrom(0, 0, 0, 0, errno.EXDEV, errno.ECONNRESET, errno.EPIPE, errno.EINVAL),
      ahead: fc.constantFrom(0, 0, 0, 5, -3, 0x7fffffff),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: one("cancel"), which: fc.nat(3) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: one("unlinked"),
      which: fc.nat(1),
      status: fc.constantFrom(errno.ECONNRESET, errno.ECONNRESET, 0, 77),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: one("time"), milliseconds: fc.constantFrom(10, 260, 1500) }) },
  { weight: 1, arbitrary: fc.record({ do: one("select"), alternate: fc.constantFrom(0, 1, 3, 9) }) },
  { weight: 3, arbitrary: fc.record({ do: one("settle", "settle", "settle", "control", "halt", "open") }) },
  { weight: 1, arbitrary: fc.record({ do: one("deaf", "hear", "list", "hang up") }) },
);
const scripts: fc.Arbitrary<Script> = fc.record({
  chunk: chunks,
  program: one("open", "transfers", "transfers", "transfers", "transfers", "transfers", "pipe"),
  isWatching: fc.constantFrom(false, false, false, true),
  steps: fc.array(steps, { minLength: 3, maxLength: 14 }),
  changes: fc.array(
    fc.record({
      isOpen: fc.constantFrom(true, true, true, false),
      message: fc.oneof({ weight: 4, arbitrary: fc.nat(2) }, { weight: 1, arbitrary: fc.nat(12) }),
      mutation: mutations,
    }),
    { minLength: 1, maxLength: 3 },
  ),
  ending: one("close", "lost", "mute"),
});

/** What became of a subscription. */
interface Outcome<T> {
  readonly what: string;
  readonly subscription: Subscription;
  value: T | undefined;
  isOver: boolean;
}

class Conversation {
  readonly #script: Script;
  readonly #surroundings: Surroundings;
  readonly #server = new ScriptedServer();
  readonly #connect = this.#server.connect.pipe(map((near) => this.#heardBy(this.#server.peer, near)));
  readonly #transport = usbip({ connect: this.#connect, timeout, interval: 250 });
  readonly #mutators = new Map<Peer, Mutator>();
  /** Bytes that the client heard. */
  readonly #heard = new Map<Peer, () => number>();
  readonly #outcomes: Outcome<unknown>[] = [];
  readonly #submissions: PendingSubmission[] = [];
  readonly #endpoints: { in: TransportEndpoint | undefined; out: TransportEndpoint | undefined } = {
    in: undefined,
    out: undefined,
  };
  readonly #users = new Map<PendingSubmission, TransportEndpoint>();
  /** They have ended. */
  readonly #silent = new Set<Peer>();
  readonly #completed = new Set<PendingSubmission>();
  #device: TransportDevice | undefined;
  /** Transfers come and go. */
  #isOpen = false;
  #frame = 1000;
  /** What came about. */
  readonly facts = new Set<string>();

  constructor(script: Script, surroundings: Surroundings) {
    this.#script = script;
    this.#surroundings = surroundings;
    const messages = { opening: 0, open: 0 };
    this.#server.chunk = script.chunk;
    this.#server.onSend = (peer, message) => {
      const isOpen = this.#isOpen;
      const number = isOpen ? messages.open++ : messages.opening++;
      // Of a device that is imported already, one message comes before it is open.
      const isFirst = !isOpen && script.program === "transfers";
      const { mutation } =
        script.changes.find((change) => change.isOpen === isOpen && (isFirst ? 0 : change.message) === number) ?? {};
      let mutator = this.#mutators.get(peer);
      if (mutator === undefined) {
        mutator = new Mutator((bytes) => {
          if (this.#speaks(peer)) peer.sendBytes(bytes);
        });
        this.#mutators.set(peer, mutator);
      }
      mutator.send(message, mutation);
    };
  }

  async run(): Promise<void> {
    const watching = this.#script.isWatching ? this.#track("devices", this.#transport.devices()) : undefined;
    let stop: () => Observable<unknown> | undefined;
    if (this.#script.program === "pipe") stop = this.#stream();
    else {
      await this.#begin(this.#script.program === "open" ? this.#transport.open({ vendorId }) : this.#imported());
      stop = () => undefined;
    }
    for (const isIn of [true, false]) this.#submit({ do: "submit", isIn, lengths: [4, 16], start: "asap" });
    await settle();
    for (const each of this.#script.steps) await this.#take(each);
    await this.#end(stop());
    watching?.subscription.unsubscribe();
    for (let i = 0; i < patience && this.#surroundings.timers > 0; i++) await advance(step);
    await settle();
    this.#checkAll();
  }

  /** Whether something was changed that the client heard. */
  get isChanged(): boolean {
    return [...this.#mutators].some(([peer, mutator]) => mutator.isChanged(this.#heard.get(peer)?.() ?? 0));
  }

  #heardBy(peer: Peer, near: ByteStream): ByteStream {
    const { stream, heard } = counted(near);
    this.#heard.set(peer, heard);
    return stream;
  }

  #speaks(peer: Peer): boolean {
    return !peer.hasEnded && !this.#silent.has(peer);
  }

  #track<T>(what: string, source: Observable<T>): Outcome<T> {
    const outcome: { value: T | undefined; isOver: boolean } = { value: undefined, isOver: false };
    const subscription = source.subscribe({
      next: (value) => {
        outcome.value = value;
      },
      error: (error: unknown) => {
        outcome.isOver = true;
        this.facts.add(`${what}: ${codeOf(error)}`);
      },
      complete: () => {
        outcome.isOver = true;
        this.facts.add(what);
      },
    });
    const tracked = Object.assign(outcome, { what, subscription });
    this.#outcomes.push(tracked);
    return tracked;
  }

  /** Waits for what has to end within the time limits. */
  async #ended<T>(outcome: Outcome<T>): Promise<T | undefined> {
    await settle();
    for (let i = 0; i < patience && !outcome.isOver; i++) await advance(step);
    check(outcome.isOver, () => `it hangs: ${outcome.what}`);
    return outcome.value;
  }

  /** As `open`, when it has read what there is to read: most of what can happen is behind that. */
  #imported(): Observable<TransportDevice> {
    const [near, far] = memoryStreams(this.#script.chunk);
    const peer = new Peer(far, this.#server, true);
    this.#server.peers.push(peer);
    const id = info.id;
    const connection = new UrbConnection(new Link(this.#heardBy(peer, near), deaf), { id, deviceId: 0x10001, timeout });
    connection.open();
    const remote = new RemoteDevice({ connection, info, configuration, timeout });
    return of(new OpenedDevice({ remote, release: () => remote.close() }));
  }

  async #begin(opening: Observable<TransportDevice>): Promise<void> {
    const device = await this.#ended(this.#track("open", opening));
    if (device === undefined) return;
    this.#device = device;
    this.#track("gone", device.gone);
    await this.#ended(this.#track("claim", device.claimInterface(0)));
    await this.#ended(this.#track("select", device.selectAlternate(0, 3)));
    this.#openEndpoints(device);
  }

  #openEndpoints(device: TransportDevice): void {
    this.#isOpen = true;
    try {
      this.#endpoints.in = device.openEndpoint(inEndpoint);
      this.#endpoints.out = device.openEndpoint(outEndpoint);
    } catch (error) {
      this.facts.add(`endpoint: ${codeOf(error)}`);
    }
  }

  /** The account of a pipe is kept: what comes follows what came, but for what is told as lost. */
  #stream(): () => Observable<unknown> {
    const pipe = isochPipe(this.#transport, { vendorId, endpoint: inEndpoint, alternate: 3 });
    let end: number | undefined;
    const account = tap(({ firstFrame, lost, served }: IsochResults) => {
      const begin = firstFrame - lost;
      check(end === undefined || begin === end, () => `${begin} follows ${String(end)}`);
      end = firstFrame + served;
      this.facts.add("moved");
    });
    const results = pipe.results({ frames: 2, queue: 3, frameLength: 16, ring: 100 });
    const { subscription } = this.#track("stream", results.pipe(account));
    return () => {
      subscription.unsubscribe();
      return pipe.closing;
    };
  }

  async #take(it: Step): Promise<void> {
    const { peers } = this.#server;
    switch (it.do) {
      case "submit":
        this.#submit(it);
        break;
      case "cancel": {
        const submission = this.#submissions[it.which];
        if (submission === undefined) break;
        this.#endpointOf(submission)?.cancel(submission);
        this.facts.add("cancelled");
        break;
      }
      case "answer": {
        const pending = peers
          .filter((peer) => this.#speaks(peer))
          .flatMap((peer) => peer.submits.map((command) => ({ peer, command })));
        const { peer, command } = pending[it.which] ?? {};
        if (peer === undefined || command === undefined) break;
        this.#isOpen = true;
        peer.submits.splice(peer.submits.indexOf(command), 1);
        const lengths = [...(command.packets?.lengths ?? [])];
        const startFrame = (this.#frame + it.ahead) >>> 0;
        this.#frame = startFrame + lengths.length;
        const { status, share } = it;
        peer.reply(command, { status, startFrame, actual: lengths.map((length) => Math.floor(length * share)) });
        break;
      }
      case "unlinked": {
        const peer = peers.find(({ unlinks }) => unlinks.length > 0);
        const [unlink] = peer?.unlinks.splice(it.which, 1) ?? [];
        if (peer === undefined || unlink === undefined || !this.#speaks(peer)) break;
        const at = peer.submits.findIndex(({ seqnum }) => seqnum === unlink.target);
        if (at >= 0 && it.status !== 0) peer.submits.splice(at, 1);
        peer.unlinked(unlink, it.status);
        this.facts.add("unlinked");
        break;
      }
      case "time":
        await advance(it.milliseconds, step);
        break;
      case "select":
        if (this.#device !== undefined) this.#track("select", this.#device.selectAlternate(0, it.alternate));
        break;
      case "control":
        if (this.#device === undefined) break;
        this.#track(
          "control",
          this.#device.controlTransfer(
            { direction: "in", type: "vendor", recipient: "device", request: 1, value: 0, index: 0 },
            12,
          ),
        );
        break;
      case "halt":
        if (this.#device !== undefined) this.#track("halt", this.#device.clearHalt(inEndpoint));
        break;
      case "open":
        if (this.#device !== undefined) this.#openEndpoints(this.#device);
        break;
      case "deaf":
        for (const peer of peers) peer.stream.pause();
        break;
      case "hear":
        for (const peer of peers) peer.stream.resume();
        break;
      case "list":
        this.#server.devices = this.#server.devices.length === 1 ? [] : [listed(1)];
        break;
      case "hang up":
        for (const peer of peers) {
          this.#silent.add(peer);
          peer.stream.end();
        }
        break;
      case "settle":
        await settle();
    }
  }

  #submit({ isIn, lengths, start }: Step & { readonly do: "submit" }): void {
    const endpoint = isIn ? this.#endpoints.in : this.#endpoints.out;
    if (endpoint === undefined) return;
    const submission = new PendingSubmission({
      lengths: Uint32Array.from(lengths),
      buffer: new Uint8Array(lengths.reduce((sum, length) => sum + length, 0)),
      start: start === "asap" ? start : this.#frame + start,
      completed: () => {
        check(!this.#completed.has(submission), () => "a submission completed twice");
        this.#completed.add(submission);
      },
    });
    try {
      endpoint.submit(submission);
      this.#users.set(submission, endpoint);
      this.#submissions.push(submission);
    } catch (error) {
      this.facts.add(`submit: ${codeOf(error)}`);
    }
  }

  #endpointOf(submission: PendingSubmission): TransportEndpoint | undefined {
    return this.#users.get(submission);
  }

  async #end(stopped: Observable<unknown> | undefined): Promise<void> {
    const { ending } = this.#script;
    const { peers } = this.#server;
    await settle();
    if (ending !== "mute") for (const peer of peers) peer.stream.resume();
    if (ending === "lost") for (const peer of peers) peer.stream.destroy();
    for (const submission of this.#submissions) this.#endpointOf(submission)?.cancel(submission);
    if (ending === "close") {
      this.#server.onCommand = (peer, command) => {
        if (command.type === "unlink") peer.unlinked(command);
        return command.type === "unlink";
      };
      await settle();
      for (const peer of peers) {
        for (const unlink of peer.unlinks.splice(0)) if (this.#speaks(peer)) peer.unlinked(unlink);
      }
    }
    if (stopped !== undefined) await this.#ended(this.#track("closing", stopped));
    for (let i = 0; i < patience && this.#completed.size < this.#submissions.length; i++) await advance(step);
    check(this.#completed.size === this.#submissions.length, () => "a submission never completes");
    if (this.#device !== undefined) await this.#ended(this.#track("close", this.#device.close()));
  }

  #checkAll(): void {
    for (const { what, isOver } of this.#outcomes) {
      check(isOver || what === "devices" || what === "stream", () => `it never ended: ${what}`);
    }
    for (const { lengths, actual, error, rejected, firstFrame } of this.#submissions) {
      check(
        actual.every((moved, i) => moved <= (lengths[i] ?? 0)),
        () => "more moved than was asked",
      );
      if (firstFrame !== undefined)
        check(Number.isSafeInteger(firstFrame) && firstFrame >= 0, () => `frame ${firstFrame}`);
      const failure = error ?? rejected;
      this.facts.add(failure === undefined ? "completed" : `completed: ${codeOf(failure)}`);
      if (failure === undefined && actual.some((moved) => moved > 0)) this.facts.add("moved");
    }
    const { peers } = this.#server;
    if (peers.some(({ submits }) => submits.length > 0) || this.#submissions.length > 0) this.facts.add("submitted");
    check(
      peers.every(({ isClosed }) => isClosed),
      () => "a connection is left open",
    );
    const { timers, unhandled } = this.#surroundings;
    check(timers === 0, () => `${timers} timers are left`);
    check(unhandled.length === 0, () => `nobody heard ${String(unhandled)}`);
    const capacity = this.#surroundings.takeCapacity();
    check(capacity <= bounds.capacity, () => `${capacity} bytes in a queue`);
    for (const { stream } of peers) {
      const { mostWaiting } = stream as MemoryStream;
      check(mostWaiting <= bounds.waiting, () => `${mostWaiting} bytes wait for the server`);
    }
  }
}

it(
  "a client ends whatever it began, with errors that are its own, whatever a server says",
  { timeout: 1_500_000 },
  async () => {
    const surroundings = new Surroundings();
    const tally = new Tally();
    const parameters = conversations(500);
    await fc.assert(
      fc.asyncProperty(scripts, async (script) => {
        const conversation = new Conversation(script, surroundings);
        await conversation.run();
        tally.run++;
        counts(conversation.isChanged);
        for (const fact of conversation.facts) tally.add(fact);
      }),
      parameters,
    );
    if (parameters.path !== undefined) return;
    console.info(
      `${parameters.numRuns} conversations of servers that were changed, of ${tally.run} (FUZZ_SEED=${parameters.seed}). ${tally.toString()}`,
    );
    tally.assert(parameters.numRuns, {
      open: 60,
      submitted: 60,
      moved: 15,
      cancelled: 4,
      unlinked: 0.2,
      "completed: protocol-error": 0.2,
    });
  },
);

import {
  BehaviorSubject,
  concatMap,
  filter,
  firstValueFrom,
  lastValueFrom,
  NEVER,
  of,
  take,
  tap,
  toArray,
  type Observable,
  type Subscription,
} from "rxjs";
import { describe, expect, it } from "vitest";
import { close, issue } from "../../operators/index.js";
import { matchesSelector } from "../../src/device-selector.js";
import {
  IsochError,
  isochPipe,
  openDevice,
  statusOf,
  type ConfigurationDescriptor,
  type ControlSetup,
  type DeviceEvent,
  type DeviceInfo,
  type DeviceSelector,
  type IsochPipe,
  type IsochRequest,
  type IsochResults,
  type IsochTransfer,
  type IsochTransport,
  type PipeSession,
  type ResultSource,
  type StreamOptions,
  type StreamPlan,
  type Submission,
  type TransportDevice,
  type UsbDevice,
} from "../../src/index.js";
import { counterProtocol, readCounter } from "../../transports/virtual/index.js";
import { done, RawPort } from "../support/raw-port.js";
import { strictTransport, type StrictTransport } from "../support/strict-transport.js";
import {
  counterContract,
  counterRequest,
  expectPackets,
  expectStatistics,
  packetsOf,
  sameLength,
  type ContractDevice,
  type ContractEndpoint,
} from "./contract-device.js";

/**
 * What a case can need of a transport beyond what all of them have. Some are
 * capabilities of the contract; the others belong to the carrier, to its test rig, or to the device.
 */
export type ContractNeed =
  | "start-frame"
  | "frame-number"
  /** Completions say on which frame they began. */
  | "first-frame"
  | "lengths-per-frame"
  /** Frames pass in the time of a bus, whether or not anybody takes them. */
  | "pace"
  /** Any cancellation at all. */
  | "cancel"
  /** Cancellation of one transfer and no other. */
  | "cancel-transfer"
  | "blocking"
  | "dma"
  /** The rig can attach and detach devices. */
  | "hotplug"
  /** A second handle in the same program is another owner. */
  | "exclusive-claim"
  /** SET_FEATURE(ENDPOINT_HALT) makes packets read `stall`. */
  | "halt"
  /** A packet longer than was asked reads `data-overrun`. */
  | "overrun"
  | "reset"
  /** An IN endpoint with a counter in each packet. */
  | "in"
  | "out"
  /** An IN and an OUT endpoint in one alternate setting. */
  | "both-ways"
  /** Alternate settings in which the same endpoint has other sizes. */
  | "sizes"
  /** The requests of {@link counterProtocol}. */
  | "vendor-requests";

/** A transport with the device of its target on it, made anew for each case. */
export interface ContractRig {
  readonly transport: IsochTransport;
  readonly selector: DeviceSelector;
  /** Lets a while pass on the bus. */
  readonly pause: () => Promise<void>;
  /** Plugs another device of the kind in. Without the gap `hotplug`. */
  readonly attach?: () => DeviceSelector | Promise<DeviceSelector>;
  /** Transfers that a stream keeps in flight; more, where it is the program that renews them. Default: few. */
  readonly queue?: number;
  /** Unplugs the device. Without the gap `hotplug`. */
  readonly detach?: () => void | Promise<void>;
  /**
   * The packets that arrived at a device since an alternate setting other than 0 was selected.
   * Default: the device is asked for its statistics.
   */
  readonly arrived?: (selector: DeviceSelector) => readonly Uint8Array[];
  /** What is in use, by name: all zero once everything is closed. */
  readonly audit?: () => Readonly<Record<string, number>>;
  readonly cleanup: () => void | Promise<void>;
}

/** A transport that is to be held to the contract. */
export interface ContractTarget {
  readonly name: string;
  /** What it cannot do, and why. */
  readonly gaps: Readonly<Partial<Record<ContractNeed, string>>>;
  /** What the rig has on its transport. Default: the counter device. */
  readonly device?: ContractDevice;
  readonly create: () => ContractRig | Promise<ContractRig>;
}

/** The most that there are, at high speed and above. */
const framesPerMillisecond = 8;

const vendorRequest = { type: "vendor", recipient: "device", value: 0, index: 0 } as const;
const resetStatistics: ControlSetup = { ...vendorRequest, direction: "out", request: counterProtocol.reset };
const unknownRequest: ControlSetup = { ...vendorRequest, direction: "in", request: 0x7e };
const getDeviceDescriptor: ControlSetup = {
  direction: "in",
  type: "standard",
  recipient: "device",
  request: 6,
  value: 0x0100,
  index: 0,
};

/** How much the program was held up since the watch began: other programs, the collector, the work itself. */
class Watch {
  readonly #timer: NodeJS.Timeout;
  #last = performance.now();
  #lateness = 0;

  constructor() {
    this.#timer = setInterval(() => this.lateness, 1);
  }

  /** Milliseconds, all delays together. */
  get lateness(): number {
    const now = performance.now();
    this.#lateness += Math.max(0, now - this.#last - 2);
    this.#last = now;
    return this.#lateness;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

/** Losses that are estimated, and further off than they may be. */
class EstimateError extends Error {
  constructor(frames: number, allowed: number) {
    super(`${frames} frames lost and not reported, or the other way round, where ${allowed} are allowed`);
  }
}

/** One case at work: what it opens is closed at its end, whatever happened. */
class Workbench {
  readonly rig: ContractRig;
  readonly #device: ContractDevice;
  readonly #isExact: boolean;
  readonly #closing: (() => void | Promise<void>)[] = [];
  readonly #watch = new Watch();
  #strict: StrictTransport | undefined;
  /** The counter of the next packet that is sent. */
  #counter = 0;

  /** @param isExact completions say on which frame they began */
  constructor(rig: ContractRig, device: ContractDevice, isExact: boolean) {
    this.rig = rig;
    this.#device = device;
    this.#isExact = isExact;
  }

  get transport(): IsochTransport {
    return this.rig.transport;
  }

  /** The same, with a check of both ends of the contract at each step; it has to hold at the end of the case. */
  get strict(): StrictTransport {
    return (this.#strict ??= strictTransport(this.transport));
  }

  /** Runs at the end of the case, the last first. */
  atEnd(close: () => void | Promise<void>): void {
    this.#closing.push(close);
  }

  async port({ endpoint, alternate }: ContractEndpoint): Promise<RawPort> {
    const port = await RawPort.open(this.transport, this.rig.selector, endpoint, alternate);
    this.atEnd(() => port.close());
    return port;
  }

  async device(transport = this.transport): Promise<UsbDevice> {
    let subscription: Subscription | undefined;
    const device = await new Promise<UsbDevice>((resolve, reject) => {
      subscription = openDevice(transport, this.rig.selector).subscribe({ next: resolve, error: reject });
    });
    this.atEnd(async () => {
      subscription?.unsubscribe();
      await done(device.closed);
    });
    return device;
  }

  /** The transport's own device, without a pipe. */
  async opened(): Promise<TransportDevice> {
    const device = await firstValueFrom(this.transport.open(this.rig.selector));
    this.atEnd(() => done(device.close()));
    return device;
  }

  async session(endpoint: ContractEndpoint, device?: UsbDevice): Promise<PipeSession> {
    const session = await firstValueFrom((device ?? (await this.device())).openPipe(endpoint));
    this.atEnd(() => done(session.close()));
    return session;
  }

  pipe(endpoint = this.#device.main, selector = this.rig.selector, transport = this.transport): IsochPipe {
    const pipe = isochPipe(transport, { ...selector, ...endpoint });
    this.atEnd(() => done(pipe.closing));
    return pipe;
  }

  /** A request of full frames, unless they are to be shorter. What is sent counts on from one request to the next. */
  request({ endpoint }: PipeSession, frames: number, length = endpoint.maxFrameLength): IsochRequest {
    return endpoint.direction === "in" ? { lengths: length, frames } : this.#send(frames, length);
  }

  /** What is received on a pipe, or sent, a transfer at a time, without an end. */
  stream(
    pipe: IsochPipe,
    { frames, queue = this.rig.queue ?? 4 }: Pick<StreamOptions, "queue"> & { readonly frames: number },
  ): Observable<IsochResults> {
    if (isInput(pipe.selector)) return pipe.results({ frames, queue });
    return of(this.#endless(frames)).pipe(issue(pipe, { queue }), close());
  }

  *#endless(frames: number): Generator<IsochRequest> {
    for (;;) yield this.#send(frames, this.#device.frameLength);
  }

  #send(frames: number, length: number): IsochRequest {
    this.#counter += frames;
    return counterRequest(this.#counter - frames, sameLength(frames, length));
  }

  /** As long as it takes a ring to overflow, also where the program is held up. */
  async rest(): Promise<void> {
    for (let i = 0; i < 4; i++) await this.rig.pause();
  }

  /** Waits until that holds, or for long. */
  async until(holds: () => boolean): Promise<void> {
    for (let i = 0; i < 20 && !holds(); i++) await this.rig.pause();
  }

  /** What the transport lists of a device that is there. */
  async listed(selector = this.rig.selector): Promise<DeviceInfo> {
    const events = this.transport.devices();
    const event = await firstValueFrom(events.pipe(filter(({ device }) => matchesSelector(device, selector))));
    expect(event.type).toBe("attach");
    return event.device;
  }

  async attach(): Promise<DeviceSelector> {
    if (this.rig.attach === undefined) throw new Error("the rig has no hotplug: declare the gap");
    return this.rig.attach();
  }

  async detach(): Promise<void> {
    if (this.rig.detach === undefined) throw new Error("the rig has no hotplug: declare the gap");
    await this.rig.detach();
  }

  /** The frames that went over the pipe are good, and what they brought or took is what the other end says. */
  expectData(results: readonly IsochResults[], selector = this.rig.selector): void {
    if (isInput(this.#device.main)) {
      this.expectCounters(results);
      return;
    }
    const sent: Uint8Array[] = [];
    for (const each of results) {
      expect(each.error).toBe("ok");
      expect(each.actual).toStrictEqual(each.requested);
      for (const { data } of each) sent.push(data);
    }
    this.expectFirst(sent, selector);
  }

  /** These packets arrived at the device first: a stream is ahead of its results, and a cancelled transfer of its own. */
  expectFirst(sent: readonly Uint8Array[], selector = this.rig.selector): void {
    const arrived = this.rig.arrived?.(selector).slice(0, sent.length);
    if (arrived !== undefined) expectPackets(arrived, sent);
  }

  /** These packets arrived at the device, and no others, since the alternate setting was selected. */
  async expectArrived(device: Pick<UsbDevice, "controlTransfer">, requests: readonly IsochRequest[]): Promise<void> {
    const sent = requests.flatMap(packetsOf);
    if (this.rig.arrived === undefined) await expectStatistics(device, sent);
    else expectPackets(this.rig.arrived(this.rig.selector), sent);
  }

  /**
   * Every frame is good, and its counter follows the one before. Where it does not, frames were lost,
   * and as many are reported: exactly so if completions say where they began; else it is an estimate,
   * which is off by what the program was held up, and a frame or two at each loss.
   */
  expectCounters(results: readonly IsochResults[]): void {
    let expected: number | undefined;
    let unexplained = 0;
    let losses = 0;
    for (const each of results) {
      let lost = each.lost;
      for (const { status, data } of each) {
        expect(status).toBe("ok");
        const counter = readCounter(data) ?? NaN;
        const difference = expected === undefined ? 0 : counter - expected - lost;
        if (this.#isExact) expect(difference, `counter ${counter}, lost ${lost}`).toBe(0);
        if (lost > 0) losses++;
        unexplained += Math.abs(difference);
        expected = counter + 1;
        lost = 0;
      }
    }
    const heldUp = this.#watch.lateness > 2 ? this.#watch.lateness * framesPerMillisecond : 0;
    const allowed = 2 * losses + heldUp;
    if (unexplained > allowed) throw new EstimateError(unexplained, allowed);
  }

  async close(): Promise<void> {
    this.#watch.stop();
    for (const close of this.#closing.reverse()) await close();
    const inUse = () => Object.entries(this.rig.audit?.() ?? {}).filter(([, count]) => count !== 0);
    // Where closing takes a while, nobody tells when the last of it is done.
    await this.until(() => inUse().length === 0);
    expect(inUse(), "resources return to zero").toStrictEqual([]);
    expect(this.#strict?.violations ?? []).toStrictEqual([]);
  }
}

function isInput({ endpoint }: { readonly endpoint: number }): boolean {
  return endpoint >= 0x80;
}

/** The code of the error that comes instead of a value. */
async function codeOf(work: Promise<unknown> | Observable<unknown> | (() => unknown)): Promise<string> {
  try {
    await (typeof work === "function" ? work() : "subscribe" in work ? lastValueFrom(work) : work);
  } catch (error) {
    return IsochError.is(error) ? error.code : `not one of ours: ${String(error)}`;
  }
  return "no error";
}

function hasEndpoint({ interfaces }: ConfigurationDescriptor, { endpoint, alternate }: ContractEndpoint): boolean {
  const alternates = interfaces.flatMap((each) => each.alternates);
  const found = alternates.filter(({ alternateSetting }) => alternateSetting === alternate);
  return found.some(({ endpoints }) => endpoints.some(({ address }) => address === endpoint));
}

function completionOf(transfer: IsochTransfer): Promise<IsochResults> {
  return firstValueFrom(transfer.completion);
}

/** As many frames as pass in so many milliseconds. */
function framesIn({ frameDuration }: { readonly frameDuration: number }, milliseconds: number): number {
  return Math.ceil((milliseconds * 1000) / frameDuration);
}

/** The frame after that of a transfer: about the one that is on the bus now. */
async function currentFrame(bench: Workbench, session: PipeSession): Promise<number> {
  const { firstFrame } = await completionOf(session.issue(bench.request(session, 1)));
  return firstFrame + 1;
}

/** As many frames as a busy machine may need to get to its next line. */
function soon(session: PipeSession): number {
  return framesIn(session.endpoint, 200);
}

/** What a stream brings when the consumer pauses at its first result, as long as `meanwhile` lasts. */
async function pausedStream(
  bench: Workbench,
  input: ContractEndpoint,
  options: StreamOptions,
  count: number,
  meanwhile: () => Promise<void>,
) {
  const pause = new BehaviorSubject(false);
  const results: IsochResults[] = [];
  const stream = bench
    .pipe(input, bench.rig.selector, bench.strict)
    .results({ frames: 2, queue: bench.rig.queue ?? 8, ...options, pause })
    .pipe(take(count));
  const code = await new Promise<string>((resolve) => {
    stream.subscribe({
      next: (each) => {
        if (results.push(each) !== 1) return;
        pause.next(true);
        void meanwhile().then(() => {
          expect(results).toHaveLength(1);
          pause.next(false);
        });
      },
      error: (error: unknown) => {
        resolve(IsochError.is(error) ? error.code : String(error));
      },
      complete: () => {
        resolve("no error");
      },
    });
  });
  let end: number | undefined;
  for (const { firstFrame, lost, served } of results) {
    expect(firstFrame - lost).toBe(end ?? firstFrame - lost);
    end = firstFrame + served;
  }
  const whole = results.filter(({ served, length }) => length > 0 && served === length);
  return { code, results, whole };
}

function servedFrames({ statuses }: Submission): number {
  return statuses.findLastIndex((code) => statusOf(code) !== "not-complete") + 1;
}

/**
 * Declares the tests that every transport passes, for this one. A case that it cannot run is
 * skipped under its name, with the gap and its reason.
 */
export function transportContract(target: ContractTarget): void {
  const { gaps, device: tested = counterContract } = target;
  const { interfaceNumber, main, light = main, frameLength: brief } = tested;
  // A case says what it needs, and does not run without: then it does not matter what stands here.
  const { in: input = main, out: output = main, pair = { in: main, out: main } } = tested;

  /** A case that runs where nothing of what it needs is a gap. */
  const check = (name: string, needs: readonly ContractNeed[], body: (bench: Workbench) => Promise<void>) => {
    const gap = needs.find((need) => gaps[need] !== undefined);
    const title = gap === undefined ? name : `${name} [gap: ${gap}: ${gaps[gap] ?? ""}]`;
    const isExact = gaps["first-frame"] === undefined;
    const failuresOfRun = async () => {
      const rig = await target.create();
      const bench = new Workbench(rig, tested, isExact);
      const failures: unknown[] = [];
      for (const step of [() => body(bench), () => bench.close(), () => rig.cleanup()]) {
        try {
          await step();
        } catch (error) {
          failures.push(error);
        }
      }
      return failures;
    };
    it.skipIf(gap !== undefined)(title, async () => {
      for (let runs = 1; ; runs++) {
        const failures = await failuresOfRun();
        if (failures.length === 0) return;
        // What is estimated by the clock of this machine is off where the machine stands still.
        if (runs < 3 && failures.every((each) => each instanceof EstimateError)) continue;
        // What comes first is what went wrong, not what came of that.
        throw failures[0];
      }
    });
  };

  /** A case that runs only where something is a gap: what happens instead. */
  const checkWithout = (
    need: ContractNeed,
    name: string,
    body: (bench: Workbench) => Promise<void>,
    needs: readonly ContractNeed[] = [],
  ) => {
    if (gaps[need] !== undefined) check(`without ${need}: ${name}`, needs, body);
  };

  describe(`transport contract: ${target.name}`, () => {
    check("the gap table says what the capabilities say", [], async ({ transport: { capabilities } }) => {
      const has = (need: ContractNeed) => gaps[need] === undefined;
      await Promise.resolve();
      expect({
        startFrame: has("start-frame"),
        frameNumber: has("frame-number"),
        lengthsPerFrame: has("lengths-per-frame"),
        cancel: has("cancel-transfer") ? "transfer" : has("cancel") ? "pipe" : "none",
        blocking: has("blocking"),
        dma: has("dma"),
      }).toStrictEqual(capabilities);
      expect({ in: has("in"), out: has("out"), pair: has("both-ways") }).toStrictEqual({
        in: tested.in !== undefined,
        out: tested.out !== undefined,
        pair: tested.pair !== undefined,
      });
    });

    describe("devices", () => {
      check("lists the device that is there, with its descriptors", [], async (bench) => {
        const { id, descriptor } = await bench.listed();
        expect(descriptor).toMatchObject({ vendorId: tested.vendorId, productId: tested.productId });
        expect(id).not.toBe("");
      });

      check("tells of devices that come and go", ["hotplug"], async (bench) => {
        const events: DeviceEvent[] = [];
        const subscription = bench.transport.devices().subscribe((event) => events.push(event));
        bench.atEnd(() => {
          subscription.unsubscribe();
        });
        const { id } = await bench.listed();
        await bench.until(() => events.some((event) => event.device.id === id));
        await bench.rig.pause();
        const before = events.length;
        expect(events.filter((event) => event.type === "attach" && event.device.id === id)).toHaveLength(1);
        const selector = await bench.attach();
        await bench.until(() => events.length > before);
        await bench.detach();
        await bench.until(() => events.length > before + 1);
        await bench.rig.pause();
        const [attached, detached, ...others] = events.slice(before);
        expect([attached?.type, detached?.type, others]).toStrictEqual(["attach", "detach", []]);
        const other = await bench.listed(selector);
        expect(attached?.device.id).toBe(other.id);
        expect(detached?.device.id).toBe(id);
        expect(other.id).not.toBe(id);
        const now = await firstValueFrom(bench.transport.devices().pipe(take(before), toArray()));
        expect(now.map((event) => event.type)).toStrictEqual(now.map(() => "attach"));
        const ids = events.slice(0, before).map((event) => event.device.id);
        expect(now.map((event) => event.device.id).toSorted()).toStrictEqual(
          [...ids.filter((each) => each !== id), other.id].toSorted(),
        );
      });

      check("opens a device by its id", [], async (bench) => {
        const { id } = await bench.listed();
        const opened = await firstValueFrom(bench.transport.open({ id }));
        expect(opened.info.id).toBe(id);
        await done(opened.close());
      });

      check("does not open what is not there: no-such-device", [], async ({ transport, rig }) => {
        const missing = transport.open({ ...rig.selector, serialNumber: "none has this" });
        expect(await codeOf(missing)).toBe("no-such-device");
        expect(await codeOf(isochPipe(transport, { vendorId: 0xfffe, endpoint: main.endpoint }))).toBe(
          "no-such-device",
        );
      });

      check("leaves nothing open when the opening is given up at once", [], async (bench) => {
        const { transport, rig } = bench;
        transport
          .open(rig.selector)
          .pipe(concatMap((device) => device.close()))
          .subscribe()
          .unsubscribe();
        openDevice(transport, rig.selector).subscribe().unsubscribe();
        const pipe = isochPipe(transport, { ...rig.selector, endpoint: main.endpoint });
        bench.stream(pipe, { frames: 4 }).subscribe().unsubscribe();
        await done(pipe.closing);
        await rig.pause();
      });

      check("knows the selected configuration of an open device", [], async (bench) => {
        const { configuration, info } = await bench.device();
        const { alternates = [] } = configuration.interfaces.find(({ number }) => number === interfaceNumber) ?? {};
        expect(alternates.map(({ alternateSetting }) => alternateSetting)).toStrictEqual(tested.alternates);
        expect(info.descriptor.vendorId).toBe(tested.vendorId);
      });
    });

    describe("interfaces", () => {
      check("claimed elsewhere: interface-busy, until it is released", ["exclusive-claim"], async (bench) => {
        const [owner, other] = [await bench.opened(), await bench.opened()];
        await done(owner.claimInterface(interfaceNumber));
        expect(await codeOf(done(other.claimInterface(interfaceNumber)))).toBe("interface-busy");
        const pipe = isochPipe(bench.transport, { ...bench.rig.selector, endpoint: main.endpoint });
        expect(await codeOf(pipe)).toBe("interface-busy");
        await done(owner.releaseInterface(interfaceNumber));
        await done(other.claimInterface(interfaceNumber));
        await done(other.releaseInterface(interfaceNumber));
      });

      check("an interface or alternate setting that is not there: no-such-endpoint", [], async (bench) => {
        const device = await firstValueFrom(bench.transport.open(bench.rig.selector));
        expect(await codeOf(done(device.claimInterface(9)))).toBe("no-such-endpoint");
        await done(device.claimInterface(interfaceNumber));
        expect(await codeOf(done(device.selectAlternate(interfaceNumber, 9)))).toBe("no-such-endpoint");
        await done(device.releaseInterface(interfaceNumber));
        await done(device.close());
      });

      check("an endpoint that the selected alternate setting has not: not-in-alternate", [], async (bench) => {
        const opened = await bench.opened();
        const { configuration, info } = opened;
        await done(opened.claimInterface(interfaceNumber));
        for (const alternate of tested.alternates) {
          await done(opened.selectAlternate(interfaceNumber, alternate));
          const isThere = hasEndpoint(configuration, { ...main, alternate });
          const code = await codeOf(() => opened.openEndpoint(main.endpoint));
          expect(code, `in alternate setting ${alternate} of ${info.id}`).toBe(
            isThere ? "no error" : "not-in-alternate",
          );
        }
        await done(opened.selectAlternate(interfaceNumber, 0));
        await done(opened.releaseInterface(interfaceNumber));
      });

      check("another alternate setting, another size", ["sizes"], async (bench) => {
        const device = await bench.device();
        const sizes = new Set<number>();
        for (const alternate of tested.alternates) {
          const endpoint = { ...main, alternate };
          if (!hasEndpoint(device.configuration, endpoint)) continue;
          const session = await bench.session(endpoint, device);
          const { length, requested, actual } = await completionOf(session.issue(bench.request(session, 4)));
          expect(length).toBe(4);
          expect(actual).toStrictEqual(requested);
          expect(sizes).not.toContain(requested[0]);
          sizes.add(session.endpoint.maxFrameLength);
          await done(session.close());
        }
        expect(sizes.size).toBeGreaterThan(1);
      });

      check("two pipes share an interface", ["both-ways"], async (bench) => {
        const device = await bench.device();
        const reader = await bench.session(pair.in, device);
        const writer = await bench.session(pair.out, device);
        const received = completionOf(reader.issue(bench.request(reader, 64)));
        const request = bench.request(writer, 64, brief);
        const sent = completionOf(writer.issue(request));
        bench.expectCounters([await received]);
        expect((await sent).error).toBe("ok");
        await bench.expectArrived(device, [request]);
      });
    });

    describe("control transfers", () => {
      check("IN: brings what the device sent, as much as was asked", [], async (bench) => {
        const device = await bench.device();
        const whole = await firstValueFrom(device.controlTransfer(getDeviceDescriptor, 64));
        expect([...whole.subarray(0, 2)]).toStrictEqual([18, 1]);
        expect(whole.length).toBe(18);
        expect(await firstValueFrom(device.controlTransfer(getDeviceDescriptor, 8))).toStrictEqual(whole.slice(0, 8));
      });

      check("OUT: reaches the device, and emits an empty array", ["out", "vendor-requests"], async (bench) => {
        const device = await bench.device();
        const session = await bench.session(output, device);
        const request = bench.request(session, 8, brief);
        await completionOf(session.issue(request));
        await bench.expectArrived(device, [request]);
        expect(await firstValueFrom(device.controlTransfer(resetStatistics, new Uint8Array(0)))).toHaveLength(0);
        await bench.expectArrived(device, []);
      });

      check("refused: control-stalled, and the next one works", [], async (bench) => {
        const device = await bench.device();
        expect(await codeOf(device.controlTransfer(unknownRequest, 8))).toBe("control-stalled");
        expect(await firstValueFrom(device.controlTransfer(getDeviceDescriptor, 18))).toHaveLength(18);
      });

      check("works while a pipe streams", [], async (bench) => {
        const device = await bench.device();
        const pipe = isochPipe(device, main);
        const results = lastValueFrom(bench.stream(pipe, { frames: 8 }).pipe(take(20), toArray()));
        for (let i = 0; i < 10; i++) {
          expect(await firstValueFrom(device.controlTransfer(getDeviceDescriptor, 18))).toHaveLength(18);
        }
        bench.expectData(await results);
        await done(pipe.closing);
      });
    });

    describe("IN", () => {
      check("a stream brings every counter once, in order", ["in"], async (bench) => {
        const results = await lastValueFrom(bench.pipe().results({ frames: 16, queue: 8 }).pipe(take(60), toArray()));
        expect(results.every(({ length, served }) => length === 16 && served === 16)).toBe(true);
        bench.expectCounters(results);
      });

      check("requests one after the other bring every counter", ["in"], async (bench) => {
        const session = await bench.session(input);
        const lengths = session.endpoint.maxFrameLength;
        const transfers = Array.from({ length: 20 }, () => session.issue({ lengths, frames: 8 }));
        const results = await Promise.all(transfers.map(completionOf));
        bench.expectCounters(results);
        expect(results.map(({ error }) => error)).toStrictEqual(results.map(() => "ok"));
      });

      check("the data lands in the buffer that the request brought", ["in"], async (bench) => {
        const session = await bench.session(input);
        const { maxFrameLength } = session.endpoint;
        const buffer = new Uint8Array(4 * maxFrameLength).fill(0xee);
        await completionOf(session.issue({ lengths: maxFrameLength, frames: 4, buffer }));
        const counters = [0, 1, 2, 3].map((i) => readCounter(buffer, i * maxFrameLength) ?? NaN);
        expect(counters.map((counter) => counter - (counters[0] ?? NaN))).toStrictEqual([0, 1, 2, 3]);
      });

      check(
        "a packet longer than was asked: data-overrun, the others unharmed",
        ["in", "lengths-per-frame", "overrun"],
        async (bench) => {
          const session = await bench.session(light);
          const most = session.endpoint.maxFrameLength;
          const { actual, statuses } = await completionOf(session.issue({ lengths: [most, 16, most, 8, most] }));
          expect(Array.from(statuses, statusOf)).toStrictEqual(["ok", "data-overrun", "ok", "data-overrun", "ok"]);
          expect([...actual]).toStrictEqual([most, 16, most, 8, most]);
        },
      );
    });

    describe("streams, whoever runs them", () => {
      const planOf = ({ endpoint }: PipeSession): StreamPlan => ({
        frameLength: endpoint.maxFrameLength,
        frames: 4,
        queue: 3,
        ring: 4,
        batch: 1,
        overflow: "drop-oldest",
        start: "asap",
      });

      for (const overflow of ["drop-oldest", "drop-newest"] as const) {
        check(`the ring overflows (${overflow}): delivered + lost = frames`, ["in", "pace"], async (bench) => {
          const { results, code } = await pausedStream(bench, input, { ring: 4, overflow }, 20, () => bench.rest());
          expect(code).toBe("no error");
          expect(results.every(({ length, served }) => length === 2 && served === 2)).toBe(true);
          bench.expectCounters(results);
          // The loss is told of at once, or behind what waits: a ring.
          const told = overflow === "drop-oldest" ? results.slice(1, 2) : results.slice(1, 6);
          expect(told.some(({ lost }) => lost > 0)).toBe(true);
        });
      }

      check("the ring overflows (error): what waited, the loss, then the error", ["in", "pace"], async (bench) => {
        const { results, code } = await pausedStream(bench, input, { ring: 4, overflow: "error" }, 20, () =>
          bench.rest(),
        );
        expect(code).toBe("overflow");
        // A ring, and the one that was taken before, if it was taken before the ring was full; then the
        // loss, on its own or with what came when there was room again.
        expect(results.length).toBeOneOf([5, 6, 7]);
        expect(results.slice(0, -1).map(({ length }) => length)).toStrictEqual(sameLength(results.length - 1, 2));
        bench.expectCounters(results);
        expect(results.slice(4).reduce((sum, { lost }) => sum + lost, 0)).toBeGreaterThanOrEqual(2);
      });

      check("a batch comes whole, in one turn, and nothing of it is missing", ["in"], async (bench) => {
        let turns = 0;
        let isSameTurn = false;
        const stream = bench.pipe(input, bench.rig.selector, bench.strict).results({ frames: 2, queue: 8, batch: 5 });
        const results = await lastValueFrom(
          stream.pipe(
            take(20),
            tap(() => {
              if (isSameTurn) return;
              isSameTurn = true;
              turns++;
              queueMicrotask(() => (isSameTurn = false));
            }),
            toArray(),
          ),
        );
        bench.expectCounters(results);
        expect(turns).toBeLessThanOrEqual(4);
      });

      checkWithout(
        "pace",
        "waits for a consumer that pauses, and loses nothing",
        async (bench) => {
          const options = { ring: 4, overflow: "error" } as const;
          const { results, code } = await pausedStream(bench, input, options, 20, bench.rig.pause);
          expect([code, results.length]).toStrictEqual(["no error", 20]);
          bench.expectCounters(results);
          expect(results.reduce((sum, { lost }) => sum + lost, 0)).toBe(0);
        },
        ["in"],
      );

      check("stop-while-paused: closes, and streams again", ["in"], async (bench) => {
        const pipe = bench.pipe(input, bench.rig.selector, bench.strict);
        const pause = new BehaviorSubject(false);
        let seen = 0;
        const subscription = pipe.results({ frames: 2, ring: 4, pause }).subscribe(() => {
          seen++;
          pause.next(true);
        });
        while (seen === 0) await bench.rig.pause();
        await bench.rig.pause();
        subscription.unsubscribe();
        await done(pipe.closing);
        expect(seen).toBe(1);
        expect((await firstValueFrom(pipe.results({ frames: 4 }))).served).toBe(4);
      });

      check("stop, again and again: nothing more is ready, and it is drained once", ["in"], async (bench) => {
        const session = await bench.session(input, await bench.device(bench.strict));
        const calls: string[] = [];
        let drained: () => void = () => undefined;
        const end = new Promise<void>((resolve) => (drained = resolve));
        const source = await new Promise<ResultSource>((resolve) => {
          const started = session.stream(planOf(session), {
            ready: () => {
              calls.push("ready");
              resolve(started);
            },
            drained: () => {
              calls.push("drained");
              drained();
            },
          });
          expect(calls).toStrictEqual([]);
        });
        calls.length = 0;
        source.stop();
        source.stop();
        await end;
        source.stop();
        await bench.rig.pause();
        await done(session.close());
        expect(calls).toStrictEqual(["drained"]);
      });

      check(
        "a start that has passed: thrown, and nothing is left",
        ["in", "start-frame", "first-frame"],
        async (bench) => {
          const session = await bench.session(input, await bench.device(bench.strict));
          const start = (await currentFrame(bench, session)) - 1;
          const calls: string[] = [];
          const sink = { ready: () => calls.push("ready"), drained: () => calls.push("drained") };
          expect(await codeOf(() => session.stream({ ...planOf(session), start }, sink))).toBe("start-in-past");
          bench.expectCounters([
            await completionOf(session.issue({ lengths: planOf(session).frameLength, frames: 4 })),
          ]);
          expect(calls).toStrictEqual([]);
        },
      );

      check(
        "unplug-while-paused: what had arrived is taken first, then device-gone",
        ["in", "hotplug"],
        async (bench) => {
          const { results, whole, code } = await pausedStream(bench, input, { ring: 1000 }, Infinity, async () => {
            await bench.rig.pause();
            void bench.detach();
            await bench.rig.pause();
          });
          expect(code).toBe("device-gone");
          expect(whole.length).toBeGreaterThan(2);
          expect(results.length - whole.length).toBeLessThanOrEqual(1);
          bench.expectCounters(whole);
        },
      );

      check(
        "unplug after an overflow: what no result follows is told of at the end",
        ["in", "hotplug"],
        async (bench) => {
          const options = { ring: 2, overflow: "drop-newest" } as const;
          const { results, code } = await pausedStream(bench, input, options, Infinity, async () => {
            await bench.rig.pause();
            void bench.detach();
            await bench.rig.pause();
          });
          expect(code).toBe("device-gone");
          expect(results.length).toBeOneOf([3, 4]);
          expect(results.map(({ length }) => length)).toStrictEqual([...sameLength(results.length - 1, 2), 0]);
          expect(results.at(-1)?.lost).toBeGreaterThanOrEqual(2);
          bench.expectCounters(results);
        },
      );
    });

    describe("OUT", () => {
      check("the device takes every packet once, in order", ["out"], async (bench) => {
        const device = await bench.device();
        const session = await bench.session(output, device);
        const requests = Array.from({ length: 10 }, () => bench.request(session, 32));
        const transfers = requests.map((request) => session.issue(request));
        for (const results of await Promise.all(transfers.map(completionOf))) {
          expect(results.error).toBe("ok");
          expect(results.bytesTransferred).toBe(32 * session.endpoint.maxFrameLength);
        }
        await bench.expectArrived(device, requests);
      });

      check("the device sees a counter that is out of place", ["out"], async (bench) => {
        const device = await bench.device();
        const session = await bench.session(output, device);
        const requests = [0, 7].map((first) => counterRequest(first, sameLength(4, brief)));
        for (const request of requests) await completionOf(session.issue(request));
        await bench.expectArrived(device, requests);
      });

      check("each frame has its own length", ["out", "lengths-per-frame"], async (bench) => {
        const device = await bench.device();
        const session = await bench.session(output, device);
        const lengths = [8, 176, 9, session.endpoint.maxFrameLength, 180, 8];
        const request = counterRequest(0, lengths);
        const { actual, error } = await completionOf(session.issue(request));
        expect(error).toBe("ok");
        expect([...actual]).toStrictEqual(lengths.map(tested.taken));
        await bench.expectArrived(device, [request]);
      });

      /** On one timeline, each packet reached the device, and of each the results tell. */
      const expectSent = async (bench: Workbench, requests: readonly IsochRequest[]) => {
        const device = await bench.device(bench.strict);
        const session = await bench.session(output, device);
        const send = async (request: IsochRequest) => {
          const packets = packetsOf(request);
          const results = await completionOf(session.issue(request));
          expect([results.error, results.served]).toStrictEqual(["ok", packets.length]);
          expect(Array.from(results, ({ status, requested, data }) => ({ status, requested, data }))).toStrictEqual(
            packets.map((packet) => {
              const { length } = packet;
              return { status: "ok", requested: length, data: packet.subarray(0, tested.taken(length)) };
            }),
          );
          return results;
        };
        const results = await Promise.all(requests.map(send));
        if (gaps["first-frame"] === undefined) {
          const begins = results.map(({ firstFrame, lost }) => firstFrame - lost);
          const ends = results.map(({ firstFrame, length }) => firstFrame + length);
          expect(begins.slice(1)).toStrictEqual(ends.slice(0, -1));
        }
        await bench.expectArrived(device, requests);
      };

      check("requests of nothing but empty packets, between others", ["out", "lengths-per-frame"], async (bench) => {
        await expectSent(bench, [
          { lengths: 0, frames: 5 },
          counterRequest(0, sameLength(3, brief)),
          { lengths: sameLength(200, 0), buffer: new Uint8Array(0) },
          counterRequest(3, sameLength(3, brief)),
          { lengths: 0, frames: 1 },
        ]);
      });

      check("empty packets between others", ["out", "lengths-per-frame"], async (bench) => {
        const longer = Array.from({ length: 300 }, (_, i) => (i % 3 === 1 ? brief : 0));
        const lengths = [[0, 8, 0, 0, 176, brief, 0], [0], longer, [brief, 0]];
        await expectSent(
          bench,
          lengths.map((each, i) => counterRequest(1000 * i, each)),
        );
      });

      check(
        "empty packets that are cancelled before their turn are no frames",
        ["out", "lengths-per-frame", "cancel"],
        async (bench) => {
          const session = await bench.session(output);
          const transfers = [0, 1].map(() => session.issue({ lengths: 0, frames: framesIn(session.endpoint, 2000) }));
          const completions = transfers.map(completionOf);
          session.abort();
          for (const { served, length, error } of await Promise.all(completions)) {
            expect(error).toBe("cancelled");
            expect(served).toBeLessThan(length);
          }
        },
      );
    });

    describe("frames", () => {
      check("a request of one frame, and one of more frames than a carrier takes at once", [], async (bench) => {
        const session = await bench.session(light);
        const one = session.issue(bench.request(session, 1));
        const many = session.issue(bench.request(session, 1500));
        const results = [await completionOf(one), await completionOf(many)];
        expect(results.map(({ length }) => length)).toStrictEqual([1, 1500]);
        bench.expectData(results);
      });

      checkWithout(
        "lengths-per-frame",
        "refused as unsupported",
        async (bench) => {
          const session = await bench.session(output);
          expect(await codeOf(() => session.issue(counterRequest(0, [brief - 1, brief])))).toBe("unsupported");
          expect(await codeOf(() => session.issue(counterRequest(0, [brief, brief - 1, brief])))).toBe("unsupported");
          expect(await codeOf(() => session.issue(counterRequest(0, [brief, brief, 0])))).toBe("unsupported");
          expect(await codeOf(() => session.issue(counterRequest(0, [brief, brief, brief - 1])))).toBe("no error");
        },
        ["out"],
      );

      check("the frame number goes up, as completions say", ["frame-number", "first-frame"], async (bench) => {
        const session = await bench.session(main);
        const before = session.frameNumber();
        const { firstFrame } = await completionOf(session.issue(bench.request(session, 16, brief)));
        expect(firstFrame).toBeGreaterThanOrEqual(before);
        expect(session.frameNumber()).toBeGreaterThanOrEqual(firstFrame + 15);
      });

      checkWithout("frame-number", "asking is unsupported", async (bench) => {
        const session = await bench.session(main);
        expect(await codeOf(() => session.frameNumber())).toBe("unsupported");
      });

      checkWithout("first-frame", "frames count from 0", async (bench) => {
        const session = await bench.session(main);
        const transfers = [0, 1].map(() => session.issue(bench.request(session, 4)));
        const results = await Promise.all(transfers.map(completionOf));
        expect(results.map(({ firstFrame, lost }) => firstFrame - lost)).toStrictEqual([0, 4]);
      });

      check(
        "an explicit start is kept, and the frames before it count as lost",
        ["start-frame", "first-frame"],
        async (bench) => {
          const session = await bench.session(main);
          const early = await completionOf(session.issue(bench.request(session, 2)));
          const start = early.firstFrame + soon(session);
          const late = await completionOf(session.issue({ ...bench.request(session, 4), start }));
          expect(late.firstFrame).toBe(start);
          expect(late.lost).toBe(start - early.firstFrame - 2);
          bench.expectData([early, late]);
        },
      );

      check("a stream begins where it was asked to", ["in", "start-frame", "first-frame"], async (bench) => {
        const session = await bench.session(main);
        const start = (await currentFrame(bench, session)) + soon(session);
        await done(session.close());
        expect((await firstValueFrom(bench.pipe(input).results({ frames: 4, start }))).firstFrame).toBe(start);
      });

      check("a start that has passed: start-in-past", ["start-frame", "first-frame"], async (bench) => {
        const session = await bench.session(main);
        const { firstFrame } = await completionOf(session.issue(bench.request(session, 16, brief)));
        expect(await codeOf(() => session.issue({ ...bench.request(session, 1, brief), start: firstFrame }))).toBe(
          "start-in-past",
        );
        expect((await completionOf(session.issue(bench.request(session, 1, brief)))).served).toBe(1);
      });

      check(
        "a start before the end of what is queued: start-overlap",
        ["start-frame", "first-frame"],
        async (bench) => {
          const session = await bench.session(main);
          const start = (await currentFrame(bench, session)) + soon(session);
          const first = session.issue({ ...bench.request(session, 8), start });
          expect(await codeOf(() => session.issue({ ...bench.request(session, 8), start: start + 7 }))).toBe(
            "start-overlap",
          );
          const next = session.issue({ ...bench.request(session, 8), start: start + 8 });
          const results = [await completionOf(first), await completionOf(next)];
          expect(results.map(({ firstFrame }) => firstFrame)).toStrictEqual([start, start + 8]);
        },
      );

      check("as soon as possible is directly after what is queued", ["start-frame", "first-frame"], async (bench) => {
        const session = await bench.session(main);
        const start = (await currentFrame(bench, session)) + soon(session);
        const first = session.issue({ ...bench.request(session, 5, brief), start });
        const next = session.issue(bench.request(session, 5, brief));
        await completionOf(first);
        expect((await completionOf(next)).firstFrame).toBe(start + 5);
      });

      check(
        "a start far in the future is no error, and can be cancelled",
        ["start-frame", "first-frame", "cancel"],
        async (bench) => {
          const session = await bench.session(main);
          const transfer = session.issue({
            ...bench.request(session, 2, brief),
            start: (await currentFrame(bench, session)) + 1e12,
          });
          const completion = completionOf(transfer);
          transfer.abort();
          expect((await completion).served).toBe(0);
        },
      );

      checkWithout("start-frame", "refused as unsupported", async (bench) => {
        const session = await bench.session(main);
        expect(await codeOf(() => session.issue({ ...bench.request(session, 1, brief), start: 5 }))).toBe(
          "unsupported",
        );
        expect(await codeOf(bench.pipe().results({ start: 5 }))).not.toBe("no error");
      });
    });

    describe("completions", () => {
      check("once, in order, never within submit, the arrays untouched afterwards", [], async (bench) => {
        const port = await bench.port(light);
        let left = 120;
        const send = () => {
          if (left-- > 0) port.submit({ lengths: port.maxFrameLength, frames: 1 + (left % 7) });
        };
        port.onCompleted = send;
        for (let i = 0; i < 6; i++) send();
        await port.drained();
        expect(port.sent).toHaveLength(120);
      });

      check("of two endpoints do not wait for one another", ["both-ways"], async (bench) => {
        const reader = await bench.port(pair.in);
        const writer = reader.beside(pair.out.endpoint);
        const long = reader.submit({ lengths: reader.maxFrameLength, frames: 400 });
        const seen: boolean[] = [];
        writer.onCompleted = () => seen.push(long.isComplete);
        writer.submit({ lengths: brief, frames: 8 });
        await writer.drained();
        await long.completion;
        expect(seen).toStrictEqual([false]);
      });

      /** Microseconds that passed with requests one after the other, of so many frames. */
      const stamped = async (bench: Workbench) => {
        const session = await bench.session(main);
        const times = [session.now()];
        for (let i = 0; i < 5; i++) {
          const transfer = session.issue(bench.request(session, 4));
          times.push((await completionOf(transfer)).timestamp, session.now());
        }
        expect(times).toStrictEqual(times.toSorted((a, b) => a - b));
        return { passed: (times.at(-1) ?? 0) - (times[0] ?? 0), expected: 5 * 4 * session.endpoint.frameDuration };
      };

      check("are stamped with a clock that never goes back", ["pace"], async (bench) => {
        const { passed, expected } = await stamped(bench);
        expect(passed).toBeGreaterThanOrEqual(expected);
      });

      checkWithout("pace", "are stamped with a clock that never goes back", async (bench) => {
        await stamped(bench);
      });

      check("a request can be issued from within a completion", [], async (bench) => {
        const session = await bench.session(main);
        const first = session.issue(bench.request(session, 4));
        const second = session.issue(bench.request(session, 4));
        const third = await new Promise<IsochTransfer>((resolve, reject) => {
          first.completion.subscribe({
            next: () => {
              resolve(session.issue(bench.request(session, 4)));
            },
            error: reject,
          });
        });
        const results = [first.results(), await completionOf(second), await completionOf(third)];
        bench.expectData(results);
      });
    });

    describe("cancel", () => {
      check("one transfer: the others run on, and completions stay in order", ["cancel-transfer"], async (bench) => {
        const port = await bench.port(light);
        const frames = framesIn(port, 1000);
        const [first, second, third] = [0, 1, 2].map(() => port.submit({ lengths: port.maxFrameLength, frames }));
        if (first === undefined || second === undefined || third === undefined) throw new Error("not submitted");
        port.cancel(second);
        port.cancel(second);
        await port.drained();
        expect([first, second, third].map(({ submission: { cancelled } }) => cancelled)).toStrictEqual([
          false,
          true,
          false,
        ]);
        expect(servedFrames(first.submission)).toBe(frames);
        expect(servedFrames(second.submission)).toBe(0);
        expect(servedFrames(third.submission)).toBe(frames);
      });

      check("the frames that had finished are kept", ["cancel", "both-ways"], async (bench) => {
        const reader = await bench.port(pair.in);
        const writer = reader.beside(pair.out.endpoint);
        const frames = framesIn(reader, 4000);
        const long = reader.submit({ lengths: reader.maxFrameLength, frames });
        const send = () => writer.submit({ lengths: brief, frames: 50 });
        writer.onCompleted = () => {
          if (writer.sent.length < 4) send();
          else reader.cancel(long);
        };
        send();
        const { cancelled, statuses, actual, buffer, error } = await long.completion;
        const served = servedFrames(long.submission);
        expect({ cancelled, error }).toStrictEqual({ cancelled: true, error: undefined });
        expect(served).toBeGreaterThanOrEqual(100);
        expect(served).toBeLessThan(frames);
        const first = readCounter(buffer) ?? NaN;
        for (let i = 0; i < served; i++) {
          if (statusOf(statuses[i] ?? 0) === "cancelled") continue;
          expect(statusOf(statuses[i] ?? 0)).toBe("ok");
          expect(actual[i]).toBe(reader.maxFrameLength);
          expect(readCounter(buffer, i * reader.maxFrameLength)).toBe(first + i);
        }
        expect(actual.subarray(served).every((moved) => moved === 0)).toBe(true);
        await writer.drained();
      });

      checkWithout(
        "both-ways",
        "the frames that had finished are kept",
        async (bench) => {
          const session = await bench.session(light);
          const transfer = session.issue(bench.request(session, framesIn(session.endpoint, 4000)));
          const completion = completionOf(transfer);
          await bench.rig.pause();
          transfer.abort();
          const results = await completion;
          const { error, served, length } = results;
          expect(error).toBe("cancelled");
          expect(served).toBeGreaterThanOrEqual(framesIn(session.endpoint, 100));
          expect(served).toBeLessThan(length);
          const finished = [...results].slice(0, served).filter(({ status }) => status !== "cancelled");
          expect(
            finished.filter(({ status, actual, requested }) => status !== "ok" || actual !== requested),
          ).toHaveLength(0);
          if (!isInput(light)) bench.expectFirst(finished.map(({ data }) => data));
          expect(results.actual.subarray(served).every((moved) => moved === 0)).toBe(true);
        },
        ["cancel", "pace"],
      );

      check("the whole pipe", ["cancel"], async (bench) => {
        const session = await bench.session(main);
        const frames = framesIn(session.endpoint, 2000);
        const transfers = [0, 1, 2].map(() => session.issue(bench.request(session, frames, brief)));
        const completions = transfers.map(completionOf);
        session.abort();
        expect(transfers.map(({ isComplete }) => isComplete)).toStrictEqual([false, false, false]);
        const results = await Promise.all(completions);
        expect(results.map(({ error }) => error)).toStrictEqual(["cancelled", "cancelled", "cancelled"]);
      });

      check("of what has completed does nothing", [], async (bench) => {
        const port = await bench.port(main);
        const sent = port.submit({ lengths: brief, frames: 4 });
        await sent.completion;
        port.cancel(sent);
        await bench.rig.pause();
        expect(sent.submission.cancelled).toBe(false);
      });

      if (gaps["cancel-transfer"] !== undefined && gaps.cancel === undefined) {
        check("without cancel-transfer: cancelling one cancels all on the pipe", [], async (bench) => {
          const port = await bench.port(light);
          const [first, second] = [0, 1].map(() => port.submit({ lengths: port.maxFrameLength, frames: 4000 }));
          if (first === undefined || second === undefined) throw new Error("not submitted");
          port.cancel(second);
          await port.drained();
          expect([first.submission.cancelled, second.submission.cancelled]).toStrictEqual([true, true]);
        });
      }

      checkWithout("cancel", "an aborted transfer runs to its end", async (bench) => {
        const session = await bench.session(main);
        const transfer = session.issue(bench.request(session, 100));
        transfer.abort();
        const results = await completionOf(transfer);
        expect(results.served).toBe(100);
        bench.expectData([results]);
      });
    });

    describe("teardown", () => {
      check("close-in-flight", [], async (bench) => {
        const session = await bench.session(main);
        const transfers = [0, 1, 2, 3].map(() => session.issue(bench.request(session, 200, brief)));
        const released = transfers.map((transfer) => done(transfer.released));
        await done(session.close());
        await Promise.all(released);
        expect(await codeOf(() => session.issue(bench.request(session, 1, brief)))).toBe("pipe-closed");
      });

      check("close-transfer-in-flight: nothing is emitted, the buffer comes back", [], async (bench) => {
        const session = await bench.session(main);
        const transfer = session.issue(bench.request(session, 200, brief));
        let emitted = 0;
        transfer.completion.subscribe(() => emitted++);
        transfer.close();
        await done(transfer.released);
        expect(emitted).toBe(0);
        expect(await codeOf(() => transfer.status())).toBe("transfer-closed");
      });

      check("close-after-cancel", [], async (bench) => {
        const session = await bench.session(main);
        const transfers = [0, 1, 2].map(() => session.issue(bench.request(session, 200, brief)));
        const completions = transfers.map(completionOf);
        session.abort();
        await done(session.close());
        expect(await Promise.all(completions)).toHaveLength(3);
      });

      check("double-close", [], async (bench) => {
        const device = await bench.device();
        const session = await bench.session(main, device);
        void session.issue(bench.request(session, 50, brief));
        await Promise.all([done(session.close()), done(session.close()), done(device.close()), done(device.close())]);
        await done(session.close());
        await done(device.close());
      });

      check("close-device-in-flight", [], async (bench) => {
        const device = await bench.device();
        const session = await bench.session(main, device);
        const transfer = session.issue(bench.request(session, 200, brief));
        const released = done(transfer.released);
        await done(device.close());
        await released;
      });

      check("unsubscribe-while-streaming, at once and from within a result", [], async (bench) => {
        const pipe = bench.pipe();
        bench.stream(pipe, { frames: 4 }).subscribe().unsubscribe();
        await done(pipe.closing);
        expect(await lastValueFrom(bench.stream(pipe, { frames: 4 }).pipe(take(3), toArray()))).toHaveLength(3);
        await done(pipe.closing);
      });

      check("reopen-after-close, again and again, without waiting", [], async (bench) => {
        const pipe = bench.pipe();
        for (let i = 0; i < 8; i++) {
          bench.expectData(await lastValueFrom(bench.stream(pipe, { frames: 4, queue: 3 }).pipe(take(2), toArray())));
        }
      });

      check("release-with-an-alternate-selected leaves nothing selected", [], async (bench) => {
        const device = await firstValueFrom(bench.transport.open(bench.rig.selector));
        await done(device.claimInterface(interfaceNumber));
        await done(device.selectAlternate(interfaceNumber, main.alternate));
        await done(device.releaseInterface(interfaceNumber));
        await done(device.close());
        expect((await firstValueFrom(bench.stream(bench.pipe(), { frames: 4 }))).length).toBe(4);
      });
    });

    describe("unplug", () => {
      check("unplug-while-streaming: device-gone, after what had arrived", ["hotplug"], async (bench) => {
        const results: IsochResults[] = [];
        const code = await new Promise<string>((resolve) => {
          bench.stream(bench.pipe(), { frames: 8 }).subscribe({
            next: (each) => {
              results.push(each);
              if (results.length === 5) void bench.detach();
            },
            error: (error: unknown) => {
              resolve(IsochError.is(error) ? error.code : String(error));
            },
          });
        });
        expect(code).toBe("device-gone");
        expect(results.length).toBeGreaterThanOrEqual(5);
        expect(results.slice(0, 5).every(({ served }) => served === 8)).toBe(true);
      });

      check("unplug-in-flight: transfers complete with device-not-responding", ["hotplug"], async (bench) => {
        const session = await bench.session(main);
        const transfers = [0, 1, 2].map(() => session.issue(bench.request(session, 4000, brief)));
        const completions = transfers.map(completionOf);
        await bench.detach();
        for (const { error } of await Promise.all(completions)) expect(error).toBe("device-not-responding");
        expect(await codeOf(() => session.issue(bench.request(session, 1, brief)))).toBe("device-gone");
      });

      check("unplug-while-draining", ["hotplug"], async (bench) => {
        const session = await bench.session(main);
        const transfers = [0, 1, 2].map(() => session.issue(bench.request(session, 400, brief)));
        const released = transfers.map((transfer) => done(transfer.released));
        const closed = done(session.close());
        await bench.detach();
        await Promise.all(released);
        await closed;
      });

      check("unplug-while-idle: device-gone for whatever is asked", ["hotplug"], async (bench) => {
        const device = await bench.device();
        const session = await bench.session(main, device);
        await bench.detach();
        const issued = () => codeOf(async () => completionOf(session.issue(bench.request(session, 1, brief))));
        let code = "no error";
        // Word of it may come over a network.
        for (let i = 0; i < 20 && code === "no error"; i++) {
          await bench.rig.pause();
          code = await issued();
        }
        expect(code).toBe("device-gone");
        expect(await codeOf(device.controlTransfer(getDeviceDescriptor, 18))).toBe("device-gone");
      });

      /** The device and a session hear of an unplug, once each. */
      const expectTold = async (bench: Workbench, session: PipeSession) => {
        const handle = await bench.opened();
        await bench.rig.pause();
        expect(session.failure).toBeUndefined();
        void bench.detach();
        expect((await firstValueFrom(handle.gone)).code).toBe("device-gone");
        expect((await firstValueFrom(session.failed)).code).toBe("device-gone");
        expect(session.failure?.code).toBe("device-gone");
        const again = await lastValueFrom(handle.gone.pipe(toArray()));
        expect(again.map(({ code }) => code)).toStrictEqual(["device-gone"]);
      };

      check(
        "unplug-while-idle: the device, a session and the operator issue hear of it",
        ["hotplug", "both-ways"],
        async (bench) => {
          const device = await bench.device();
          const session = await bench.session(pair.in, device);
          const issuing = codeOf(NEVER.pipe(issue(isochPipe(device, pair.out))));
          await expectTold(bench, session);
          expect(await issuing).toBe("device-gone");
        },
      );

      checkWithout(
        "both-ways",
        "unplug-while-idle: the device and a session hear of it",
        async (bench) => {
          await expectTold(bench, await bench.session(main));
        },
        ["hotplug"],
      );

      checkWithout(
        "both-ways",
        "unplug-while-idle: the operator issue hears of it",
        async (bench) => {
          const issuing = codeOf(NEVER.pipe(issue(bench.pipe())));
          await bench.rig.pause();
          await bench.detach();
          expect(await issuing).toBe("device-gone");
        },
        ["hotplug"],
      );

      check("no unplug: what tells of it completes with the close, without a value", [], async (bench) => {
        const handle = await firstValueFrom(bench.transport.open(bench.rig.selector));
        const told = lastValueFrom(handle.gone.pipe(toArray()));
        await done(handle.close());
        expect(await told).toStrictEqual([]);
      });

      check("unplug-and-close-in-one-turn, both ways round", ["hotplug"], async (bench) => {
        const session = await bench.session(main);
        void session.issue(bench.request(session, 400, brief));
        await bench.detach();
        await done(session.close());
      });

      check("another device goes on when one is unplugged", ["hotplug"], async (bench) => {
        const other = await bench.attach();
        const pipe = bench.pipe(light, other);
        const results = lastValueFrom(bench.stream(pipe, { frames: 8 }).pipe(take(20), toArray()));
        await bench.detach();
        bench.expectData(await results, other);
      });
    });

    describe("blocking", () => {
      check("wait returns when the transfer has completed", ["blocking"], async (bench) => {
        const session = await bench.session(main);
        const [first, second, third] = [20, 20, 400].map((frames) => session.issue(bench.request(session, frames)));
        second?.wait();
        expect([first, second, third].map((transfer) => transfer?.isComplete)).toStrictEqual([true, true, false]);
        third?.wait();
        third?.wait();
        const results = [first, second, third].flatMap((transfer) =>
          transfer === undefined ? [] : transfer.results(),
        );
        bench.expectData(results);
      });

      check("wait works from within a completion", ["blocking"], async (bench) => {
        const port = await bench.port(light);
        const [, second, third] = [0, 1, 2].map(() => port.submit({ lengths: port.maxFrameLength, frames: 8 }));
        const seen: (boolean | undefined)[] = [];
        port.onCompleted = (sent) => {
          if (sent !== port.sent[0]) return;
          if (third !== undefined) port.endpoint.wait?.(third.submission);
          seen.push(second?.isComplete, third?.isComplete);
        };
        await port.drained();
        expect(seen).toStrictEqual([true, true]);
      });

      checkWithout("blocking", "refused as unsupported", async (bench) => {
        const session = await bench.session(main);
        const transfer = session.issue(bench.request(session, 4, brief));
        expect(await codeOf(() => transfer.wait())).toBe("unsupported");
      });
    });

    describe("DMA buffers", () => {
      check("data moves in them, both ways", ["dma", "both-ways"], async (bench) => {
        const device = await bench.device();
        const reader = await bench.session(pair.in, device);
        const writer = await bench.session(pair.out, device);
        const lengths = reader.endpoint.maxFrameLength;
        const received = reader.allocateDma(8 * lengths);
        const sending = writer.allocateDma(16 * brief);
        bench.atEnd(() => {
          for (const buffer of [received, sending, sending]) buffer.free();
        });
        expect(received.address).not.toBe(0);
        expect(sending.address).not.toBe(0);
        expect(received.address).not.toBe(sending.address);
        const request = counterRequest(0, sameLength(16, brief));
        sending.bytes.set(request.buffer);
        const writing = completionOf(writer.issue({ lengths: brief, frames: 16, dma: sending }));
        bench.expectCounters([await completionOf(reader.issue({ lengths, frames: 8, dma: received }))]);
        await writing;
        expect(readCounter(received.bytes, lengths)).toBe((readCounter(received.bytes) ?? NaN) + 1);
        await bench.expectArrived(device, [request]);
      });

      checkWithout(
        "both-ways",
        "data moves in them",
        async (bench) => {
          const session = await bench.session(main);
          const { lengths, buffer } = bench.request(session, 16, brief);
          const dma = session.allocateDma(16 * brief);
          bench.atEnd(() => {
            dma.free();
          });
          expect(dma.address).not.toBe(0);
          if (buffer !== undefined) dma.bytes.set(buffer);
          bench.expectData([await completionOf(session.issue({ lengths, frames: 16, dma }))]);
        },
        ["dma"],
      );

      check("a size that cannot be: invalid-number", ["dma"], async (bench) => {
        const session = await bench.session(main);
        for (const size of [NaN, -1, 0, 1.5, Infinity, 2 ** 40]) {
          expect(await codeOf(() => session.allocateDma(size))).toBe("invalid-number");
        }
      });

      checkWithout("dma", "refused as unsupported", async (bench) => {
        const session = await bench.session(main);
        expect(await codeOf(() => session.allocateDma(64))).toBe("unsupported");
      });
    });

    describe("halt and reset", () => {
      const halt: ControlSetup = {
        direction: "out",
        type: "standard",
        recipient: "endpoint",
        request: 3,
        value: 0,
        index: main.endpoint,
      };
      const getStatus: ControlSetup = { ...halt, direction: "in", request: 0 };

      check("halted: every frame reads stall, until the halt is cleared", ["halt"], async (bench) => {
        const device = await bench.device();
        const session = await bench.session(main, device);
        await done(device.controlTransfer(halt, new Uint8Array(0)));
        expect([...(await firstValueFrom(device.controlTransfer(getStatus, 2)))]).toStrictEqual([1, 0]);
        const stalled = await completionOf(session.issue(bench.request(session, 6)));
        expect(stalled.error).toBe("isoch");
        expect(Array.from(stalled.statuses, statusOf)).toStrictEqual(new Array(6).fill("stall"));
        expect(stalled.bytesTransferred).toBe(0);
        await done(device.clearHalt(main.endpoint));
        expect([...(await firstValueFrom(device.controlTransfer(getStatus, 2)))]).toStrictEqual([0, 0]);
        bench.expectData([await completionOf(session.issue(bench.request(session, 6)))]);
      });

      check("reset-in-flight: transfers complete first, as cancelled", ["reset"], async (bench) => {
        const device = await bench.device();
        const session = await bench.session(main, device);
        const transfers = [0, 1].map(() => session.issue(bench.request(session, 4000, brief)));
        const outcomes: string[] = [];
        for (const transfer of transfers) transfer.completion.subscribe(({ error }) => outcomes.push(error));
        await done(device.reset());
        expect(outcomes).toStrictEqual(["cancelled", "cancelled"]);
      });

      check("reset-while-streaming: the stream errors, and can be opened again", ["reset"], async (bench) => {
        const device = await bench.device();
        const pipe = isochPipe(device, main);
        let results = 0;
        const code = await new Promise<string>((resolve) => {
          bench.stream(pipe, { frames: 4 }).subscribe({
            next: () => {
              if (++results === 3) void done(device.reset());
            },
            error: (error: unknown) => {
              resolve(IsochError.is(error) ? error.code : String(error));
            },
          });
        });
        expect(["pipe-closed", "device-gone"]).toContain(code);
        await done(pipe.closing);
        expect((await firstValueFrom(bench.stream(pipe, { frames: 4 }))).served).toBe(4);
        await done(pipe.closing);
      });
    });
  });
}

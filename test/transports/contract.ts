import {
  BehaviorSubject,
  concatMap,
  filter,
  firstValueFrom,
  lastValueFrom,
  map,
  NEVER,
  take,
  toArray,
  type Observable,
  type Subscription,
} from "rxjs";
import { describe, expect, it } from "vitest";
import { issue } from "../../operators/index.js";
import {
  IsochError,
  isochPipe,
  openDevice,
  statusOf,
  type ControlSetup,
  type DeviceEvent,
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
  type UsbDevice,
} from "../../src/index.js";
import { counterProtocol, readCounter, writeCounter } from "../../transports/virtual/index.js";
import { done, RawPort } from "../support/raw-port.js";
import { strictTransport, type StrictTransport } from "../support/strict-transport.js";

/**
 * What a case can need of a transport beyond what all of them have. Some are
 * capabilities of the contract; the others belong to the carrier or to its test rig.
 */
export type ContractNeed =
  | "start-frame"
  | "frame-number"
  /** Completions say on which frame they began. */
  | "first-frame"
  | "lengths-per-frame"
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
  | "reset";

/** A transport with a counter device on it, made anew for each case. */
export interface ContractRig {
  readonly transport: IsochTransport;
  /** The {@link counterProtocol} device. */
  readonly selector: DeviceSelector;
  /** Lets a while pass on the bus. */
  readonly pause: () => Promise<void>;
  /** Plugs another counter device in. Without the gap `hotplug`. */
  readonly attach?: () => DeviceSelector | Promise<DeviceSelector>;
  /** Unplugs the counter device. Without the gap `hotplug`. */
  readonly detach?: () => void | Promise<void>;
  /** What is in use, by name: all zero once everything is closed. */
  readonly audit?: () => Readonly<Record<string, number>>;
  readonly cleanup: () => void | Promise<void>;
}

/** A transport that is to be held to the contract. */
export interface ContractTarget {
  readonly name: string;
  /** What it cannot do, and why. */
  readonly gaps: Readonly<Partial<Record<ContractNeed, string>>>;
  readonly create: () => ContractRig | Promise<ContractRig>;
}

/** The most that there are, at high speed and above. */
const framesPerMillisecond = 8;

/** Alternate settings of the counter device. */
const inOnly = 1;
const outOnly = 2;
const both = 3;

const { inEndpoint, outEndpoint } = counterProtocol;

const vendorRequest = { type: "vendor", recipient: "device", value: 0, index: 0 } as const;
const getStatistics: ControlSetup = { ...vendorRequest, direction: "in", request: counterProtocol.getStatistics };
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

/** One case at work: what it opens is closed at its end, whatever happened. */
class Workbench {
  readonly rig: ContractRig;
  readonly #isExact: boolean;
  readonly #closing: (() => void | Promise<void>)[] = [];
  readonly #watch = new Watch();
  #strict: StrictTransport | undefined;

  /** @param isExact completions say on which frame they began */
  constructor(rig: ContractRig, isExact: boolean) {
    this.rig = rig;
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

  async port(address: number, alternate: number): Promise<RawPort> {
    const port = await RawPort.open(this.transport, this.rig.selector, address, alternate);
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

  async session(endpoint: number, alternate: number, device?: UsbDevice): Promise<PipeSession> {
    const session = await firstValueFrom((device ?? (await this.device())).openPipe({ endpoint, alternate }));
    this.atEnd(() => done(session.close()));
    return session;
  }

  pipe(alternate = inOnly, selector = this.rig.selector, transport = this.transport): IsochPipe {
    const pipe = isochPipe(transport, { ...selector, endpoint: inEndpoint, alternate });
    this.atEnd(() => done(pipe.closing));
    return pipe;
  }

  /** Waits until that holds, or for long. */
  async until(holds: () => boolean): Promise<void> {
    for (let i = 0; i < 20 && !holds(); i++) await this.rig.pause();
  }

  async attach(): Promise<DeviceSelector> {
    if (this.rig.attach === undefined) throw new Error("the rig has no hotplug: declare the gap");
    return this.rig.attach();
  }

  async detach(): Promise<void> {
    if (this.rig.detach === undefined) throw new Error("the rig has no hotplug: declare the gap");
    await this.rig.detach();
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
    const heldUp = this.#watch.lateness > 5 ? this.#watch.lateness * framesPerMillisecond : 0;
    expect(unexplained, "frames lost and not reported, or the other way round").toBeLessThanOrEqual(
      2 * losses + heldUp,
    );
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

/** The code of the error that comes instead of a value. */
async function codeOf(work: Promise<unknown> | Observable<unknown> | (() => unknown)): Promise<string> {
  try {
    await (typeof work === "function" ? work() : "subscribe" in work ? lastValueFrom(work) : work);
  } catch (error) {
    return IsochError.is(error) ? error.code : `not one of ours: ${String(error)}`;
  }
  return "no error";
}

function completionOf(transfer: IsochTransfer): Promise<IsochResults> {
  return firstValueFrom(transfer.completion);
}

/** As many frames as pass in so many milliseconds. */
function framesIn({ frameDuration }: { readonly frameDuration: number }, milliseconds: number): number {
  return Math.ceil((milliseconds * 1000) / frameDuration);
}

/** The frame after that of a transfer: about the one that is on the bus now. */
async function currentFrame(session: PipeSession): Promise<number> {
  const { firstFrame } = await completionOf(session.issue({ lengths: session.endpoint.maxFrameLength, frames: 1 }));
  return firstFrame + 1;
}

/** As many frames as a busy machine may need to get to its next line. */
function soon(session: PipeSession): number {
  return framesIn(session.endpoint, 200);
}

/** A request to send packets with counters from `first` on. */
function counterRequest(first: number, lengths: readonly number[]): IsochRequest & { readonly buffer: Uint8Array } {
  const buffer = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
  let offset = 0;
  lengths.forEach((length, i) => {
    writeCounter(buffer, first + i, offset);
    offset += length;
  });
  return { lengths, buffer };
}

function sameLength(frames: number, length = 64): readonly number[] {
  return new Array<number>(frames).fill(length);
}

async function statisticsOf(
  device: Pick<UsbDevice, "controlTransfer">,
): Promise<{ packets: number; mismatches: number; short: number }> {
  const bytes = await firstValueFrom(device.controlTransfer(getStatistics, 12));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { packets: view.getUint32(0, true), mismatches: view.getUint32(4, true), short: view.getUint32(8, true) };
}

/** What a stream brings when the consumer pauses at its first result, as long as `meanwhile` lasts. */
async function pausedStream(bench: Workbench, options: StreamOptions, count: number, meanwhile: () => Promise<void>) {
  const pause = new BehaviorSubject(false);
  const results: IsochResults[] = [];
  const stream = bench
    .pipe(inOnly, bench.rig.selector, bench.strict)
    .results({ frames: 2, queue: 8, ...options, pause })
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
  const { gaps } = target;

  /** A case that runs where nothing of what it needs is a gap. */
  const check = (name: string, needs: readonly ContractNeed[], body: (bench: Workbench) => Promise<void>) => {
    const gap = needs.find((need) => gaps[need] !== undefined);
    const title = gap === undefined ? name : `${name} [gap: ${gap}: ${gaps[gap] ?? ""}]`;
    it.skipIf(gap !== undefined)(title, async () => {
      const rig = await target.create();
      const bench = new Workbench(rig, gaps["first-frame"] === undefined);
      // What comes first is what went wrong, not what came of that.
      const failures: unknown[] = [];
      for (const step of [() => body(bench), () => bench.close(), () => rig.cleanup()]) {
        try {
          await step();
        } catch (error) {
          failures.push(error);
        }
      }
      if (failures.length > 0) throw failures[0];
    });
  };

  /** A case that runs only where something is a gap: what happens instead. */
  const checkWithout = (need: ContractNeed, name: string, body: (bench: Workbench) => Promise<void>) => {
    if (gaps[need] !== undefined) check(`without ${need}: ${name}`, [], body);
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
    });

    describe("devices", () => {
      check("lists the device that is there, with its descriptors", [], async ({ transport }) => {
        const event = await firstValueFrom(
          transport.devices().pipe(filter(({ device }) => device.descriptor.vendorId === counterProtocol.vendorId)),
        );
        expect(event.type).toBe("attach");
        expect(event.device.descriptor.productId).toBe(counterProtocol.productId);
        expect(event.device.id).not.toBe("");
      });

      check("tells of devices that come and go", ["hotplug"], async (bench) => {
        const events: DeviceEvent[] = [];
        const counters = bench.transport
          .devices()
          .pipe(filter(({ device }) => device.descriptor.vendorId === counterProtocol.vendorId));
        const subscription = counters.subscribe((event) => events.push(event));
        bench.atEnd(() => {
          subscription.unsubscribe();
        });
        await bench.until(() => events.length > 0);
        await bench.rig.pause();
        const [first, ...others] = events;
        expect(others).toStrictEqual([]);
        await bench.attach();
        await bench.detach();
        await bench.until(() => events.length > 2);
        await bench.rig.pause();
        expect(events.map(({ type }) => type)).toStrictEqual(["attach", "attach", "detach"]);
        expect(events[2]?.device.id).toBe(first?.device.id);
        expect(events[1]?.device.id).not.toBe(first?.device.id);
        const now = await firstValueFrom(counters.pipe(take(1), toArray()));
        expect(now.map(({ device }) => device.id)).toStrictEqual([events[1]?.device.id]);
      });

      check("opens a device by its id", [], async ({ transport }) => {
        const { device } = await firstValueFrom(transport.devices());
        const opened = await firstValueFrom(transport.open({ id: device.id }));
        expect(opened.info.id).toBe(device.id);
        await done(opened.close());
      });

      check("does not open what is not there: no-such-device", [], async ({ transport, rig }) => {
        const missing = transport.open({ ...rig.selector, serialNumber: "none has this" });
        expect(await codeOf(missing)).toBe("no-such-device");
        expect(await codeOf(isochPipe(transport, { vendorId: 0xfffe, endpoint: inEndpoint }))).toBe("no-such-device");
      });

      check("leaves nothing open when the opening is given up at once", [], async ({ transport, rig }) => {
        transport
          .open(rig.selector)
          .pipe(concatMap((device) => device.close()))
          .subscribe()
          .unsubscribe();
        openDevice(transport, rig.selector).subscribe().unsubscribe();
        const pipe = isochPipe(transport, { ...rig.selector, endpoint: inEndpoint });
        pipe.subscribe().unsubscribe();
        await done(pipe.closing);
        await rig.pause();
      });

      check("knows the selected configuration of an open device", [], async (bench) => {
        const { configuration, info } = await bench.device();
        const alternates = configuration.interfaces[0]?.alternates ?? [];
        expect(alternates.map(({ alternateSetting }) => alternateSetting)).toStrictEqual([0, 1, 2, 3]);
        expect(info.descriptor.vendorId).toBe(counterProtocol.vendorId);
      });
    });

    describe("interfaces", () => {
      check("claimed elsewhere: interface-busy, until it is released", ["exclusive-claim"], async (bench) => {
        const port = await bench.port(inEndpoint, inOnly);
        const other = await firstValueFrom(bench.transport.open(bench.rig.selector));
        expect(await codeOf(done(other.claimInterface(0)))).toBe("interface-busy");
        expect(await codeOf(isochPipe(bench.transport, { ...bench.rig.selector, endpoint: inEndpoint }))).toBe(
          "interface-busy",
        );
        await done(port.device.releaseInterface(0));
        await done(other.claimInterface(0));
        await done(other.releaseInterface(0));
        await done(other.close());
      });

      check("an interface or alternate setting that is not there: no-such-endpoint", [], async (bench) => {
        const device = await firstValueFrom(bench.transport.open(bench.rig.selector));
        expect(await codeOf(done(device.claimInterface(9)))).toBe("no-such-endpoint");
        await done(device.claimInterface(0));
        expect(await codeOf(done(device.selectAlternate(0, 9)))).toBe("no-such-endpoint");
        await done(device.releaseInterface(0));
        await done(device.close());
      });

      check("an endpoint that the selected alternate setting has not: not-in-alternate", [], async (bench) => {
        const { device } = await bench.port(inEndpoint, inOnly);
        expect(await codeOf(() => device.openEndpoint(outEndpoint))).toBe("not-in-alternate");
      });

      check("another alternate setting, another size", [], async (bench) => {
        const pipe = bench.pipe(inOnly);
        const large = await firstValueFrom(pipe.results({ frames: 4 }));
        await done(pipe.closing);
        const small = await firstValueFrom(bench.pipe(both).results({ frames: 4 }));
        expect(large.bytesTransferred).toBeGreaterThan(small.bytesTransferred);
        for (const { length, requested, actual } of [large, small]) {
          expect(length).toBe(4);
          expect(actual).toStrictEqual(requested);
        }
      });

      check("two pipes share an interface", [], async (bench) => {
        const device = await bench.device();
        const reader = await bench.session(inEndpoint, both, device);
        const writer = await bench.session(outEndpoint, both, device);
        const reading = completionOf(reader.issue({ lengths: reader.endpoint.maxFrameLength, frames: 64 }));
        const writing = completionOf(writer.issue(counterRequest(0, sameLength(64))));
        bench.expectCounters([await reading]);
        expect((await writing).error).toBe("ok");
        expect(await statisticsOf(device)).toStrictEqual({ packets: 64, mismatches: 0, short: 0 });
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

      check("OUT: reaches the device, and emits an empty array", [], async (bench) => {
        const device = await bench.device();
        const session = await bench.session(outEndpoint, outOnly, device);
        await completionOf(session.issue(counterRequest(0, sameLength(8))));
        expect((await statisticsOf(device)).packets).toBe(8);
        expect(await firstValueFrom(device.controlTransfer(resetStatistics, new Uint8Array(0)))).toHaveLength(0);
        expect(await statisticsOf(device)).toStrictEqual({ packets: 0, mismatches: 0, short: 0 });
      });

      check("refused: control-stalled, and the next one works", [], async (bench) => {
        const device = await bench.device();
        expect(await codeOf(device.controlTransfer(unknownRequest, 8))).toBe("control-stalled");
        expect(await firstValueFrom(device.controlTransfer(getDeviceDescriptor, 18))).toHaveLength(18);
      });

      check("works while a pipe streams", [], async (bench) => {
        const device = await bench.device();
        const pipe = isochPipe(device, { endpoint: inEndpoint });
        const results = lastValueFrom(pipe.results({ frames: 8 }).pipe(take(20), toArray()));
        for (let i = 0; i < 10; i++) {
          expect(await firstValueFrom(device.controlTransfer(getDeviceDescriptor, 18))).toHaveLength(18);
        }
        bench.expectCounters(await results);
        await done(pipe.closing);
      });
    });

    describe("IN", () => {
      check("a stream brings every counter once, in order", [], async (bench) => {
        const results = await lastValueFrom(bench.pipe().results({ frames: 16, queue: 8 }).pipe(take(60), toArray()));
        expect(results.every(({ length, served }) => length === 16 && served === 16)).toBe(true);
        bench.expectCounters(results);
      });

      check("requests one after the other bring every counter", [], async (bench) => {
        const session = await bench.session(inEndpoint, inOnly);
        const lengths = session.endpoint.maxFrameLength;
        const transfers = Array.from({ length: 20 }, () => session.issue({ lengths, frames: 8 }));
        const results = await Promise.all(transfers.map(completionOf));
        bench.expectCounters(results);
        expect(results.map(({ error }) => error)).toStrictEqual(results.map(() => "ok"));
      });

      check("a request of one frame, and one of more frames than a carrier takes at once", [], async (bench) => {
        const session = await bench.session(inEndpoint, both);
        const lengths = session.endpoint.maxFrameLength;
        const one = session.issue({ lengths, frames: 1 });
        const many = session.issue({ lengths, frames: 1500 });
        const results = [await completionOf(one), await completionOf(many)];
        expect(results.map(({ length }) => length)).toStrictEqual([1, 1500]);
        bench.expectCounters(results);
      });

      check("the data lands in the buffer that the request brought", [], async (bench) => {
        const session = await bench.session(inEndpoint, inOnly);
        const { maxFrameLength } = session.endpoint;
        const buffer = new Uint8Array(4 * maxFrameLength).fill(0xee);
        await completionOf(session.issue({ lengths: maxFrameLength, frames: 4, buffer }));
        const counters = [0, 1, 2, 3].map((i) => readCounter(buffer, i * maxFrameLength) ?? NaN);
        expect(counters.map((counter) => counter - (counters[0] ?? NaN))).toStrictEqual([0, 1, 2, 3]);
      });

      check(
        "a packet longer than was asked: data-overrun, the others unharmed",
        ["lengths-per-frame", "overrun"],
        async (bench) => {
          const session = await bench.session(inEndpoint, both);
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
        overflow: "drop-oldest",
        start: "asap",
      });

      for (const overflow of ["drop-oldest", "drop-newest"] as const) {
        check(`the ring overflows (${overflow}): delivered + lost = frames`, [], async (bench) => {
          const { results, code } = await pausedStream(bench, { ring: 4, overflow }, 20, bench.rig.pause);
          expect(code).toBe("no error");
          expect(results.every(({ length, served }) => length === 2 && served === 2)).toBe(true);
          bench.expectCounters(results);
          // The loss is told of at once, or behind what waits: a ring.
          const told = overflow === "drop-oldest" ? results.slice(1, 2) : results.slice(1, 6);
          expect(told.some(({ lost }) => lost > 0)).toBe(true);
        });
      }

      check("the ring overflows (error): what waited, the loss, then the error", [], async (bench) => {
        const { results, code } = await pausedStream(bench, { ring: 4, overflow: "error" }, 20, bench.rig.pause);
        expect(code).toBe("overflow");
        // A ring, and the one that was taken before, if it was taken before the ring was full; then the
        // loss, on its own or with what came when there was room again.
        expect(results.length).toBeOneOf([5, 6, 7]);
        expect(results.slice(0, -1).map(({ length }) => length)).toStrictEqual(sameLength(results.length - 1, 2));
        bench.expectCounters(results);
        expect(results.slice(4).reduce((sum, { lost }) => sum + lost, 0)).toBeGreaterThanOrEqual(2);
      });

      check("stop-while-paused: closes, and streams again", [], async (bench) => {
        const pipe = bench.pipe(inOnly, bench.rig.selector, bench.strict);
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

      check("stop, again and again: nothing more is ready, and it is drained once", [], async (bench) => {
        const session = await bench.session(inEndpoint, inOnly, await bench.device(bench.strict));
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

      check("a start that has passed: thrown, and nothing is left", ["start-frame", "first-frame"], async (bench) => {
        const session = await bench.session(inEndpoint, inOnly, await bench.device(bench.strict));
        const start = (await currentFrame(session)) - 1;
        const calls: string[] = [];
        const sink = { ready: () => calls.push("ready"), drained: () => calls.push("drained") };
        expect(await codeOf(() => session.stream({ ...planOf(session), start }, sink))).toBe("start-in-past");
        bench.expectCounters([await completionOf(session.issue({ lengths: planOf(session).frameLength, frames: 4 }))]);
        expect(calls).toStrictEqual([]);
      });

      check("unplug-while-paused: what had arrived is taken first, then device-gone", ["hotplug"], async (bench) => {
        const { results, whole, code } = await pausedStream(bench, { ring: 1000 }, Infinity, async () => {
          await bench.rig.pause();
          void bench.detach();
          await bench.rig.pause();
        });
        expect(code).toBe("device-gone");
        expect(whole.length).toBeGreaterThan(2);
        expect(results.length - whole.length).toBeLessThanOrEqual(1);
        bench.expectCounters(whole);
      });

      check("unplug after an overflow: what no result follows is told of at the end", ["hotplug"], async (bench) => {
        const options = { ring: 2, overflow: "drop-newest" } as const;
        const { results, code } = await pausedStream(bench, options, Infinity, async () => {
          await bench.rig.pause();
          void bench.detach();
          await bench.rig.pause();
        });
        expect(code).toBe("device-gone");
        expect(results.length).toBeOneOf([3, 4]);
        expect(results.map(({ length }) => length)).toStrictEqual([...sameLength(results.length - 1, 2), 0]);
        expect(results.at(-1)?.lost).toBeGreaterThanOrEqual(2);
        bench.expectCounters(results);
      });
    });

    describe("OUT", () => {
      check("the device takes every packet once, in order", [], async (bench) => {
        const device = await bench.device();
        const session = await bench.session(outEndpoint, outOnly, device);
        const transfers = Array.from({ length: 10 }, (_, i) =>
          session.issue(counterRequest(32 * i, sameLength(32, session.endpoint.maxFrameLength))),
        );
        for (const results of await Promise.all(transfers.map(completionOf))) {
          expect(results.error).toBe("ok");
          expect(results.bytesTransferred).toBe(32 * session.endpoint.maxFrameLength);
        }
        expect(await statisticsOf(device)).toStrictEqual({ packets: 320, mismatches: 0, short: 0 });
      });

      check("the device sees a counter that is out of place", [], async (bench) => {
        const device = await bench.device();
        const session = await bench.session(outEndpoint, outOnly, device);
        await completionOf(session.issue(counterRequest(0, sameLength(4))));
        await completionOf(session.issue(counterRequest(7, sameLength(4))));
        expect(await statisticsOf(device)).toStrictEqual({ packets: 8, mismatches: 1, short: 0 });
      });

      check("each frame has its own length", ["lengths-per-frame"], async (bench) => {
        const device = await bench.device();
        const session = await bench.session(outEndpoint, outOnly, device);
        const lengths = [8, 176, 9, session.endpoint.maxFrameLength, 180, 8];
        const { actual } = await completionOf(session.issue(counterRequest(0, lengths)));
        expect([...actual]).toStrictEqual(lengths);
        expect(await statisticsOf(device)).toStrictEqual({ packets: 6, mismatches: 0, short: 0 });
      });

      check("a frame of no bytes is an empty packet", [], async (bench) => {
        const port = await bench.port(outEndpoint, outOnly);
        const { actual } = await port.submit({ lengths: 0, frames: 5 }).completion;
        expect([...actual]).toStrictEqual([0, 0, 0, 0, 0]);
        expect(await statisticsOf(port.device)).toStrictEqual({ packets: 0, mismatches: 0, short: 5 });
      });
    });

    describe("frames", () => {
      checkWithout("lengths-per-frame", "refused as unsupported", async (bench) => {
        const session = await bench.session(outEndpoint, outOnly);
        expect(await codeOf(() => session.issue(counterRequest(0, [8, 9])))).toBe("unsupported");
      });

      check("the frame number goes up, as completions say", ["frame-number", "first-frame"], async (bench) => {
        const session = await bench.session(inEndpoint, inOnly);
        const before = session.frameNumber();
        const { firstFrame } = await completionOf(session.issue({ lengths: 8, frames: 16 }));
        expect(firstFrame).toBeGreaterThanOrEqual(before);
        expect(session.frameNumber()).toBeGreaterThanOrEqual(firstFrame + 15);
      });

      checkWithout("frame-number", "asking is unsupported", async (bench) => {
        const session = await bench.session(inEndpoint, inOnly);
        expect(await codeOf(() => session.frameNumber())).toBe("unsupported");
      });

      checkWithout("first-frame", "frames count from 0", async (bench) => {
        const session = await bench.session(inEndpoint, inOnly);
        const transfers = [0, 1].map(() => session.issue({ lengths: session.endpoint.maxFrameLength, frames: 4 }));
        const results = await Promise.all(transfers.map(completionOf));
        expect(results.map(({ firstFrame, lost }) => firstFrame - lost)).toStrictEqual([0, 4]);
      });

      check(
        "an explicit start is kept, and the frames before it count as lost",
        ["start-frame", "first-frame"],
        async (bench) => {
          const session = await bench.session(inEndpoint, inOnly);
          const lengths = session.endpoint.maxFrameLength;
          const early = await completionOf(session.issue({ lengths, frames: 2 }));
          const start = early.firstFrame + soon(session);
          const late = await completionOf(session.issue({ lengths, frames: 4, start }));
          expect(late.firstFrame).toBe(start);
          expect(late.lost).toBe(start - early.firstFrame - 2);
          bench.expectCounters([early, late]);
        },
      );

      check("a stream begins where it was asked to", ["start-frame", "first-frame"], async (bench) => {
        const session = await bench.session(inEndpoint, inOnly);
        const start = (await currentFrame(session)) + soon(session);
        await done(session.close());
        expect((await firstValueFrom(bench.pipe().results({ frames: 4, start }))).firstFrame).toBe(start);
      });

      check("a start that has passed: start-in-past", ["start-frame", "first-frame"], async (bench) => {
        const session = await bench.session(inEndpoint, inOnly);
        const { firstFrame } = await completionOf(session.issue({ lengths: 8, frames: 16 }));
        expect(await codeOf(() => session.issue({ lengths: 8, frames: 1, start: firstFrame }))).toBe("start-in-past");
        expect((await completionOf(session.issue({ lengths: 8, frames: 1 }))).served).toBe(1);
      });

      check(
        "a start before the end of what is queued: start-overlap",
        ["start-frame", "first-frame"],
        async (bench) => {
          const session = await bench.session(inEndpoint, inOnly);
          const lengths = session.endpoint.maxFrameLength;
          const start = (await currentFrame(session)) + soon(session);
          const first = session.issue({ lengths, frames: 8, start });
          expect(await codeOf(() => session.issue({ lengths, frames: 8, start: start + 7 }))).toBe("start-overlap");
          const next = session.issue({ lengths, frames: 8, start: start + 8 });
          const results = [await completionOf(first), await completionOf(next)];
          expect(results.map(({ firstFrame }) => firstFrame)).toStrictEqual([start, start + 8]);
        },
      );

      check("as soon as possible is directly after what is queued", ["start-frame", "first-frame"], async (bench) => {
        const session = await bench.session(inEndpoint, inOnly);
        const start = (await currentFrame(session)) + soon(session);
        const first = session.issue({ lengths: 8, frames: 5, start });
        const next = session.issue({ lengths: 8, frames: 5 });
        await completionOf(first);
        expect((await completionOf(next)).firstFrame).toBe(start + 5);
      });

      check(
        "a start far in the future is no error, and can be cancelled",
        ["start-frame", "first-frame", "cancel"],
        async (bench) => {
          const session = await bench.session(inEndpoint, inOnly);
          const transfer = session.issue({ lengths: 8, frames: 2, start: (await currentFrame(session)) + 1e12 });
          const completion = completionOf(transfer);
          transfer.abort();
          expect((await completion).served).toBe(0);
        },
      );

      checkWithout("start-frame", "refused as unsupported", async (bench) => {
        const session = await bench.session(inEndpoint, inOnly);
        expect(await codeOf(() => session.issue({ lengths: 8, frames: 1, start: 5 }))).toBe("unsupported");
        expect(await codeOf(bench.pipe(inOnly).results({ start: 5 }))).not.toBe("no error");
      });
    });

    describe("completions", () => {
      check("once, in order, never within submit, the arrays untouched afterwards", [], async (bench) => {
        const port = await bench.port(inEndpoint, both);
        let left = 120;
        const send = () => {
          if (left-- > 0) port.submit({ lengths: port.maxFrameLength, frames: 1 + (left % 7) });
        };
        port.onCompleted = send;
        for (let i = 0; i < 6; i++) send();
        await port.drained();
        expect(port.sent).toHaveLength(120);
      });

      check("of two endpoints do not wait for one another", [], async (bench) => {
        const reader = await bench.port(inEndpoint, both);
        const writer = reader.beside(outEndpoint);
        const long = reader.submit({ lengths: reader.maxFrameLength, frames: 400 });
        const seen: boolean[] = [];
        writer.onCompleted = () => seen.push(long.isComplete);
        writer.submit({ lengths: 8, frames: 8 });
        await writer.drained();
        await long.completion;
        expect(seen).toStrictEqual([false]);
      });

      check("are stamped with a clock that never goes back", [], async (bench) => {
        const session = await bench.session(inEndpoint, inOnly);
        const times = [session.now()];
        for (let i = 0; i < 5; i++) {
          const transfer = session.issue({ lengths: session.endpoint.maxFrameLength, frames: 4 });
          times.push((await completionOf(transfer)).timestamp, session.now());
        }
        expect(times).toStrictEqual(times.toSorted((a, b) => a - b));
        const passed = (times.at(-1) ?? 0) - (times[0] ?? 0);
        expect(passed).toBeGreaterThanOrEqual(5 * 4 * session.endpoint.frameDuration);
      });

      check("a request can be issued from within a completion", [], async (bench) => {
        const session = await bench.session(inEndpoint, inOnly);
        const lengths = session.endpoint.maxFrameLength;
        const first = session.issue({ lengths, frames: 4 });
        const second = session.issue({ lengths, frames: 4 });
        const third = await new Promise<IsochTransfer>((resolve, reject) => {
          first.completion.subscribe({
            next: () => {
              resolve(session.issue({ lengths, frames: 4 }));
            },
            error: reject,
          });
        });
        const results = [first.results(), await completionOf(second), await completionOf(third)];
        bench.expectCounters(results);
      });
    });

    describe("cancel", () => {
      check("one transfer: the others run on, and completions stay in order", ["cancel-transfer"], async (bench) => {
        const port = await bench.port(inEndpoint, both);
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

      check("the frames that had finished are kept", ["cancel"], async (bench) => {
        const reader = await bench.port(inEndpoint, both);
        const writer = reader.beside(outEndpoint);
        const frames = framesIn(reader, 4000);
        const long = reader.submit({ lengths: reader.maxFrameLength, frames });
        const send = () => writer.submit({ lengths: 8, frames: 50 });
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

      check("the whole pipe", ["cancel"], async (bench) => {
        const session = await bench.session(inEndpoint, inOnly);
        const frames = framesIn(session.endpoint, 2000);
        const transfers = [0, 1, 2].map(() => session.issue({ lengths: 8, frames }));
        const completions = transfers.map(completionOf);
        session.abort();
        expect(transfers.map(({ isComplete }) => isComplete)).toStrictEqual([false, false, false]);
        const results = await Promise.all(completions);
        expect(results.map(({ error }) => error)).toStrictEqual(["cancelled", "cancelled", "cancelled"]);
      });

      check("of what has completed does nothing", [], async (bench) => {
        const port = await bench.port(inEndpoint, inOnly);
        const sent = port.submit({ lengths: 8, frames: 4 });
        await sent.completion;
        port.cancel(sent);
        await bench.rig.pause();
        expect(sent.submission.cancelled).toBe(false);
      });

      if (gaps["cancel-transfer"] !== undefined && gaps.cancel === undefined) {
        check("without cancel-transfer: cancelling one cancels all on the pipe", [], async (bench) => {
          const port = await bench.port(inEndpoint, both);
          const [first, second] = [0, 1].map(() => port.submit({ lengths: port.maxFrameLength, frames: 4000 }));
          if (first === undefined || second === undefined) throw new Error("not submitted");
          port.cancel(second);
          await port.drained();
          expect([first.submission.cancelled, second.submission.cancelled]).toStrictEqual([true, true]);
        });
      }

      checkWithout("cancel", "an aborted transfer runs to its end", async (bench) => {
        const session = await bench.session(inEndpoint, inOnly);
        const transfer = session.issue({ lengths: session.endpoint.maxFrameLength, frames: 100 });
        transfer.abort();
        const results = await completionOf(transfer);
        expect(results.served).toBe(100);
        bench.expectCounters([results]);
      });
    });

    describe("teardown", () => {
      check("close-in-flight", [], async (bench) => {
        const session = await bench.session(inEndpoint, inOnly);
        const transfers = [0, 1, 2, 3].map(() => session.issue({ lengths: 8, frames: 200 }));
        const released = transfers.map((transfer) => done(transfer.released));
        await done(session.close());
        await Promise.all(released);
        expect(await codeOf(() => session.issue({ lengths: 8, frames: 1 }))).toBe("pipe-closed");
      });

      check("close-transfer-in-flight: nothing is emitted, the buffer comes back", [], async (bench) => {
        const session = await bench.session(inEndpoint, inOnly);
        const transfer = session.issue({ lengths: 8, frames: 200 });
        let emitted = 0;
        transfer.completion.subscribe(() => emitted++);
        transfer.close();
        await done(transfer.released);
        expect(emitted).toBe(0);
        expect(await codeOf(() => transfer.status())).toBe("transfer-closed");
      });

      check("close-after-cancel", [], async (bench) => {
        const session = await bench.session(inEndpoint, inOnly);
        const transfers = [0, 1, 2].map(() => session.issue({ lengths: 8, frames: 200 }));
        const completions = transfers.map(completionOf);
        session.abort();
        await done(session.close());
        expect(await Promise.all(completions)).toHaveLength(3);
      });

      check("double-close", [], async (bench) => {
        const device = await bench.device();
        const session = await bench.session(inEndpoint, inOnly, device);
        void session.issue({ lengths: 8, frames: 50 });
        await Promise.all([done(session.close()), done(session.close()), done(device.close()), done(device.close())]);
        await done(session.close());
        await done(device.close());
      });

      check("close-device-in-flight", [], async (bench) => {
        const device = await bench.device();
        const session = await bench.session(inEndpoint, inOnly, device);
        const transfer = session.issue({ lengths: 8, frames: 200 });
        const released = done(transfer.released);
        await done(device.close());
        await released;
      });

      check("unsubscribe-while-streaming, at once and from within a result", [], async (bench) => {
        const pipe = bench.pipe();
        pipe.results({ frames: 4 }).subscribe().unsubscribe();
        await done(pipe.closing);
        expect(await lastValueFrom(pipe.results({ frames: 4 }).pipe(take(3), toArray()))).toHaveLength(3);
        await done(pipe.closing);
      });

      check("reopen-after-close, again and again, without waiting", [], async (bench) => {
        const pipe = bench.pipe();
        for (let i = 0; i < 8; i++) {
          bench.expectCounters(await lastValueFrom(pipe.results({ frames: 4, queue: 3 }).pipe(take(2), toArray())));
        }
      });

      check("release-with-an-alternate-selected leaves nothing selected", [], async (bench) => {
        const device = await firstValueFrom(bench.transport.open(bench.rig.selector));
        await done(device.claimInterface(0));
        await done(device.selectAlternate(0, inOnly));
        await done(device.releaseInterface(0));
        await done(device.close());
        expect((await firstValueFrom(bench.pipe().results({ frames: 4 }))).length).toBe(4);
      });
    });

    describe("unplug", () => {
      check("unplug-while-streaming: device-gone, after what had arrived", ["hotplug"], async (bench) => {
        const results: IsochResults[] = [];
        const code = await new Promise<string>((resolve) => {
          bench
            .pipe()
            .results({ frames: 8 })
            .subscribe({
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
        const session = await bench.session(inEndpoint, inOnly);
        const transfers = [0, 1, 2].map(() => session.issue({ lengths: 8, frames: 4000 }));
        const completions = transfers.map(completionOf);
        await bench.detach();
        for (const { error } of await Promise.all(completions)) expect(error).toBe("device-not-responding");
        expect(await codeOf(() => session.issue({ lengths: 8, frames: 1 }))).toBe("device-gone");
      });

      check("unplug-while-draining", ["hotplug"], async (bench) => {
        const session = await bench.session(inEndpoint, inOnly);
        const transfers = [0, 1, 2].map(() => session.issue({ lengths: 8, frames: 400 }));
        const released = transfers.map((transfer) => done(transfer.released));
        const closed = done(session.close());
        await bench.detach();
        await Promise.all(released);
        await closed;
      });

      check("unplug-while-idle: device-gone for whatever is asked", ["hotplug"], async (bench) => {
        const device = await bench.device();
        const session = await bench.session(inEndpoint, inOnly, device);
        await bench.detach();
        await bench.rig.pause();
        expect(await codeOf(async () => completionOf(session.issue({ lengths: 8, frames: 1 })))).toBe("device-gone");
        expect(await codeOf(device.controlTransfer(getDeviceDescriptor, 18))).toBe("device-gone");
      });

      check(
        "unplug-while-idle: the device, a session and the operator issue hear of it",
        ["hotplug"],
        async (bench) => {
          const handle = await firstValueFrom(bench.transport.open(bench.rig.selector));
          bench.atEnd(() => done(handle.close()));
          const device = await bench.device();
          const session = await bench.session(inEndpoint, both, device);
          const issuing = codeOf(NEVER.pipe(issue(isochPipe(device, { endpoint: outEndpoint, alternate: both }))));
          await bench.rig.pause();
          expect(session.failure).toBeUndefined();
          void bench.detach();
          expect((await firstValueFrom(handle.gone)).code).toBe("device-gone");
          expect((await firstValueFrom(session.failed)).code).toBe("device-gone");
          expect(session.failure?.code).toBe("device-gone");
          expect(await issuing).toBe("device-gone");
          expect(
            await lastValueFrom(
              handle.gone.pipe(
                map(({ code }) => code),
                toArray(),
              ),
            ),
          ).toStrictEqual(["device-gone"]);
        },
      );

      check("no unplug: what tells of it completes with the close, without a value", [], async (bench) => {
        const handle = await firstValueFrom(bench.transport.open(bench.rig.selector));
        const told = lastValueFrom(handle.gone.pipe(toArray()));
        await done(handle.close());
        expect(await told).toStrictEqual([]);
      });

      check("unplug-and-close-in-one-turn, both ways round", ["hotplug"], async (bench) => {
        const session = await bench.session(inEndpoint, inOnly);
        void session.issue({ lengths: 8, frames: 400 });
        await bench.detach();
        await done(session.close());
      });

      check("another device goes on when one is unplugged", ["hotplug"], async (bench) => {
        const other = await bench.attach();
        const pipe = bench.pipe(both, other);
        const results = lastValueFrom(pipe.results({ frames: 8 }).pipe(take(20), toArray()));
        await bench.detach();
        bench.expectCounters(await results);
      });
    });

    describe("blocking", () => {
      check("wait returns when the transfer has completed", ["blocking"], async (bench) => {
        const session = await bench.session(inEndpoint, inOnly);
        const lengths = session.endpoint.maxFrameLength;
        const [first, second, third] = [20, 20, 400].map((frames) => session.issue({ lengths, frames }));
        second?.wait();
        expect([first, second, third].map((transfer) => transfer?.isComplete)).toStrictEqual([true, true, false]);
        third?.wait();
        third?.wait();
        const results = [first, second, third].flatMap((transfer) =>
          transfer === undefined ? [] : transfer.results(),
        );
        bench.expectCounters(results);
      });

      check("wait works from within a completion", ["blocking"], async (bench) => {
        const port = await bench.port(inEndpoint, both);
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
        const session = await bench.session(inEndpoint, inOnly);
        const transfer = session.issue({ lengths: 8, frames: 4 });
        expect(await codeOf(() => transfer.wait())).toBe("unsupported");
      });
    });

    describe("DMA buffers", () => {
      check("data moves in them, both ways", ["dma"], async (bench) => {
        const device = await bench.device();
        const reader = await bench.session(inEndpoint, both, device);
        const writer = await bench.session(outEndpoint, both, device);
        const lengths = reader.endpoint.maxFrameLength;
        const received = reader.allocateDma(8 * lengths);
        const sending = writer.allocateDma(16 * 64);
        bench.atEnd(() => {
          for (const buffer of [received, sending, sending]) buffer.free();
        });
        expect(received.address).not.toBe(0);
        expect(sending.address).not.toBe(0);
        expect(received.address).not.toBe(sending.address);
        sending.bytes.set(counterRequest(0, sameLength(16)).buffer);
        const writing = completionOf(writer.issue({ lengths: 64, frames: 16, dma: sending }));
        bench.expectCounters([await completionOf(reader.issue({ lengths, frames: 8, dma: received }))]);
        await writing;
        expect(readCounter(received.bytes, lengths)).toBe((readCounter(received.bytes) ?? NaN) + 1);
        expect(await statisticsOf(device)).toStrictEqual({ packets: 16, mismatches: 0, short: 0 });
      });

      check("a size that cannot be: invalid-number", ["dma"], async (bench) => {
        const session = await bench.session(inEndpoint, inOnly);
        for (const size of [NaN, -1, 0, 1.5, Infinity, 2 ** 40]) {
          expect(await codeOf(() => session.allocateDma(size))).toBe("invalid-number");
        }
      });

      checkWithout("dma", "refused as unsupported", async (bench) => {
        const session = await bench.session(inEndpoint, inOnly);
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
        index: inEndpoint,
      };
      const getStatus: ControlSetup = { ...halt, direction: "in", request: 0 };

      check("halted: every frame reads stall, until the halt is cleared", ["halt"], async (bench) => {
        const device = await bench.device();
        const session = await bench.session(inEndpoint, inOnly, device);
        const lengths = session.endpoint.maxFrameLength;
        await done(device.controlTransfer(halt, new Uint8Array(0)));
        expect([...(await firstValueFrom(device.controlTransfer(getStatus, 2)))]).toStrictEqual([1, 0]);
        const stalled = await completionOf(session.issue({ lengths, frames: 6 }));
        expect(stalled.error).toBe("isoch");
        expect(Array.from(stalled.statuses, statusOf)).toStrictEqual(new Array(6).fill("stall"));
        expect(stalled.bytesTransferred).toBe(0);
        await done(device.clearHalt(inEndpoint));
        expect([...(await firstValueFrom(device.controlTransfer(getStatus, 2)))]).toStrictEqual([0, 0]);
        bench.expectCounters([await completionOf(session.issue({ lengths, frames: 6 }))]);
      });

      check("reset-in-flight: transfers complete first, as cancelled", ["reset"], async (bench) => {
        const device = await bench.device();
        const session = await bench.session(inEndpoint, inOnly, device);
        const transfers = [0, 1].map(() => session.issue({ lengths: 8, frames: 4000 }));
        const outcomes: string[] = [];
        for (const transfer of transfers) transfer.completion.subscribe(({ error }) => outcomes.push(error));
        await done(device.reset());
        expect(outcomes).toStrictEqual(["cancelled", "cancelled"]);
      });

      check("reset-while-streaming: the stream errors, and can be opened again", ["reset"], async (bench) => {
        const device = await bench.device();
        const pipe = isochPipe(device, { endpoint: inEndpoint });
        let results = 0;
        const code = await new Promise<string>((resolve) => {
          pipe.results({ frames: 4 }).subscribe({
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
        expect((await firstValueFrom(pipe.results({ frames: 4 }))).served).toBe(4);
        await done(pipe.closing);
      });
    });
  });
}

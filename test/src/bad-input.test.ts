import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  concat,
  concatMap,
  defer,
  delay,
  EMPTY,
  from,
  ignoreElements,
  map,
  NEVER,
  of,
  Subject,
  type Observable,
} from "rxjs";
import { describe, expect, it } from "vitest";
import {
  IsochError,
  isochPipe,
  openDevice,
  type ControlSetup,
  type IsochRequest,
  type IsochResults,
  type IsochTransfer,
  type IsochTransport,
  type PipeSelector,
  type PipeSession,
  type StreamOptions,
  type UsbDevice,
} from "../../src/index.js";
import {
  close,
  issue,
  packetize,
  throughput,
  type IssueOptions,
  type PacketizeOptions,
} from "../../operators/index.js";
import { toReadableStream } from "../../operators/streams/index.js";
import {
  concatenate,
  encodeConfiguration,
  encodeIsochEndpoint,
  encodeVendorInterface,
} from "../../transports/virtual/descriptors.js";
import { counterDevice, counterProtocol, type VirtualDevice } from "../../transports/virtual/index.js";
import { marbleBus } from "../../transports/virtual/testing/index.js";
import { root } from "../support/entries.js";
import { expectClean, inPipe, marbleLab, outPipe } from "../support/marble-lab.js";
import { marbles } from "../support/marbles.js";
import { ObservedDevice, observedIds } from "../support/observed-device.js";
import { failure, plain, plainErrors, thrown, type PlainError } from "../support/plain-error.js";
import { strictTransport } from "../support/strict-transport.js";

type MarbleContext = Parameters<typeof marbleLab>[0] & {
  expect: (actual: Observable<unknown>) => {
    toBeObservable: (expected: string, values?: Record<string, unknown>, error?: unknown) => void;
  };
};

/** Results as they can be written in a diagram: first frame, frames that had their turn, outcome. */
const brief = map(({ firstFrame, served, error }: IsochResults) => [firstFrame, served, error]);

const goodIn: IsochRequest = { lengths: 64, frames: 4 };
const goodOut: IsochRequest = { lengths: 64, frames: 4, buffer: new Uint8Array(256) };

/** Issues requests as they come, and closes each transfer. */
function issued(
  transport: IsochTransport,
  selector: PipeSelector,
  requests: Observable<unknown>,
  options?: IssueOptions,
): Observable<readonly unknown[]> {
  return defer(() =>
    (requests as Observable<IsochRequest>).pipe(
      issue(isochPipe(transport, selector), options),
      close(),
      brief,
      plainErrors(),
    ),
  );
}

/** The IN pipe of a lab, opened now. */
function opened(transport: IsochTransport) {
  let session: PipeSession | undefined;
  const subscription = isochPipe(transport, inPipe)
    .open()
    .subscribe((each) => (session = each));
  if (session === undefined) throw new Error("the pipe was not opened");
  return { session, subscription };
}

/** A request that is refused after one that is in flight: that one is delivered, then the error comes. */
function refusedRequest(bad: unknown, expected: PlainError, selector: PipeSelector = inPipe) {
  return marbles((m: MarbleContext) => {
    const lab = marbleLab(m);
    const good = selector === inPipe ? goodIn : goodOut;
    const results = issued(lab.transport, selector, of(good, bad, good));
    m.expect(results).toBeObservable("----(g#)", { g: [0, 4, "ok"] }, expected);
    lab.finish();
  });
}

describe("a request that is refused: what was in flight is delivered, and nothing stays open", () => {
  it(
    "zero frames",
    refusedRequest({ lengths: [] }, failure("InvalidRequestError", "no-frames", "needs at least one frame")),
  );

  it(
    "a length above the endpoint's maximum",
    refusedRequest(
      { lengths: [64, 65] },
      failure("InvalidRequestError", "length-out-of-range", "lengths[1]", "from 1 to 64", "alternate setting 1"),
    ),
  );

  it(
    "zero length",
    refusedRequest({ lengths: 0, frames: 4 }, failure("InvalidRequestError", "length-out-of-range", "from 1 to 64")),
  );

  it(
    "lengths that do not add up to the buffer, IN",
    refusedRequest(
      { lengths: [64, 64], buffer: new Uint8Array(127) },
      failure("InvalidRequestError", "length-mismatch", "add up to 128 bytes", "the buffer has 127"),
    ),
  );

  it(
    "lengths that do not add up to the buffer, OUT",
    refusedRequest(
      { lengths: [64, 64], buffer: new Uint8Array(129) },
      failure("InvalidRequestError", "length-mismatch", "add up to 128 bytes", "the buffer has 129"),
      outPipe,
    ),
  );

  it(
    "no buffer, OUT",
    refusedRequest(
      { lengths: [64, 64] },
      failure("InvalidRequestError", "length-mismatch", "needs a buffer with the 128 bytes"),
      outPipe,
    ),
  );

  it(
    "a start frame before the end of what is queued",
    refusedRequest(
      { ...goodIn, start: 3 },
      failure("InvalidRequestError", "start-overlap", "frame 3", "end of what is queued, 4", "as soon as possible"),
    ),
  );

  it(
    "compaction on OUT",
    refusedRequest(
      { ...goodOut, compact: true },
      failure("InvalidRequestError", "compact-out", "leave compact out"),
      outPipe,
    ),
  );

  it(
    "compaction with a DMA buffer",
    marbles((m: MarbleContext) => {
      const lab = marbleLab(m);
      const { session, subscription } = opened(lab.transport);
      const dma = session.allocateDma(256);
      const transfer = session.issue({ ...goodIn, dma });
      const expected = failure("InvalidRequestError", "compact-with-dma", "leave out compact or dma");
      expect(thrown(() => session.issue({ ...goodIn, dma, compact: true }))).toStrictEqual(expected);
      expect(thrown(() => transfer.compact())).toStrictEqual(expected);
      lab.at(6, () => {
        expect(transfer.status()).toStrictEqual({ bytesTransferred: transfer.results().bytesTransferred, error: "ok" });
        dma.free();
        subscription.unsubscribe();
      });
      lab.finish();
    }),
  );

  it(
    "a start frame in the past",
    marbles((m: MarbleContext) => {
      const lab = marbleLab(m);
      const requests = concat(of(goodIn), of({ ...goodIn, start: 5 }).pipe(delay(6, m.scheduler)));
      m.expect(issued(lab.transport, inPipe, requests)).toBeObservable(
        "----g-#",
        { g: [0, 4, "ok"] },
        failure("InvalidRequestError", "start-in-past", "frame 5 has passed", "the bus is at 6", "start later"),
      );
      lab.finish();
    }),
  );

  it(
    "a start far in the future is no error",
    marbles((m: MarbleContext) => {
      const lab = marbleLab(m);
      const requests = of(goodIn, { ...goodIn, start: 1000 });
      m.expect(issued(lab.transport, inPipe, requests)).toBeObservable("----g 999ms (h|)", {
        g: [0, 4, "ok"],
        h: [1000, 4, "ok"],
      });
      lab.finish();
    }),
  );

  it(
    "a start that will never come is no error, and can be cancelled",
    marbles((m: MarbleContext) => {
      const lab = marbleLab(m);
      const seen: unknown[] = [];
      const subscription = issued(
        lab.transport,
        inPipe,
        of(goodIn, { ...goodIn, start: Number.MAX_SAFE_INTEGER }),
      ).subscribe((each) => seen.push(each));
      lab.at(10, () => {
        expect(lab.bus.audit().inFlight).toBe(1);
        subscription.unsubscribe();
      });
      lab.finish();
      expect(seen).toStrictEqual([[0, 4, "ok"]]);
    }),
  );

  it(
    "more requests than the backlog holds",
    marbles((m: MarbleContext) => {
      const lab = marbleLab(m);
      const requests = from(Array<unknown>(10).fill(goodIn));
      m.expect(issued(lab.transport, inPipe, requests, { queue: 2, backlog: 3 })).toBeObservable(
        "----g---(h#)",
        { g: [0, 4, "ok"], h: [4, 4, "ok"] },
        failure("OverflowError", "backlog-full", "3 requests wait", "at the pace of the bus"),
      );
      lab.finish();
    }),
  );
});

describe("a pipe that is refused: nothing is opened, or what was is closed", () => {
  /** Every way of using a pipe errors with this, and leaves nothing behind. */
  function refusedPipe(selector: PipeSelector, expected: PlainError, device: VirtualDevice = new ObservedDevice()) {
    return marbles((m: MarbleContext) => {
      const bus = marbleBus(m.scheduler, { devices: [device] });
      const transport = strictTransport(bus);
      const pipe = isochPipe(transport, selector);
      m.expect(pipe.pipe(plainErrors())).toBeObservable("#", {}, expected);
      m.flush();
      m.expect(pipe.results().pipe(plainErrors())).toBeObservable("#", {}, expected);
      m.flush();
      m.expect(pipe.open().pipe(plainErrors())).toBeObservable("#", {}, expected);
      m.flush();
      m.expect(issued(transport, selector, of(goodIn))).toBeObservable("#", {}, expected);
      m.flush();
      expectClean(bus, transport);
      expect(bus.audit().submitted).toBe(0);
    });
  }

  it(
    "an endpoint that the device does not have",
    refusedPipe(
      { ...observedIds, endpoint: 0x82 },
      failure("EndpointError", "no-such-endpoint", "no endpoint 0x82", "its isochronous endpoints are 0x81"),
    ),
  );

  it(
    "an interface that does not have the endpoint",
    refusedPipe(
      { ...inPipe, interfaceNumber: 1 },
      failure("EndpointError", "no-such-endpoint", "0x81 in interface 1", "0x81 (interface 0"),
    ),
  );

  it(
    "an endpoint that is not in the alternate setting",
    refusedPipe(
      { ...inPipe, alternate: 0 },
      failure("EndpointError", "not-in-alternate", "alternate setting 0", "these have it", "alternate settings 1"),
    ),
  );

  it(
    "an endpoint that is not isochronous",
    refusedPipe(
      { endpoint: 0x82 },
      failure("EndpointError", "not-isochronous", "0x82 is a bulk endpoint"),
      configured(
        encodeVendorInterface(0, 0, 1),
        // A bulk endpoint of 64 bytes.
        Uint8Array.of(7, 5, 0x82, 2, 64, 0, 0),
      ),
    ),
  );

  it(
    "a device that is not there",
    refusedPipe({ ...inPipe, vendorId: 0xffff }, failure("DeviceError", "no-such-device", "attach one")),
  );

  it(
    "results() of an OUT pipe",
    marbles((m: MarbleContext) => {
      const lab = marbleLab(m);
      const expected = failure("EndpointError", "wrong-direction", "receiving", "needs an IN endpoint", "0x1 is OUT");
      m.expect(isochPipe(lab.transport, outPipe).results().pipe(plainErrors())).toBeObservable("#", {}, expected);
      m.expect(isochPipe(lab.transport, outPipe).pipe(plainErrors())).toBeObservable("#", {}, expected);
      lab.finish();
    }),
  );

  it(
    "an underrun policy on an IN pipe",
    marbles((m: MarbleContext) => {
      const lab = marbleLab(m);
      m.expect(issued(lab.transport, inPipe, of(goodIn), { underrun: "zero-length" })).toBeObservable(
        "#",
        {},
        failure("EndpointError", "wrong-direction", "underrun policy needs an OUT endpoint", "0x81 is IN"),
      );
      lab.finish();
      expect(lab.device.asked).toStrictEqual([]);
    }),
  );

  it(
    "a second subscriber on an exclusive pipe, which costs the first nothing",
    marbles((m: MarbleContext) => {
      const lab = marbleLab(m);
      const pipe = isochPipe(lab.transport, inPipe);
      const busy = failure("BusyError", "pipe-busy", "share()");
      const first = concat(of(goodIn), NEVER.pipe(delay(0, m.scheduler)));
      const seen: unknown[] = [];
      const subscription = first.pipe(issue(pipe), close(), brief).subscribe((each) => seen.push(each));
      m.expect(of(goodIn).pipe(issue(pipe), close(), plainErrors())).toBeObservable("#", {}, busy);
      m.expect(pipe.results().pipe(plainErrors())).toBeObservable("#", {}, busy);
      lab.at(6, () => {
        expect(seen).toStrictEqual([[0, 4, "ok"]]);
        subscription.unsubscribe();
      });
      lab.finish();
    }),
  );

  it(
    "an interface that another handle has claimed",
    marbles((m: MarbleContext) => {
      const lab = marbleLab(m);
      const seen: unknown[] = [];
      const subscription = isochPipe(lab.transport, inPipe)
        .results({ frames: 4, queue: 1 })
        .pipe(brief)
        .subscribe((each) => seen.push(each));
      m.expect(issued(lab.transport, outPipe, of(goodOut))).toBeObservable(
        "#",
        {},
        failure("BusyError", "interface-busy", "interface 0", "close it there first"),
      );
      lab.at(9, () => {
        subscription.unsubscribe();
      });
      lab.finish();
      expect(seen).toStrictEqual([
        [0, 4, "ok"],
        [4, 4, "ok"],
      ]);
    }),
  );

  it(
    "bandwidth exceeded, which costs the pipe that has it nothing",
    marbles((m: MarbleContext) => {
      const devices = ["one", "two"].map((serialNumber) => counterDevice({ speed: "full", serialNumber }));
      const bus = marbleBus(m.scheduler, { devices });
      const transport = strictTransport(bus);
      const [one, two] = ["one", "two"].map((serialNumber) =>
        isochPipe(transport, { serialNumber, endpoint: counterProtocol.inEndpoint }),
      );
      const seen: unknown[] = [];
      const subscription = one
        ?.results({ frames: 2, queue: 2 })
        .pipe(brief)
        .subscribe((each) => seen.push(each));
      const refused = two?.results().pipe(plainErrors()) ?? EMPTY;
      m.expect(refused).toBeObservable(
        "#",
        {},
        failure("BandwidthError", "bandwidth-exceeded", "choose a smaller alternate setting", "close another pipe"),
      );
      m.scheduler.schedule(() => {
        subscription?.unsubscribe();
      }, 5);
      m.flush();
      expect(seen).toStrictEqual([
        [0, 2, "ok"],
        [2, 2, "ok"],
      ]);
      expectClean(bus, transport);
    }),
  );
});

describe("a transfer in the wrong state", () => {
  /** Does something to the first of two transfers while both are in flight; the second is not touched by it. */
  function whilePending(act: (transfer: IsochTransfer) => void) {
    return marbles((m: MarbleContext) => {
      const lab = marbleLab(m);
      const transfers: IsochTransfer[] = [];
      const subscription = of(goodIn, goodIn)
        .pipe(issue(isochPipe(lab.transport, inPipe)))
        .subscribe((transfer) => transfers.push(transfer));
      const [first, second] = transfers;
      if (first === undefined || second === undefined) throw new Error("not issued");
      act(first);
      lab.finish();
      expect(subscription.closed).toBe(true);
      expect(second.results()).toMatchObject({ served: 4, error: "ok" });
    });
  }

  it(
    "results on a pending transfer",
    whilePending((transfer) => {
      expect(thrown(() => transfer.results())).toStrictEqual(
        failure("TransferStateError", "transfer-pending", "wait for its completion", "isComplete"),
      );
    }),
  );

  it(
    "results and close on a closed transfer",
    whilePending((transfer) => {
      transfer.close();
      const closed = failure("TransferStateError", "transfer-closed", "the transfer was closed", "results are gone");
      expect(thrown(() => transfer.results())).toStrictEqual(closed);
      expect(thrown(() => transfer.status())).toStrictEqual(closed);
      expect(
        thrown(() => {
          transfer.close();
        }),
      ).toStrictEqual(closed);
      transfer.abort();
    }),
  );

  it(
    "a request on a pipe that was closed",
    marbles((m: MarbleContext) => {
      const lab = marbleLab(m);
      const { session, subscription } = opened(lab.transport);
      const transfer = session.issue(goodIn);
      lab.at(2, () => {
        subscription.unsubscribe();
        expect(thrown(() => session.issue(goodIn))).toStrictEqual(
          failure("TransferStateError", "pipe-closed", "open it again"),
        );
      });
      lab.finish();
      expect(transfer.results()).toMatchObject({ error: "cancelled", served: 2 });
    }),
  );
});

/** A device with this configuration and nothing behind it. */
function configured(...parts: readonly Uint8Array[]): VirtualDevice {
  const { deviceDescriptor } = new ObservedDevice();
  return {
    speed: "full",
    deviceDescriptor,
    configurationDescriptor: encodeConfiguration(1, ...parts),
    endpoint: () => ({ direction: "in", produce: () => 0 }),
  };
}

describe("a hostile device", () => {
  const isochronous = (maxPacketSize: number, interval = 1) =>
    configured(
      encodeVendorInterface(0, 0, 0),
      encodeVendorInterface(0, 1, 1),
      encodeIsochEndpoint(0x81, maxPacketSize, interval),
    );

  it.each<[string, VirtualDevice, PlainError]>([
    ["bInterval 0", isochronous(64, 0), failure("DescriptorError", "bad-descriptor", "1 to 16, not 0")],
    ["bInterval 255", isochronous(64, 255), failure("DescriptorError", "bad-descriptor", "1 to 16, not 255")],
    [
      "a packet larger than any",
      isochronous(0x7ff),
      failure("DescriptorError", "bad-descriptor", "1023 bytes, not 2047", "the device's descriptor is wrong"),
    ],
    [
      "no room in any packet",
      isochronous(0),
      failure("InvalidRequestError", "length-out-of-range", "moves no bytes", "choose another alternate setting"),
    ],
    [
      "no interface at all",
      configured(),
      failure("EndpointError", "no-such-endpoint", "it has no isochronous endpoints"),
    ],
  ])("with %s makes the pipe fail, and stays closed", (_, device, expected) => {
    marbles((m: MarbleContext) => {
      const bus = marbleBus(m.scheduler, { devices: [device] });
      const transport = strictTransport(bus);
      const seen: unknown[] = [];
      isochPipe(transport, { endpoint: 0x81 }).subscribe({ error: (error: unknown) => seen.push(plain(error)) });
      m.flush();
      expect(seen).toStrictEqual([expected]);
      expectClean(bus, transport);
    })();
  });

  it.each<[string, (whole: Uint8Array) => Uint8Array]>([
    ["cut off", (whole) => whole.subarray(0, whole.length - 3)],
    ["empty", () => new Uint8Array(0)],
    [
      "with a descriptor of no length",
      (whole) => concatenate(whole.subarray(0, 9), new Uint8Array(whole.length - 10), Uint8Array.of(1)),
    ],
    ["of another type", (whole) => Uint8Array.from(whole, (byte, i) => (i === 1 ? 4 : byte))],
  ])("whose configuration is %s is not attached, and does not disturb others", (_, damage) => {
    marbles((m: MarbleContext) => {
      const lab = marbleLab(m);
      const device = new ObservedDevice();
      const hostile: VirtualDevice = {
        speed: "full",
        deviceDescriptor: device.deviceDescriptor,
        configurationDescriptor: damage(device.configurationDescriptor),
        endpoint: () => undefined,
      };
      m.expect(issued(lab.transport, inPipe, of(goodIn))).toBeObservable("----(g|)", { g: [0, 4, "ok"] });
      lab.at(2, () => {
        expect(thrown(() => lab.bus.attach(hostile))).toStrictEqual(failure("DescriptorError", "bad-descriptor"));
      });
      lab.finish();
    })();
  });
});

const badNumbers: readonly unknown[] = [
  Number.NaN,
  -1,
  1.5,
  1e300,
  2 ** 53,
  Infinity,
  -Infinity,
  "8",
  "",
  "many",
  null,
  true,
  {},
  [4],
];

/** What a bad number in one option makes go wrong. */
interface NumericOption {
  /** `Interface.option`, or `call(argument)`. */
  readonly name: string;
  /** Whether a value means something here, or reads as left out. */
  readonly takes?: (value: unknown) => boolean;
  readonly use: (value: unknown, transport: IsochTransport) => Observable<unknown>;
}

const setup: ControlSetup = {
  direction: "in",
  type: "standard",
  recipient: "device",
  request: 6,
  value: 256,
  index: 0,
};

/** Whether the option is of a request that comes after a good one. */
function isAfterGood(name: string): boolean {
  return name.startsWith("IsochRequest.");
}

function withRequest(option: (value: unknown) => unknown): NumericOption["use"] {
  return (value, transport) => issued(transport, inPipe, of(goodIn, option(value)));
}

function withStream(option: keyof StreamOptions): NumericOption["use"] {
  return (value, transport) => isochPipe(transport, inPipe).results({ [option]: value });
}

function withSelector(option: keyof PipeSelector): NumericOption["use"] {
  return (value, transport) => isochPipe(transport, { ...inPipe, [option]: value });
}

function withDevice(use: (device: UsbDevice, value: unknown) => Observable<unknown>): NumericOption["use"] {
  return (value, transport) => openDevice(transport, observedIds).pipe(concatMap((device) => use(device, value)));
}

function withPackets(option: string, others: object): NumericOption["use"] {
  return (value) =>
    defer(() => of(new Uint8Array(1)).pipe(packetize({ ...others, [option]: value } as unknown as PacketizeOptions)));
}

const rated = { sampleRate: 48_000, sampleSize: 4 };

const numericOptions: readonly NumericOption[] = [
  { name: "IsochRequest.lengths", use: withRequest((lengths) => ({ lengths, frames: 1 })), takes: Array.isArray },
  { name: "IsochRequest.lengths[1]", use: withRequest((length) => ({ lengths: [64, length] })) },
  { name: "IsochRequest.frames", use: withRequest((frames) => ({ lengths: 64, frames })) },
  { name: "IsochRequest.frames, with a list", use: withRequest((frames) => ({ lengths: [64], frames })) },
  { name: "IsochRequest.start", use: withRequest((start) => ({ ...goodIn, start })) },
  { name: "StreamOptions.frameLength", use: withStream("frameLength") },
  { name: "StreamOptions.frames", use: withStream("frames") },
  { name: "StreamOptions.queue", use: withStream("queue") },
  { name: "StreamOptions.ring", use: withStream("ring") },
  { name: "StreamOptions.batch", use: withStream("batch") },
  { name: "StreamOptions.start", use: withStream("start") },
  { name: "EndpointSelector.endpoint", use: withSelector("endpoint") },
  { name: "EndpointSelector.interfaceNumber", use: withSelector("interfaceNumber") },
  { name: "EndpointSelector.alternate", use: withSelector("alternate") },
  {
    name: "IssueOptions.queue",
    use: (queue, transport) => issued(transport, inPipe, of(goodIn), { queue } as IssueOptions),
    takes: (value) => value === null,
  },
  {
    name: "IssueOptions.backlog",
    use: (backlog, transport) => issued(transport, inPipe, of(goodIn), { backlog } as IssueOptions),
    takes: (value) => value === null,
  },
  { name: "ConstantPackets.frameLength", use: withPackets("frameLength", {}) },
  { name: "ConstantPackets.frames", use: withPackets("frames", { frameLength: 64 }) },
  { name: "RatedPackets.sampleRate", use: withPackets("sampleRate", rated) },
  { name: "RatedPackets.sampleSize", use: withPackets("sampleSize", rated) },
  { name: "RatedPackets.frameDuration", use: withPackets("frameDuration", rated) },
  { name: "RatedPackets.frames", use: withPackets("frames", rated) },
  {
    name: "ThroughputOptions.window",
    use: (window) => defer(() => EMPTY.pipe(throughput({ window: window as number }))),
  },
  {
    name: "WaitingOptions.queue",
    use: (queue) => defer(() => from([toReadableStream(EMPTY, { queue: queue as number })]).pipe(ignoreElements())),
    takes: (value) => value === null,
  },
  {
    name: "IsochResults.frame(index)",
    use: (index, transport) =>
      of(goodIn).pipe(
        issue(isochPipe(transport, inPipe)),
        close(),
        map((results) => results.frame(index as number)),
      ),
  },
  {
    name: "PipeSession.allocateDma(size)",
    use: (size, transport) =>
      isochPipe(transport, inPipe)
        .open()
        .pipe(map((session) => session.allocateDma(size as number))),
  },
  {
    name: "UsbDevice.clearHalt(endpoint)",
    use: withDevice((device, endpoint) => device.clearHalt(endpoint as number)),
  },
  {
    name: "UsbDevice.controlTransfer(data)",
    use: withDevice((device, data) => device.controlTransfer(setup, data as number)),
  },
  ...(["request", "value", "index"] as const).map((field) => ({
    name: `ControlSetup.${field}`,
    use: withDevice((device, value) => device.controlTransfer({ ...setup, [field]: value as number }, 18)),
  })),
];

/** Options that take numbers, as the sources declare them. */
function declaredOptions(): string[] {
  const files = ["src", "operators"].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((file) => file.endsWith(".ts"))
      .map((file) => readFileSync(join(root, folder, file), "utf8")),
  );
  return files.flatMap((source) =>
    Array.from(
      source.matchAll(
        /^export interface (?!Checked)(\w+(?:Options|Selector|Request|Packets|Setup))\b[^{]*\{\n(.*?)^\}/gms,
      ),
    ).flatMap(([, name, body]) =>
      Array.from(
        (body ?? "").matchAll(/^ {2}readonly (\w+)\??: ([^;]*\bnumber\b[^;]*);/gm),
        ([, option]) => `${name}.${option}`,
      ),
    ),
  );
}

describe("a bad number, wherever one goes in", () => {
  it("is tried in every option that takes one", () => {
    const tried = new Set(numericOptions.map(({ name }) => name));
    // These name a device, of which there may be none: asserted below. What a native code is, the layer below says.
    const exempt = ["DeviceSelector.vendorId", "DeviceSelector.productId", "IsochErrorOptions.native"];
    const declared = declaredOptions();
    expect(declared.length).toBeGreaterThan(15);
    expect(declared.filter((name) => !tried.has(name) && !exempt.includes(name))).toStrictEqual([]);
  });

  describe.each(numericOptions)("$name", ({ name, use, takes = () => false }) => {
    const option = /(\w+)(?:\)|\[1\]|, with a list)?$/.exec(name)?.[1] ?? "";

    it.each(badNumbers.filter((value) => !takes(value)))("%o", (value) => {
      marbles((m: MarbleContext) => {
        const lab = marbleLab(m);
        const seen: unknown[] = [];
        let error: unknown;
        defer(() => use(value, lab.transport))
          .pipe(plainErrors())
          .subscribe({ next: (each) => seen.push(each), error: (reason: unknown) => (error = reason) });
        m.flush();
        expect(error).toStrictEqual({
          class: "InvalidRequestError",
          code: expect.stringMatching(/^(invalid-number|length-out-of-range)$/) as string,
          message: expect.stringContaining(option) as string,
        });
        // What was in flight before it was delivered.
        expect(seen).toStrictEqual(isAfterGood(name) ? [[0, 4, "ok"]] : []);
        lab.finish();
      })();
    });
  });

  it.each(["vendorId", "productId"] as const)("DeviceSelector.%s names no device", (option) => {
    for (const value of badNumbers) {
      marbles((m: MarbleContext) => {
        const lab = marbleLab(m);
        const selector = { ...inPipe, [option]: value } as PipeSelector;
        m.expect(isochPipe(lab.transport, selector).pipe(plainErrors())).toBeObservable(
          "#",
          {},
          failure("DeviceError", "no-such-device"),
        );
        lab.finish();
      })();
    }
  });
});

describe("garbage for requests", () => {
  const throwing = (option: string) =>
    Object.defineProperty({ lengths: 64, frames: 4 }, option, {
      get: () => {
        throw new Error("no such thing");
      },
    });
  const sparse: unknown[] = [];
  sparse[1] = 64;
  const notARequest = (value: unknown) =>
    failure("InvalidRequestError", "invalid-option", `a request is an object with lengths, not ${String(value)}`);
  const noLengths = failure("InvalidRequestError", "invalid-number", "lengths must be");
  const notABuffer = failure("InvalidRequestError", "invalid-option", "buffer must be a Uint8Array");
  const notReadable = failure("InvalidRequestError", "invalid-option", "cannot be read: Error: no such thing");

  it.each<[string, unknown, PlainError]>([
    ["null", null, notARequest(null)],
    ["undefined", undefined, notARequest(undefined)],
    ["a number", 64, notARequest(64)],
    ["a string", "64", notARequest("64")],
    ["a function", Math.max, notARequest(Math.max)],
    ["an iterable of null", [null], notARequest(null)],
    ["an iterable of undefined", [undefined], notARequest(undefined)],
    ["a sparse array of requests", Object.assign([], { 1: goodIn }), notARequest(undefined)],
    ["an iterable of numbers", Uint8Array.of(64, 64), notARequest(64)],
    ["an empty object", {}, noLengths],
    ["a date", new Date(0), noLengths],
    ["lengths that are null", { lengths: null }, noLengths],
    ["lengths that are a string", { lengths: "64", frames: 4 }, noLengths],
    [
      "lengths with holes",
      { lengths: sparse },
      failure("InvalidRequestError", "invalid-number", "lengths[0]", "not undefined"),
    ],
    ["lengths that have no length", { lengths: {} }, noLengths],
    [
      "lengths too many to be",
      { lengths: { length: 1e9 } },
      failure("InvalidRequestError", "invalid-number", "number of frames"),
    ],
    ["a buffer that is null", { ...goodIn, buffer: null }, notABuffer],
    ["a buffer that is an array", { ...goodIn, buffer: Array(256).fill(0) }, notABuffer],
    ["a buffer that is an ArrayBuffer", { ...goodIn, buffer: new ArrayBuffer(256) }, notABuffer],
    ["a buffer of words", { ...goodIn, buffer: new Uint16Array(256) }, notABuffer],
    [
      "a DMA buffer that is none",
      { ...goodIn, dma: {} },
      failure("InvalidRequestError", "invalid-option", "allocateDma"),
    ],
    ...["lengths", "frames", "start", "buffer", "compact", "dma"].map((option): [string, unknown, PlainError] => [
      `a getter of ${option} that throws`,
      throwing(option),
      notReadable,
    ]),
    [
      "an iterable that cannot begin",
      {
        [Symbol.iterator]: () => {
          throw new Error("no such thing");
        },
      },
      // Its own error, as any of the source's.
      { class: "Error", code: "none", message: "Error: no such thing" },
    ],
  ])("%s", (_, garbage, expected) => {
    refusedRequest(garbage, expected)();
  });

  it(
    "from an iterable, which is told that nobody wants more",
    marbles((m: MarbleContext) => {
      const lab = marbleLab(m);
      const log: string[] = [];
      const requests = function* () {
        try {
          yield goodIn;
          yield { lengths: [65] };
          log.push("went on");
        } finally {
          log.push("ended");
        }
      };
      m.expect(issued(lab.transport, inPipe, of(requests()))).toBeObservable(
        "----(g#)",
        { g: [0, 4, "ok"] },
        failure("InvalidRequestError", "length-out-of-range", "lengths[0]"),
      );
      lab.finish();
      expect(log).toStrictEqual(["ended"]);
    }),
  );

  it(
    "an error of the source itself comes after what was in flight",
    marbles((m: MarbleContext) => {
      const lab = marbleLab(m);
      const source = new Subject<unknown>();
      const seen: unknown[] = [];
      issued(lab.transport, inPipe, source).subscribe({
        next: (each) => seen.push(each),
        error: (error: unknown) => seen.push(error),
      });
      source.next(goodIn);
      source.error(new RangeError("of the source"));
      expect(seen).toStrictEqual([]);
      lab.finish();
      // The operator `close` cancels what is in flight when its source errors; `issue` waits for it first.
      expect(seen).toStrictEqual([
        [0, 4, "ok"],
        { class: "RangeError", code: "none", message: "RangeError: of the source" },
      ]);
      expect(IsochError.is(seen[1])).toBe(false);
    }),
  );
});

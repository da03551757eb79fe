import { firstValueFrom, lastValueFrom, map, take, timer, toArray, VirtualTimeScheduler } from "rxjs";
import { describe, expect, it } from "vitest";
import {
  frameStatuses,
  InvalidRequestError,
  isochPipe,
  statusOf,
  type FrameStatus,
  type IsochResults,
} from "../../../src/index.js";
import {
  counterDevice,
  readCounter,
  schedulerClock,
  unpacedClock,
  VirtualBus,
  type VirtualFault,
} from "../../../transports/virtual/index.js";
import { marbleBus, type MarbleBusOptions } from "../../../transports/virtual/testing/index.js";
import { ManualClock } from "../../support/manual-clock.js";
import { marbles } from "../../support/marbles.js";
import { failure, plainErrors } from "../../support/plain-error.js";
import { done, RawPort } from "../../support/raw-port.js";
import { scriptedDevice } from "../../support/scripted-device.js";

/** One letter for each status that these tests see. */
const letters: Readonly<Partial<Record<FrameStatus, string>>> = {
  ok: "k",
  crc: "c",
  stall: "s",
  "device-not-responding": "d",
  "data-overrun": "o",
  "not-complete": "-",
};

/** The statuses of a transfer, a letter for each frame. */
function statusesOf({ statuses }: Pick<IsochResults, "statuses">): string {
  return Array.from(statuses, (code) => letters[statusOf(code)] ?? "?").join("");
}

/** A full-speed counter device on a marble bus, and the faults that are planned for it. */
function busWith(
  scheduler: Parameters<typeof marbleBus>[0],
  faults: readonly VirtualFault[],
  options: MarbleBusOptions = {},
) {
  const bus = marbleBus(scheduler, options);
  const device = bus.attach(counterDevice({ speed: "full" }));
  device.inject(...faults);
  const pipe = isochPipe(bus, { endpoint: 0x81, alternate: 1 });
  return { bus, device, pipe };
}

/** What `fault` makes of the twelve frames from 0 on, as three transfers of four. */
async function twelveFrames(...faults: readonly VirtualFault[]): Promise<IsochResults[]> {
  const bus = new VirtualBus({ clock: unpacedClock(), asapDelay: 0 });
  bus.attach(counterDevice({ speed: "full" })).inject(...faults);
  const pipe = isochPipe(bus, { endpoint: 0x81, alternate: 1 });
  return lastValueFrom(pipe.results({ frames: 4, queue: 3 }).pipe(take(3), toArray()));
}

describe("packet faults", () => {
  const endpoint = 0x81;

  it.each(frameStatuses.filter((status) => !["ok", "cancelled", "not-complete", "lost"].includes(status)))(
    "%s: in exactly its frames, and costs no other frame",
    async (status) => {
      const results = await twelveFrames({ type: "packet", endpoint, frame: 5, frames: 2, status });
      const seen = results.flatMap((each) => [...each].map((frame) => frame.status));
      expect(seen).toStrictEqual(Array.from({ length: 12 }, (_, i) => (i === 5 || i === 6 ? status : "ok")));
      const counters = results.flatMap((each) =>
        [...each].flatMap(({ status: own, data }) => (own === "ok" ? [readCounter(data)] : [])),
      );
      expect(counters).toStrictEqual([0, 1, 2, 3, 4, 7, 8, 9, 10, 11]);
      expect(results.map(({ error }) => error)).toStrictEqual(["ok", "isoch", "ok"]);
      expect(results.every(({ lost }) => lost === 0)).toBe(true);
    },
  );

  it.each([
    ["crc", 1023],
    ["bit-stuffing", 1023],
    ["buffer-overrun", 1023],
    ["failed", 1023],
    ["stall", 0],
    ["device-not-responding", 0],
    ["pid-check-failure", 0],
    ["unexpected-pid", 0],
    ["not-accessed", 0],
  ] as const)("%s: %i bytes arrive", async (status, bytes) => {
    const [first] = await twelveFrames({ type: "packet", endpoint, frame: 0, status });
    expect([...(first?.actual ?? [])]).toStrictEqual([bytes, 1023, 1023, 1023]);
  });

  it("a packet that is merely short is good, and as long as was planned", async () => {
    const [first] = await twelveFrames({ type: "packet", endpoint, frame: 1, actual: 100 });
    expect([...(first?.actual ?? [])]).toStrictEqual([1023, 100, 1023, 1023]);
    expect(first?.error).toBe("ok");
    expect(readCounter(first?.frame(1).data ?? new Uint8Array(0))).toBe(1);
  });

  it("never more arrives than was asked, and never what a status without data would bring", async () => {
    const [first] = await twelveFrames(
      { type: "packet", endpoint, frame: 0, actual: 5000 },
      { type: "packet", endpoint, frame: 1, actual: 5000, status: "stall" },
      { type: "packet", endpoint, frame: 2, actual: 0 },
      { type: "packet", endpoint, frame: 3, actual: 7, status: "crc" },
    );
    expect([...(first?.actual ?? [])]).toStrictEqual([1023, 0, 0, 7]);
  });

  it("of two for one frame, the one that was planned last counts", async () => {
    const [first] = await twelveFrames(
      { type: "packet", endpoint, frame: 0, frames: 3, status: "crc" },
      { type: "packet", endpoint, frame: 1, status: "stall" },
    );
    expect(statusesOf(first ?? { statuses: new Uint8Array(0) })).toBe("csck");
  });

  it("at another endpoint changes nothing", async () => {
    const results = await twelveFrames({ type: "packet", endpoint: 0x01, frame: 0, frames: 12, status: "crc" });
    expect(results.map(statusesOf)).toStrictEqual(["kkkk", "kkkk", "kkkk"]);
  });

  it(
    "show in the marbles at their frames",
    marbles((m) => {
      const { pipe } = busWith(m.scheduler, [
        { type: "packet", endpoint, frame: 2, status: "crc" },
        { type: "packet", endpoint, frame: 5, frames: 3, status: "stall" },
      ]);
      const statuses = pipe.results({ frames: 2 }).pipe(map(statusesOf));
      //                       frames 01234567890
      m.expect(statuses, "            ^----------!").toBeObservable("--a-b-c-d-a", {
        a: "kk",
        b: "ck",
        c: "ks",
        d: "ss",
      });
    }),
  );

  it(
    "planned late: from now on, and never in a frame that is over",
    marbles((m) => {
      const { pipe, device } = busWith(m.scheduler, []);
      const statuses = pipe.results({ frames: 8, queue: 2 }).pipe(map(statusesOf));
      m.scheduler.schedule(() => {
        device.inject({ type: "packet", endpoint, frame: 0, frames: 6, status: "crc" });
      }, 3);
      //                       frames 012345678
      m.expect(statuses, "            ^--------!").toBeObservable("--------a", { a: "kkkccckk" });
    }),
  );

  it("a packet to the device that goes wrong does not reach it", async () => {
    const bus = new VirtualBus({ clock: unpacedClock(), asapDelay: 0 });
    const model = counterDevice({ speed: "full" });
    bus.attach(model).inject({ type: "packet", endpoint: 0x01, frame: 1, status: "crc" });
    const port = await RawPort.open(bus, {}, 0x01, 2);
    const { submission } = port.submit({ lengths: 8, frames: 4, buffer: new Uint8Array(32) });
    await port.drained();
    expect(statusesOf(submission)).toBe("kckk");
    expect(model.statistics.packets).toBe(3);
    await port.close();
  });
});

describe("halt", () => {
  it(
    "stalls from its frame on, until it is cleared",
    marbles((m) => {
      const { bus, pipe } = busWith(m.scheduler, [{ type: "halt", endpoint: 0x81, frame: 3 }]);
      const statuses = pipe.results({ frames: 4, queue: 2 }).pipe(map(statusesOf));
      m.scheduler.schedule(() => {
        bus.open({}).subscribe((device) => void done(device.clearHalt(0x81)));
      }, 10);
      //             frames 0123456789012
      m.expect(statuses, "  ^------------!").toBeObservable("----a---b---c", { a: "kkks", b: "ssss", c: "sskk" });
    }),
  );

  it("planned late, for a frame that has passed, happens at once", async () => {
    const clock = new ManualClock();
    const bus = new VirtualBus({ clock, asapDelay: 0 });
    const attachment = bus.attach(counterDevice({ speed: "full" }));
    const port = await RawPort.open(bus, {}, 0x81, 1);
    const { submission } = port.submit({ lengths: 1023, frames: 8 });
    clock.passTo(5000);
    attachment.inject({ type: "halt", endpoint: 0x81, frame: 2 });
    clock.advanceTo(8000);
    expect(statusesOf(submission)).toBe("kkkkksss");
    await port.close();
  });

  it("ends with another selection of the alternate setting", async () => {
    const clock = new ManualClock();
    const bus = new VirtualBus({ clock, asapDelay: 0 });
    bus
      .attach(counterDevice({ speed: "full" }))
      .inject({ type: "halt", endpoint: 0x81, frame: 0 }, { type: "halt", endpoint: 0x81, frame: 9 });
    const first = await RawPort.open(bus, {}, 0x81, 1);
    const halted = first.submit({ lengths: 1023, frames: 4 });
    clock.advanceTo(4000);
    expect(statusesOf(halted.submission)).toBe("ssss");
    await first.close();
    const second = await RawPort.open(bus, {}, 0x81, 1);
    const again = second.submit({ lengths: 1023, frames: 8 });
    clock.advanceTo(12_000);
    expect(statusesOf(again.submission)).toBe("kkkkksss");
    await second.close();
  });

  it("counts in service intervals of the endpoint, with or without a bus clock to read", async () => {
    for (const frameNumber of [true, false]) {
      const clock = new ManualClock();
      const device = scriptedDevice({ interfaces: [[{ address: 0x81, interval: 3 }]] });
      const bus = new VirtualBus({ clock, asapDelay: 0, capabilities: { frameNumber } });
      const attachment = bus.attach(device);
      attachment.inject({ type: "halt", endpoint: 0x81, frame: 2 }, { type: "halt", endpoint: 0x81, frame: 6 });
      const port = await RawPort.open(bus, {}, 0x81, 1);
      const { submission } = port.submit({ lengths: 64, frames: 8 });
      clock.advanceTo(20_000);
      await done(port.device.clearHalt(0x81));
      clock.advanceTo(32_000);
      expect(statusesOf(submission)).toBe("kkssskss");
      await port.close();
    }
  });
});

describe("unplug", () => {
  it(
    "at the beginning of a frame: the frames before it arrive, none from it on",
    marbles((m) => {
      const { pipe, bus } = busWith(m.scheduler, [{ type: "unplug", frame: 6 }]);
      const statuses = pipe.results({ frames: 4, queue: 2 }).pipe(
        map((each) => statusesOf(each).slice(0, each.served)),
        plainErrors(),
      );
      //             frames 0123456
      m.expect(statuses, "  ^--------!").toBeObservable(
        "----a-(b#)",
        { a: "kkkk", b: "kk" },
        failure("DeviceError", "device-gone", "unplugged"),
      );
      m.flush();
      expect(bus.audit()).toMatchObject({ openDevices: 0, claimedInterfaces: 0, inFlight: 0 });
    }),
  );

  it.each([1, 3, 4, 5, 8])("at frame %i, exactly", async (frame) => {
    const clock = new ManualClock();
    const bus = new VirtualBus({ clock, asapDelay: 0 });
    bus.attach(counterDevice({ speed: "full" })).inject({ type: "unplug", frame });
    const port = await RawPort.open(bus, {}, 0x81, 1);
    const sent = [0, 1].map(() => port.submit({ lengths: 1023, frames: 4 }).submission);
    clock.advanceTo(20_000);
    expect(sent.map(statusesOf).join("")).toBe("k".repeat(frame).padEnd(8, "-"));
    expect(sent.map(({ error }) => error?.code)).toStrictEqual(
      [4, 8].map((end) => (frame < end ? "device-gone" : undefined)),
    );
    await port.close();
  });

  it("in microframes at high speed", async () => {
    const clock = new ManualClock();
    const bus = new VirtualBus({ clock, asapDelay: 0 });
    bus.attach(counterDevice()).inject({ type: "unplug", frame: 5 });
    const port = await RawPort.open(bus, {}, 0x81, 1);
    const { submission } = port.submit({ lengths: 3072, frames: 8 });
    clock.advanceTo(1000);
    expect(statusesOf(submission)).toBe("kkkkk---");
    expect(submission.timestamp).toBe(625);
    await port.close();
  });

  it("by hand, between two wakes of the bus: what had arrived by now is kept", async () => {
    const clock = new ManualClock();
    const bus = new VirtualBus({ clock, asapDelay: 0 });
    const attachment = bus.attach(counterDevice({ speed: "full" }));
    const port = await RawPort.open(bus, {}, 0x81, 1);
    const { submission } = port.submit({ lengths: 1023, frames: 8 });
    clock.passTo(3500);
    attachment.detach();
    expect(statusesOf(submission)).toBe("kkk-----");
    expect(submission.error?.code).toBe("device-gone");
    attachment.detach();
    await port.close();
  });
});

describe("host-stall", () => {
  it(
    "nothing is queued meanwhile: what was queued runs dry, and the rest is lost, to the frame",
    marbles((m) => {
      const { pipe } = busWith(m.scheduler, [{ type: "host-stall", frame: 5, frames: 12 }]);
      const seen = pipe
        .results({ frames: 4, queue: 2 })
        .pipe(map(({ firstFrame, lost }) => `${firstFrame} after ${lost}`));
      // 0-3 and 4-7 were queued before the stall, 8-11 in answer to the first; 12-16 find nothing.
      //         frames 01234567890123456789012345
      m.expect(seen, "  ^-------------------------!").toBeObservable("----a------------(bc)d---e", {
        a: "0 after 0",
        b: "4 after 0",
        c: "8 after 0",
        d: "17 after 5",
        e: "21 after 0",
      });
    }),
  );

  it.each([
    [1, 4, 20],
    [2, 4, 20],
    [8, 4, 50],
    [3, 7, 100],
  ])("queue %i × %i frames, a stall of %i: delivered + lost = frames of the bus", (queue, frames, stall) => {
    const scheduler = new VirtualTimeScheduler();
    const bus = new VirtualBus({ clock: schedulerClock(scheduler), asapDelay: 2 });
    bus.attach(counterDevice({ speed: "full" })).inject({ type: "host-stall", frame: 40, frames: stall });
    const results: IsochResults[] = [];
    const subscription = isochPipe(bus, { endpoint: 0x81, alternate: 1 })
      .results({ frames, queue })
      .subscribe((each) => results.push(each));
    scheduler.schedule(() => {
      subscription.unsubscribe();
    }, 300);
    scheduler.flush();
    const counters = results.flatMap((each) =>
      [...each].slice(0, each.served).map(({ data }) => readCounter(data) ?? NaN),
    );
    const lost = results.reduce((sum, each) => sum + each.lost, 0);
    const first = counters[0] ?? NaN;
    const last = counters.at(-1) ?? NaN;
    expect(counters.length + lost).toBe(last - first + 1);
    expect(lost).toBeGreaterThan(0);
    // In a queue of one, each transfer follows two frames after the last, stall or not.
    if (queue > 1) expect(results.filter((each) => each.lost > 0)).toHaveLength(1);
  });

  it("completions come at its end, in order, also those that are due at that very moment", async () => {
    const clock = new ManualClock();
    const bus = new VirtualBus({ clock, asapDelay: 0 });
    bus.attach(counterDevice({ speed: "full" })).inject({ type: "host-stall", frame: 2, frames: 6 });
    const port = await RawPort.open(bus, {}, 0x81, 1);
    const sent = [0, 1, 2].map(() => port.submit({ lengths: 1023, frames: 4 }).submission);
    clock.advanceTo(12_000);
    expect(sent.map(({ timestamp }) => timestamp)).toStrictEqual([8000, 8000, 12_000]);
    await port.close();
  });
});

describe("jitter", () => {
  function lateness(seed: number, microseconds = 900): number[] {
    const scheduler = new VirtualTimeScheduler();
    const bus = new VirtualBus({ clock: schedulerClock(scheduler), asapDelay: 0 });
    bus.attach(counterDevice({ speed: "full" })).inject({ type: "jitter", microseconds, seed });
    const late: number[] = [];
    const subscription = isochPipe(bus, { endpoint: 0x81, alternate: 1 })
      .results({ frames: 1, queue: 8 })
      .subscribe(({ firstFrame, timestamp, lost }) => {
        expect(lost).toBe(0);
        expect(firstFrame).toBe(late.length);
        late.push(timestamp - (firstFrame + 1) * 1000);
      });
    scheduler.schedule(() => {
      subscription.unsubscribe();
    }, 200);
    scheduler.flush();
    expect(bus.audit()).toMatchObject({ inFlight: 0, openDevices: 0 });
    return late;
  }

  it("delays completions within its bounds, and keeps their order", () => {
    const late = lateness(1);
    expect(late.length).toBeGreaterThan(190);
    expect(Math.min(...late)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...late)).toBeLessThanOrEqual(900);
    expect(new Set(late).size).toBeGreaterThan(50);
  });

  it("longer than a transfer, it still keeps their order", () => {
    const late = lateness(3, 5000);
    expect(Math.max(...late)).toBeGreaterThan(2000);
    expect(Math.max(...late)).toBeLessThanOrEqual(5000);
  });

  it("is the same with the same seed, and another with another", () => {
    expect(lateness(7)).toStrictEqual(lateness(7));
    expect(lateness(7)).not.toStrictEqual(lateness(8));
  });

  it("of none is none", () => {
    expect(new Set(lateness(1, 0))).toStrictEqual(new Set([0]));
  });
});

describe("several faults", () => {
  it("each does its own", async () => {
    const results = await twelveFrames(
      { type: "packet", endpoint: 0x81, frame: 1, status: "crc" },
      { type: "halt", endpoint: 0x81, frame: 6 },
      { type: "unplug", frame: 9 },
      { type: "jitter", microseconds: 300 },
    );
    expect(results.map(statusesOf)).toStrictEqual(["kckk", "kkss", "s---"]);
    expect(results.map(({ error }) => error)).toStrictEqual(["isoch", "isoch", "device-not-responding"]);
  });

  it("a halt goes before a packet fault", async () => {
    const [first] = await twelveFrames(
      { type: "halt", endpoint: 0x81, frame: 1 },
      { type: "packet", endpoint: 0x81, frame: 0, frames: 3, status: "crc" },
    );
    expect(statusesOf(first ?? { statuses: new Uint8Array(0) })).toBe("csss");
  });
});

describe("faults that cannot be", () => {
  const packet = { type: "packet", endpoint: 0x81, frame: 0 } as const;
  const bad = [NaN, -1, 0.5, Infinity, 2 ** 53, "3", null] as const;
  const faults: readonly (readonly [string, unknown])[] = [
    ...bad.flatMap((value) => [
      [`packet at frame ${String(value)}`, { ...packet, frame: value }] as const,
      [`halt at frame ${String(value)}`, { type: "halt", endpoint: 0x81, frame: value }] as const,
      [`unplug at frame ${String(value)}`, { type: "unplug", frame: value }] as const,
      [`host-stall at frame ${String(value)}`, { type: "host-stall", frame: value, frames: 1 }] as const,
      [`host-stall of ${String(value)} frames`, { type: "host-stall", frame: 1, frames: value }] as const,
      [`jitter of ${String(value)}`, { type: "jitter", microseconds: value }] as const,
    ]),
    ["packet of 0 frames", { ...packet, frames: 0 }],
    ["packet of NaN frames", { ...packet, frames: NaN }],
    ["packet of -1 bytes", { ...packet, actual: -1 }],
    ["packet of NaN bytes", { ...packet, actual: NaN }],
    ["packet that is lost", { ...packet, status: "lost" }],
    ["packet that is not complete", { ...packet, status: "not-complete" }],
    ["packet that is cancelled", { ...packet, status: "cancelled" }],
    ["packet of no known status", { ...packet, status: "gone" }],
    ["packet of an endpoint that is not there", { ...packet, endpoint: 0x82 }],
    ["packet of endpoint NaN", { ...packet, endpoint: NaN }],
    ["halt of an endpoint that is not there", { type: "halt", endpoint: 0, frame: 1 }],
    ["host-stall of 0 frames", { type: "host-stall", frame: 1, frames: 0 }],
    ["jitter with a seed of -1", { type: "jitter", microseconds: 1, seed: -1 }],
    ["jitter with a seed of NaN", { type: "jitter", microseconds: 1, seed: NaN }],
    ["a fault of no known type", { type: "fire", frame: 1 }],
  ];

  it.each(faults)("%s is refused, and none of the others is planned", async (_name, fault) => {
    const bus = new VirtualBus({ clock: unpacedClock(), asapDelay: 0 });
    const attachment = bus.attach(counterDevice({ speed: "full" }));
    const plan = () => {
      attachment.inject({ ...packet, frames: 4, status: "crc" }, fault as VirtualFault);
    };
    expect(plan).toThrow(InvalidRequestError);
    const results = isochPipe(bus, { endpoint: 0x81, alternate: 1 }).results({ frames: 4 });
    expect(statusesOf(await firstValueFrom(results))).toBe("kkkk");
  });

  it("what happens to a device that has left is no error", async () => {
    const bus = new VirtualBus({ clock: unpacedClock() });
    const attachment = bus.attach(counterDevice());
    attachment.inject({ type: "unplug", frame: 1 }, { type: "unplug", frame: 2 });
    attachment.detach();
    attachment.inject({ type: "unplug", frame: 3 }, { type: "host-stall", frame: 1, frames: 1 });
    await firstValueFrom(timer(10));
    expect(bus.audit()).toMatchObject({ openDevices: 0 });
  });
});

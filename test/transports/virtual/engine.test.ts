import { afterEach, describe, expect, it, vi } from "vitest";
import { isochPipe, type IsochResults } from "../../../src/index.js";
import { BusEngine } from "../../../transports/virtual/engine.js";
import { counterDevice, realTimeClock, schedulerClock, VirtualBus } from "../../../transports/virtual/index.js";
import { VirtualTimeScheduler } from "rxjs";
import { ManualClock } from "../../support/manual-clock.js";
import { RawPort } from "../../support/raw-port.js";
import { scriptedDevice, scriptedIds } from "../../support/scripted-device.js";

const ms = 1000;

describe("BusEngine", () => {
  it("runs events in the order of time; of one time, in the order of scheduling", () => {
    const clock = new ManualClock();
    const engine = new BusEngine(clock);
    const seen: string[] = [];
    for (const [at, name] of [
      [3, "d"],
      [1, "a"],
      [2, "b"],
      [2, "c"],
    ] as const) {
      engine.schedule(at * ms, () => seen.push(`${name}@${engine.time / ms}`));
    }
    clock.advanceTo(10 * ms);
    expect(seen).toStrictEqual(["a@1", "b@2", "c@2", "d@3"]);
    expect(engine.time).toBe(10 * ms);
  });

  it("runs an event for a time that has passed at once, but not before schedule returns", () => {
    const clock = new ManualClock();
    const engine = new BusEngine(clock);
    clock.passTo(50 * ms);
    expect(engine.time).toBe(50 * ms);
    let at: number | undefined;
    engine.schedule(3 * ms, () => {
      at = engine.time;
    });
    expect(at).toBeUndefined();
    clock.advanceTo(50 * ms);
    expect(at).toBe(50 * ms);
  });

  it("wakes when something is due, not in every frame", async () => {
    const clock = new ManualClock();
    const bus = new VirtualBus({ clock, asapDelay: 0, devices: [counterDevice({ speed: "full" })] });
    const port = await RawPort.open(bus, {}, 0x81, 1);
    expect(clock.next).toBe(Infinity);
    port.submit({ lengths: 1023, frames: 100 });
    expect(clock.next).toBe(100 * ms);
    clock.advanceTo(100 * ms);
    await port.close();
    expect(clock.next).toBe(Infinity);
  });

  it("goes on after something it runs has thrown", () => {
    const clock = new ManualClock();
    const engine = new BusEngine(clock);
    let ran = 0;
    engine.schedule(1 * ms, () => {
      throw new Error("thrown on purpose");
    });
    engine.schedule(2 * ms, () => ran++);
    expect(() => {
      clock.advanceTo(1 * ms);
    }).toThrow("thrown on purpose");
    clock.advanceTo(2 * ms);
    expect(ran).toBe(1);
  });

  it("does not wait where the clock cannot, or for what will never be", () => {
    const engine = new BusEngine(schedulerClock(new VirtualTimeScheduler()));
    expect(engine.canBlock).toBe(false);
    for (const each of [engine, new BusEngine(new ManualClock())]) {
      expect(() => {
        each.runUntil(() => false);
      }).toThrow(expect.objectContaining({ code: "unsupported" }));
    }
  });

  it("runs until something is so, and from within that again", () => {
    const clock = new ManualClock();
    const engine = new BusEngine(clock);
    const seen: string[] = [];
    engine.schedule(1 * ms, () => {
      seen.push("outer begins");
      engine.runUntil(() => seen.includes("later"));
      seen.push(`outer ends at ${engine.time / ms}`);
    });
    engine.schedule(2 * ms, () => seen.push("between"));
    engine.schedule(3 * ms, () => seen.push("later"));
    engine.schedule(4 * ms, () => seen.push("last"));
    engine.runUntil(() => seen.includes("outer ends at 3"));
    expect(seen).toStrictEqual(["outer begins", "between", "later", "outer ends at 3"]);
    clock.advanceTo(4 * ms);
    expect(seen.at(-1)).toBe("last");
  });
});

describe("the order of frames", () => {
  /** A full-speed device whose endpoints have the intervals 1, 2 and 4 ms, and what it was asked for. */
  function threeEndpoints() {
    const asked: { endpoint: number; frame: number; end: number }[] = [];
    const endpoint = (address: number, interval: number) => ({
      address,
      interval,
      produce: (frame: number, _buffer: Uint8Array, _offset: number, capacity: number) => {
        asked.push({ endpoint: address, frame, end: (frame + 1) * 2 ** (interval - 1) });
        return capacity;
      },
    });
    return {
      asked,
      device: scriptedDevice({ interfaces: [[endpoint(0x81, 1), endpoint(0x82, 2), endpoint(0x83, 3)]] }),
    };
  }

  it("is that of time across endpoints of different intervals, in one go or in many", async () => {
    const logs: unknown[] = [];
    for (const step of [1, 3, 16]) {
      const clock = new ManualClock();
      const { asked, device } = threeEndpoints();
      const bus = new VirtualBus({ clock, asapDelay: 0, devices: [device] });
      const port = await RawPort.open(bus, scriptedIds, 0x83, 1);
      const others = [port.beside(0x82), port.beside(0x81)];
      port.submit({ lengths: 64, frames: 4 });
      others[0]?.submit({ lengths: 64, frames: 8 });
      others[1]?.submit({ lengths: 64, frames: 16 });
      for (let time = 0; time <= 16; time += step) clock.advanceTo(time * ms);
      clock.advanceTo(16 * ms);
      const ends = asked.map(({ end }) => end);
      expect(ends).toStrictEqual(ends.toSorted((a, b) => a - b));
      for (const [address, frames] of [
        [0x81, 16],
        [0x82, 8],
        [0x83, 4],
      ] as const) {
        expect(asked.filter(({ endpoint }) => endpoint === address).map(({ frame }) => frame)).toStrictEqual(
          Array.from({ length: frames }, (_, i) => i),
        );
      }
      logs.push(asked);
      await port.close();
    }
    expect(logs[1]).toStrictEqual(logs[0]);
    expect(logs[2]).toStrictEqual(logs[0]);
  });

  it("a request issued in a completion follows it, and runs before what other endpoints do later", async () => {
    const clock = new ManualClock();
    const { asked, device } = threeEndpoints();
    const bus = new VirtualBus({ clock, asapDelay: 0, devices: [device] });
    const slow = await RawPort.open(bus, scriptedIds, 0x83, 1);
    const fast = slow.beside(0x81);
    slow.submit({ lengths: 64, frames: 2 });
    fast.submit({ lengths: 64, frames: 2 });
    fast.onCompleted = () => {
      if (fast.sent.length < 4) fast.submit({ lengths: 64, frames: 2 });
    };
    clock.advanceTo(8 * ms);
    const ends = asked.map(({ end }) => end);
    expect(ends).toStrictEqual(ends.toSorted((a, b) => a - b));
    expect(fast.sent.map(({ submission }) => submission.firstFrame)).toStrictEqual([0, 2, 4, 6]);
    expect(fast.sent.map(({ submission }) => submission.timestamp)).toStrictEqual([2000, 4000, 6000, 8000]);
    await slow.close();
  });
});

describe("a program that is late", () => {
  function streaming(clock: ManualClock, queue: number) {
    const bus = new VirtualBus({ clock, asapDelay: 0, devices: [counterDevice({ speed: "full" })] });
    const results: IsochResults[] = [];
    const pipe = isochPipe(bus, { endpoint: 0x81, alternate: 1 });
    const subscription = pipe.results({ frames: 4, queue }).subscribe((each) => results.push(each));
    return { results, subscription, bus };
  }

  it.each([1, 2, 8])("loses nothing when it is late by less than a second (queue %i)", (queue) => {
    const clock = new ManualClock();
    const { results, subscription, bus } = streaming(clock, queue);
    clock.advanceTo(40 * ms);
    clock.advanceTo(1000 * ms);
    expect(results.map(({ firstFrame }) => firstFrame)).toStrictEqual(Array.from({ length: 250 }, (_, i) => 4 * i));
    expect(results.every(({ lost }) => lost === 0)).toBe(true);
    expect(results.map(({ timestamp }) => timestamp)).toStrictEqual(
      Array.from({ length: 250 }, (_, i) => (4 * i + 4) * ms),
    );
    subscription.unsubscribe();
    clock.advanceTo(1001 * ms);
    expect(bus.audit()).toMatchObject({ openDevices: 0, inFlight: 0 });
  });

  it.each([1, 2, 8])("loses what lies more than a second back, but for what was queued (queue %i)", (queue) => {
    const clock = new ManualClock();
    const { results, subscription } = streaming(clock, queue);
    clock.advanceTo(5000 * ms);
    // Queued before: queue × 4 frames from 0. Then the first frame that is not more than a second back.
    const first = 4000;
    expect(results.map(({ firstFrame }) => firstFrame)).toStrictEqual([
      ...Array.from({ length: queue }, (_, i) => 4 * i),
      ...Array.from({ length: 250 }, (_, i) => first + 4 * i),
    ]);
    expect(results.map(({ lost }) => lost).filter((lost) => lost > 0)).toStrictEqual([first - 4 * queue]);
    subscription.unsubscribe();
    clock.advanceTo(5001 * ms);
  });

  it("submits to a queue whose end it has not heard of: what has passed by then is lost", async () => {
    const clock = new ManualClock();
    const bus = new VirtualBus({ clock, asapDelay: 0, devices: [counterDevice({ speed: "full" })] });
    const port = await RawPort.open(bus, {}, 0x81, 1);
    const early = port.submit({ lengths: 1023, frames: 4 });
    clock.passTo(50.5 * ms);
    const late = port.submit({ lengths: 1023, frames: 4 });
    clock.advanceTo(50.5 * ms);
    expect(early.isComplete).toBe(true);
    clock.advanceTo(60 * ms);
    expect([early, late].map(({ submission: { firstFrame } }) => firstFrame)).toStrictEqual([0, 51]);
    await port.close();
  });
});

describe("in real time", () => {
  afterEach(() => {
    vi.restoreAllMocks();
    vi.useRealTimers();
  });

  it("does not drift: every frame of ten seconds is served, however late the timers are", () => {
    let time = 0;
    let late = 0;
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    vi.spyOn(performance, "now").mockImplementation(() => time + late);
    const bus = new VirtualBus({ clock: realTimeClock(), asapDelay: 0, devices: [counterDevice({ speed: "full" })] });
    const results: IsochResults[] = [];
    const subscription = isochPipe(bus, { endpoint: 0x81, alternate: 1 })
      .results({ frames: 8, queue: 2 })
      .subscribe((each) => results.push(each));
    for (time = 1; time <= 10_000; time++) {
      // Up to 0.99 ms late always, and 30 ms twice a second.
      late = ((time * 7) % 100) / 100 + (time % 500 === 0 ? 30 : 0);
      if (time % 500 > 30 || time % 500 === 0) vi.advanceTimersByTime(time % 500 === 31 ? 31 : 1);
    }
    late = 0;
    // The last timer was late by 30 ms: the frames of 10,030 ms are over.
    expect(results).toHaveLength(Math.floor(10_030 / 8));
    expect(results.map(({ firstFrame }) => firstFrame)).toStrictEqual(results.map((_, i) => 8 * i));
    expect(results.every(({ lost }) => lost === 0)).toBe(true);
    // None was told of before its time, and in the end the bus is where real time is.
    expect(results.every(({ firstFrame, timestamp }) => timestamp >= (firstFrame + 8) * ms)).toBe(true);
    expect(bus.time).toBeGreaterThanOrEqual(10_000 * ms);
    expect(bus.time).toBeLessThan(10_032 * ms);
    subscription.unsubscribe();
    vi.advanceTimersByTime(2);
    expect(bus.audit()).toMatchObject({ openDevices: 0, inFlight: 0 });
  });
});

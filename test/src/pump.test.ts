import { describe, expect, it } from "vitest";
import { Pump } from "../../src/pump.js";
import { createTimeline } from "../../src/timeline.js";
import {
  DeviceError,
  ResourceError,
  TransportError,
  type FrameStatus,
  type IsochResults,
  type OverflowPolicy,
  type StreamPlan,
} from "../../src/index.js";
import { FakeEndpoint } from "../support/fake-endpoint.js";
import { failure, plain, thrown } from "../support/plain-error.js";

const gone = new DeviceError("device-gone", "plug it in again");

/** A pump on a fake endpoint; two transfers of four frames of eight bytes in flight, a ring of three. */
function running(options: Partial<StreamPlan> = {}, prepare: (endpoint: FakeEndpoint) => void = () => undefined) {
  const endpoint = new FakeEndpoint();
  prepare(endpoint);
  const calls = { ready: 0, drained: 0 };
  const plan: StreamPlan = {
    frameLength: 8,
    frames: 4,
    queue: 2,
    ring: 3,
    batch: 1,
    overflow: "drop-oldest",
    start: "asap",
    ...options,
  };
  const pump = new Pump(endpoint, plan, createTimeline(1000), {
    ready: () => {
      calls.ready++;
    },
    drained: () => {
      expect(endpoint.inFlight).toStrictEqual([]);
      calls.drained++;
    },
  });
  return {
    endpoint,
    pump,
    calls,
    takeAll: () => {
      const all: IsochResults[] = [];
      for (let each = pump.take(); each !== undefined; each = pump.take()) all.push(each);
      return all;
    },
  };
}

const brief = ({ firstFrame, lost, served }: IsochResults) => ({ firstFrame, lost, served });

describe("Pump, starting", () => {
  it("submits as many transfers as the queue has room for, the first where the stream is to start", () => {
    const { endpoint, pump } = running({ queue: 3, start: 500 });
    expect(endpoint.submitted.map(({ start }) => start)).toStrictEqual([500, "asap", "asap"]);
    expect(endpoint.submitted.map(({ lengths }) => [...lengths])).toStrictEqual(Array(3).fill([8, 8, 8, 8]));
    expect(endpoint.submitted.map(({ buffer }) => buffer.length)).toStrictEqual([32, 32, 32]);
    expect(pump.take()).toBeUndefined();
    expect(pump.ended).toBeUndefined();
  });

  it("reads the time before each submission, not after", () => {
    const endpoint = new FakeEndpoint();
    endpoint.onSubmit = () => {
      endpoint.time += 700;
    };
    const times: number[] = [];
    const timeline = { ...createTimeline(1000), submitted: (_: number, at: number) => times.push(at) };
    const plan: StreamPlan = {
      frameLength: 8,
      frames: 4,
      queue: 3,
      ring: 3,
      batch: 1,
      overflow: "drop-oldest",
      start: "asap",
    };
    const pump = new Pump(endpoint, plan, timeline, { ready: () => undefined, drained: () => undefined });
    expect(pump.ended).toBeUndefined();
    expect(times).toStrictEqual([0, 700, 1400]);
  });

  it("throws what the first submission throws, and submits no other", () => {
    const tried: FakeEndpoint[] = [];
    const start = () =>
      running({}, (endpoint) => {
        tried.push(endpoint);
        endpoint.refusals.set(0, gone);
      });
    expect(thrown(start)).toStrictEqual(failure("DeviceError", "device-gone"));
    expect(tried[0]?.submitted).toStrictEqual([]);
  });

  it("ends with what a later submission throws, after the results of those before it", () => {
    const refusal = new ResourceError("no-memory", "raise usbfs_memory_mb");
    const { endpoint, pump, calls, takeAll } = running({ queue: 4 }, ({ refusals }) => refusals.set(2, refusal));
    expect(endpoint.submitted).toHaveLength(2);
    endpoint.complete();
    expect(pump.ended).toBeUndefined();
    endpoint.complete();
    expect(endpoint.submitted).toHaveLength(2);
    expect(pump.ended).toBeUndefined();
    expect(takeAll().map(brief)).toStrictEqual([
      { firstFrame: 0, lost: 0, served: 4 },
      { firstFrame: 4, lost: 0, served: 4 },
    ]);
    expect(pump.ended).toStrictEqual({ error: refusal });
    expect(calls).toStrictEqual({ ready: 2, drained: 0 });
  });

  it("has a typed error where there is no memory for its buffers", () => {
    expect(thrown(() => running({ frameLength: 2 ** 50 }))).toStrictEqual(failure("ResourceError", "no-memory"));
  });
});

describe("Pump, running", () => {
  it("puts each completion in the ring, then renews it, then says that something is ready", () => {
    const { endpoint, pump, calls } = running();
    endpoint.onSubmit = () => {
      expect(calls.ready).toBe(endpoint.submitted.length - 3);
    };
    for (let i = 0; i < 3; i++) {
      endpoint.complete();
      expect(endpoint.inFlight).toHaveLength(2);
      expect(endpoint.submitted).toHaveLength(3 + i);
      expect(calls.ready).toBe(i + 1);
      expect(pump.take()?.firstFrame).toBe(4 * i);
      expect(pump.take()).toBeUndefined();
    }
  });

  it("says so for every batch that waits, and for what is left at the end", () => {
    const { endpoint, calls, takeAll } = running({ ring: 5, batch: 3 });
    const told: number[] = [];
    for (let i = 0; i < 7; i++) {
      endpoint.complete();
      if (calls.ready > told.length) told.push(takeAll().length);
    }
    expect(told).toStrictEqual([3, 3]);
    endpoint.complete({ error: gone });
    expect(calls.ready).toBe(2);
    endpoint.complete({ cancelled: true, statuses: Array<FrameStatus>(4).fill("not-complete") });
    expect(calls.ready).toBe(3);
    expect(takeAll()).toHaveLength(2);
  });

  it("goes on saying so while a whole batch is left where it is", () => {
    const { endpoint, calls } = running({ ring: 3, batch: 2 });
    for (let i = 0; i < 5; i++) endpoint.complete();
    expect(calls.ready).toBe(4);
  });

  it("gives results in the order of their completion, however many wait", () => {
    const { endpoint, takeAll } = running({ ring: 5 });
    for (let i = 0; i < 5; i++) endpoint.complete();
    expect(takeAll().map(({ firstFrame }) => firstFrame)).toStrictEqual([0, 4, 8, 12, 16]);
  });

  it("reports what the bus left out", () => {
    const { endpoint, takeAll } = running();
    endpoint.complete({ firstFrame: 100 });
    endpoint.complete({ firstFrame: 110 });
    expect(takeAll().map(brief)).toStrictEqual([
      { firstFrame: 100, lost: 0, served: 4 },
      { firstFrame: 110, lost: 6, served: 4 },
    ]);
  });

  it("goes on after bad frames", () => {
    const { endpoint, pump } = running();
    const statuses: FrameStatus[] = ["ok", "crc", "stall", "ok"];
    endpoint.complete({ statuses, actual: [8, 3, 0, 8] });
    expect(pump.take()).toMatchObject({ error: "isoch", bytesTransferred: 19 });
    expect(endpoint.inFlight).toHaveLength(2);
  });

  it("takes no error for what is thrown by a renewal, other than as the end", () => {
    const { endpoint, pump, calls } = running({}, ({ refusals }) => refusals.set(2, new RangeError("EIO")));
    endpoint.complete();
    expect(endpoint.inFlight).toHaveLength(1);
    pump.take();
    endpoint.complete();
    pump.take();
    expect(plain(pump.ended?.error)).toStrictEqual(failure("TransportError", "transport-failed", "EIO"));
    expect(calls.ready).toBe(2);
  });
});

describe("Pump, buffers", () => {
  it("hands on the buffer of a transfer that came full, and submits another", () => {
    const { endpoint, pump } = running();
    const buffer = endpoint.complete().buffer;
    expect(pump.take()?.data.buffer).toBe(buffer.buffer);
    for (let i = 0; i < 10; i++) endpoint.complete();
    expect(endpoint.submitted.filter((each) => each.buffer === buffer)).toHaveLength(1);
  });

  it.each([
    ["with a short frame in the middle", [8, 1, 8, 8]],
    ["with little in it", [1, 0, 0, 0]],
    ["with nothing in it", [0, 0, 0, 0]],
  ])("copies out of a transfer %s, and submits its buffer again", (_, actual) => {
    const { endpoint, pump } = running();
    const { buffer } = endpoint.inFlight[0] ?? {};
    buffer?.fill(7);
    endpoint.complete({ actual });
    const results = pump.take();
    const moved = actual.reduce((sum, each) => sum + each, 0);
    expect(results?.compacted).toBe(true);
    expect([...(results?.data ?? [])]).toStrictEqual(Array(moved).fill(7));
    expect(results?.data.buffer.byteLength).toBe(moved);
    expect(endpoint.inFlight.at(-1)?.buffer).toBe(buffer);
    // What the transport writes now does not reach what was handed on.
    buffer?.fill(9);
    expect([...(results?.data ?? [])]).toStrictEqual(Array(moved).fill(7));
  });

  it("has no more buffers than are in flight, when none is handed on", () => {
    const { endpoint, takeAll } = running({ queue: 3 });
    for (let i = 0; i < 50; i++) endpoint.complete({ actual: [1, 0, 0, 0] });
    takeAll();
    expect(new Set(endpoint.submitted.map(({ buffer }) => buffer)).size).toBe(3);
  });
});

describe("Pump, overflow", () => {
  const flood = (overflow: OverflowPolicy, completions: number) => {
    const each = running({ overflow });
    for (let i = 0; i < completions; i++) each.endpoint.complete({ firstFrame: 4 * i });
    return each;
  };

  it("drop-oldest: keeps the last, and counts the dropped before the first that is left", () => {
    const { endpoint, takeAll } = flood("drop-oldest", 10);
    expect(takeAll().map(brief)).toStrictEqual([
      { firstFrame: 28, lost: 28, served: 4 },
      { firstFrame: 32, lost: 0, served: 4 },
      { firstFrame: 36, lost: 0, served: 4 },
    ]);
    endpoint.complete({ firstFrame: 40 });
    expect(takeAll().map(brief)).toStrictEqual([{ firstFrame: 40, lost: 0, served: 4 }]);
  });

  it("drop-newest: keeps the first, and counts the dropped before the next that is put", () => {
    const { endpoint, pump, takeAll } = flood("drop-newest", 10);
    expect(pump.take()?.firstFrame).toBe(0);
    endpoint.complete({ firstFrame: 40 });
    endpoint.complete({ firstFrame: 44 });
    expect(takeAll().map(brief)).toStrictEqual([
      { firstFrame: 4, lost: 0, served: 4 },
      { firstFrame: 8, lost: 0, served: 4 },
      { firstFrame: 40, lost: 28, served: 4 },
    ]);
    endpoint.complete({ firstFrame: 48 });
    expect(takeAll().map(brief)).toStrictEqual([{ firstFrame: 48, lost: 4, served: 4 }]);
  });

  it("counts what the bus left out in front of a dropped result, too", () => {
    for (const overflow of ["drop-oldest", "drop-newest"] as const) {
      const { endpoint, takeAll } = running({ overflow, ring: 1 });
      endpoint.complete({ firstFrame: 0 });
      endpoint.complete({ firstFrame: 10 });
      endpoint.complete({ firstFrame: 20 });
      const results = takeAll();
      endpoint.complete({ firstFrame: 30 });
      results.push(...takeAll());
      const sum = results.reduce((total, { lost, served }) => total + lost + served, 0);
      expect([overflow, sum]).toStrictEqual([overflow, 34]);
    }
  });

  it("drop-newest: has a result without frames for a loss at the very end", () => {
    const { endpoint, pump, takeAll } = flood("drop-newest", 5);
    endpoint.complete({ firstFrame: 20, served: 2, error: gone });
    endpoint.complete({ served: 0, error: gone });
    expect(pump.ended).toBeUndefined();
    const results = takeAll();
    expect(results.map(brief).at(-1)).toStrictEqual({ firstFrame: 22, lost: 10, served: 0 });
    expect(results).toHaveLength(4);
    expect(results.at(-1)).toMatchObject({ length: 0, error: "ok" });
    expect(pump.ended).toStrictEqual({ error: gone });
  });

  it("error: stops, cancels what is in flight, and errors once all that waits was taken", () => {
    const { endpoint, pump, calls, takeAll } = flood("error", 4);
    expect(endpoint.submitted).toHaveLength(5);
    expect(endpoint.cancelled).toStrictEqual([...endpoint.inFlight]);
    expect(endpoint.cancelled).toHaveLength(1);
    endpoint.complete({ firstFrame: 16, served: 1, cancelled: true });
    expect(pump.ended).toBeUndefined();
    expect(takeAll().map(brief)).toStrictEqual([
      { firstFrame: 0, lost: 0, served: 4 },
      { firstFrame: 4, lost: 0, served: 4 },
      { firstFrame: 8, lost: 0, served: 4 },
      { firstFrame: 17, lost: 5, served: 0 },
    ]);
    expect(plain(pump.ended?.error)).toStrictEqual(
      failure("OverflowError", "overflow", "did not take 3 results in time", "larger ring", "overflow policy"),
    );
    expect(calls).toStrictEqual({ ready: 5, drained: 0 });
  });

  it("error: delivers what is still served where room was made", () => {
    const { endpoint, pump, takeAll } = flood("error", 4);
    pump.take();
    endpoint.complete({ firstFrame: 16, served: 2, cancelled: true });
    expect(takeAll().map(brief)).toStrictEqual([
      { firstFrame: 4, lost: 0, served: 4 },
      { firstFrame: 8, lost: 0, served: 4 },
      { firstFrame: 16, lost: 4, served: 2 },
    ]);
    expect(pump.ended?.error?.code).toBe("overflow");
  });
});

describe("Pump, failing", () => {
  it("delivers what had arrived, renews nothing, and ends with the last completion", () => {
    const { endpoint, pump, takeAll } = running({ queue: 3 });
    endpoint.complete({ served: 2, error: gone });
    expect(endpoint.submitted).toHaveLength(3);
    expect(takeAll().map(brief)).toStrictEqual([{ firstFrame: 0, lost: 0, served: 2 }]);
    expect(pump.ended).toBeUndefined();
    endpoint.complete({ served: 0, error: new DeviceError("device-gone", "a later one") });
    expect(pump.ended).toBeUndefined();
    endpoint.complete({ served: 0, error: gone });
    expect(takeAll()).toStrictEqual([]);
    expect(pump.ended).toStrictEqual({ error: gone });
  });

  it("delivers what others in flight bring after the failure", () => {
    const { endpoint, pump, takeAll } = running({ queue: 2 });
    endpoint.complete({ error: gone });
    endpoint.complete();
    expect(takeAll().map(brief)).toStrictEqual([
      { firstFrame: 0, lost: 0, served: 4 },
      { firstFrame: 4, lost: 0, served: 4 },
    ]);
    expect(pump.ended?.error).toBe(gone);
  });
});

describe("Pump, refused after all", () => {
  const refused = new TransportError("transport-failed", "a packet of the batch failed");

  it.each([true, false])("renews the transfer, and counts its frames before the next (clock hidden: %s)", (hidden) => {
    const { endpoint, takeAll } = running({}, (each) => (each.hidesClock = hidden));
    const finish = (at: number, ending = {}) => {
      endpoint.time = at;
      endpoint.complete(ending);
    };
    finish(4000, { firstFrame: 0 });
    finish(8000, { rejected: refused });
    expect(endpoint.inFlight).toHaveLength(2);
    finish(12_000, { firstFrame: 8 });
    expect(takeAll().map(brief)).toStrictEqual([
      { firstFrame: 0, lost: 0, served: 4 },
      { firstFrame: 8, lost: 4, served: 4 },
    ]);
  });

  it("has a result without frames for what was refused at the very end", () => {
    const { endpoint, pump, takeAll } = running({ queue: 3 });
    endpoint.time = 4000;
    endpoint.complete();
    endpoint.time = 8000;
    endpoint.complete({ rejected: refused });
    while (endpoint.inFlight.length > 0) endpoint.complete({ served: 0, error: gone });
    expect(pump.ended).toBeUndefined();
    expect(takeAll().map(brief)).toStrictEqual([
      { firstFrame: 0, lost: 0, served: 4 },
      { firstFrame: 8, lost: 4, served: 0 },
    ]);
    expect(pump.ended).toStrictEqual({ error: gone });
  });
});

describe("Pump, stopping", () => {
  it("cancels what is in flight, renews nothing, tells of nothing more, and drains once", () => {
    const { endpoint, pump, calls } = running();
    endpoint.complete();
    pump.stop();
    expect(endpoint.cancelled).toStrictEqual([...endpoint.inFlight]);
    expect(calls).toStrictEqual({ ready: 1, drained: 0 });
    endpoint.complete({ served: 1, cancelled: true });
    expect(calls).toStrictEqual({ ready: 1, drained: 0 });
    endpoint.complete({ served: 0, cancelled: true });
    expect(calls).toStrictEqual({ ready: 1, drained: 1 });
    expect(endpoint.submitted).toHaveLength(3);
  });

  it("does so once, however often it is told", () => {
    const { endpoint, pump, calls } = running();
    pump.stop();
    pump.stop();
    expect(endpoint.cancelled).toHaveLength(2);
    endpoint.drain();
    pump.stop();
    expect(endpoint.cancelled).toHaveLength(2);
    expect(calls.drained).toBe(1);
  });

  it("waits for transfers that run to their end all the same", () => {
    const { endpoint, pump, calls } = running();
    pump.stop();
    endpoint.complete();
    expect(calls.drained).toBe(0);
    endpoint.complete();
    expect(calls.drained).toBe(1);
  });

  it("while it is failing, waits for the rest", () => {
    const { endpoint, pump, calls } = running({ queue: 3 });
    endpoint.complete({ served: 0, error: gone });
    pump.stop();
    expect(calls.drained).toBe(0);
    endpoint.drain();
    expect(calls).toStrictEqual({ ready: 0, drained: 1 });
  });

  it("after it has ended, is drained at once", () => {
    const { endpoint, pump, calls } = running({ queue: 1 });
    endpoint.complete({ served: 0, error: gone });
    expect(calls).toStrictEqual({ ready: 1, drained: 0 });
    pump.stop();
    expect(calls).toStrictEqual({ ready: 1, drained: 1 });
    expect(endpoint.cancelled).toStrictEqual([]);
  });

  it("from within ready, renews nothing behind its back", () => {
    const endpoint = new FakeEndpoint();
    const drained: number[] = [];
    const plan: StreamPlan = {
      frameLength: 8,
      frames: 4,
      queue: 2,
      ring: 3,
      batch: 1,
      overflow: "drop-oldest",
      start: "asap",
    };
    const pump: Pump = new Pump(endpoint, plan, createTimeline(1000), {
      ready: () => {
        pump.stop();
      },
      drained: () => {
        drained.push(endpoint.submitted.length);
      },
    });
    endpoint.complete();
    expect(endpoint.inFlight).toHaveLength(2);
    endpoint.drain();
    expect(drained).toStrictEqual([3]);
  });
});

describe("FakeEndpoint", () => {
  it("fails loudly on a second submission, a buffer in flight twice, and a completion of nothing", () => {
    const { endpoint } = running();
    const [first] = endpoint.inFlight;
    if (first === undefined) throw new Error("nothing was submitted");
    expect(() => {
      endpoint.submit(first);
    }).toThrow("submitted twice");
    expect(() => {
      endpoint.submit({ ...first });
    }).toThrow("a buffer is in flight twice");
    expect(() => {
      endpoint.cancel({ ...first });
    }).toThrow("never submitted");
    expect(() => new FakeEndpoint().complete()).toThrow("nothing is in flight");
  });
});

import fc from "fast-check";
import { VirtualTimeScheduler } from "rxjs";
import { describe, expect, it } from "vitest";
import {
  isochPipe,
  statusCodes,
  TransportError,
  type IsochError,
  type IsochResults,
  type Submission,
} from "../../src/index.js";
import { PendingSubmission, type Placement } from "../../src/submission.js";
import { servedFrames } from "../../src/status.js";
import { createTimeline, type Timeline } from "../../src/timeline.js";
import { schedulerClock, VirtualBus, type VirtualFault } from "../../transports/virtual/index.js";
import { inPipe } from "../support/marble-lab.js";
import { ObservedDevice } from "../support/observed-device.js";

interface Completion {
  readonly frames: number;
  readonly served?: number;
  readonly firstFrame?: number | undefined;
  readonly timestamp?: number;
  readonly cancelled?: boolean;
  readonly rejected?: IsochError;
}

const refused = new TransportError("transport-failed", "a packet of the batch failed");

function completion({ frames, served = frames, timestamp = 0, cancelled = false, ...rest }: Completion): Submission {
  const submission = new PendingSubmission({
    lengths: new Uint32Array(frames).fill(1),
    buffer: new Uint8Array(frames),
    start: "asap",
    completed: () => undefined,
  });
  submission.statuses.fill(statusCodes["not-complete"], served);
  return Object.assign(submission, { timestamp, cancelled, ...rest });
}

/** Long streams take their time where others share the machine. */
const patience = { timeout: 60_000 };

describe("servedFrames", () => {
  it("counts all but the not-complete ones at the end", () => {
    expect(servedFrames(completion({ frames: 4 }))).toBe(4);
    expect(servedFrames(completion({ frames: 4, served: 1 }))).toBe(1);
    expect(servedFrames(completion({ frames: 4, served: 0 }))).toBe(0);
  });
});

describe("the timeline of the bus clock", () => {
  const timeline = () => createTimeline(1000);

  it("begins where the bus says, with nothing lost", () => {
    expect(timeline().completed(completion({ frames: 8, firstFrame: 500 }))).toStrictEqual({
      firstFrame: 500,
      lost: 0,
    });
  });

  it("counts exactly what the bus left out", () => {
    const each = timeline();
    each.completed(completion({ frames: 8, firstFrame: 500 }));
    expect(each.completed(completion({ frames: 8, firstFrame: 508 })).lost).toBe(0);
    expect(each.completed(completion({ frames: 8, firstFrame: 519 })).lost).toBe(3);
    expect(each.completed(completion({ frames: 8, firstFrame: 527 })).lost).toBe(0);
  });

  it("takes frames that never had their turn neither for delivered nor for lost", () => {
    const each = timeline();
    each.completed(completion({ frames: 8, served: 3, firstFrame: 0, cancelled: true }));
    expect(each.completed(completion({ frames: 8, served: 0, firstFrame: 8, cancelled: true })).lost).toBe(0);
    expect(each.completed(completion({ frames: 8, firstFrame: 10 }))).toStrictEqual({ firstFrame: 10, lost: 7 });
  });

  it("counts frames that only kept the bus busy as missed", () => {
    const each = timeline();
    each.completed(completion({ frames: 8, firstFrame: 0 }));
    each.skipped(completion({ frames: 4, firstFrame: 8 }));
    each.skipped(completion({ frames: 4, firstFrame: 12 }));
    expect(each.completed(completion({ frames: 8, firstFrame: 16 }))).toStrictEqual({ firstFrame: 16, lost: 8 });
  });

  it("begins with what was on the bus, and not with what was skipped before it", () => {
    const each = timeline();
    each.skipped(completion({ frames: 4, served: 0, firstFrame: 100, cancelled: true }));
    expect(each.completed(completion({ frames: 8, firstFrame: 110 }))).toStrictEqual({ firstFrame: 110, lost: 0 });
  });

  it("counts what was skipped before anything was delivered", () => {
    const each = timeline();
    each.skipped(completion({ frames: 4, firstFrame: 100 }));
    expect(each.completed(completion({ frames: 8, firstFrame: 104 }))).toStrictEqual({ firstFrame: 104, lost: 4 });
  });
});

describe("the estimated timeline, by hand", () => {
  function estimated() {
    const timeline = createTimeline(1000);
    return {
      submit: (time: number, frames = 8) => {
        timeline.submitted(frames, time);
      },
      complete: (timestamp: number, rest: Partial<Completion> = {}) =>
        timeline.completed(completion({ frames: 8, timestamp, ...rest })),
      skip: (timestamp: number) => timeline.skipped(completion({ frames: 8, timestamp })),
    };
  }

  it("counts from 0, and gives way to a completion that says its frame", () => {
    const { submit, complete } = estimated();
    submit(50_000);
    submit(50_000);
    expect(complete(58_000)).toStrictEqual({ firstFrame: 0, lost: 0 });
    expect(complete(66_000, { firstFrame: 777 })).toStrictEqual({ firstFrame: 777, lost: 0 });
  });

  it("goes on from the last completion that said its frame, with the gaps it knows of", () => {
    const { submit, complete } = estimated();
    submit(0);
    submit(0);
    complete(8_000, { firstFrame: 500 });
    expect(complete(16_000)).toStrictEqual({ firstFrame: 508, lost: 0 });
    submit(19_000);
    expect(complete(27_000)).toStrictEqual({ firstFrame: 519, lost: 3 });
    submit(27_000);
    submit(27_000);
    // The gap of three frames had been one of five.
    expect(complete(35_000, { firstFrame: 529 })).toStrictEqual({ firstFrame: 529, lost: 2 });
    expect(complete(43_000)).toStrictEqual({ firstFrame: 537, lost: 0 });
  });

  it("takes frames for neither lost nor given twice that it had counted too many", () => {
    const { submit, complete } = estimated();
    submit(0);
    complete(8_000, { firstFrame: 500 });
    submit(12_000);
    expect(complete(20_000)).toStrictEqual({ firstFrame: 512, lost: 4 });
    submit(20_000);
    expect(complete(28_000, { firstFrame: 518 })).toStrictEqual({ firstFrame: 518, lost: 0 });
  });

  it("has no estimate left over where every completion says its frame", () => {
    const { submit, complete } = estimated();
    submit(0);
    complete(0, { firstFrame: 100, served: 0, cancelled: true });
    submit(50_000);
    expect(complete(58_000, { firstFrame: 150 })).toStrictEqual({ firstFrame: 150, lost: 0 });
    submit(70_000);
    expect(complete(78_000, { firstFrame: 160 })).toStrictEqual({ firstFrame: 160, lost: 2 });
  });

  it("counts with the next loss what was too short for a frame", () => {
    const { submit, complete } = estimated();
    let total = 0;
    for (let i = 0; i < 10; i++) {
      submit(8_600 * i);
      total += complete(8_600 * i + 8_000).lost;
    }
    expect(total).toBe(5);
  });

  it("counts the frames of a refused transfer as missed, as many as had passed", () => {
    const { submit, complete } = estimated();
    submit(0);
    submit(0);
    submit(0);
    complete(8_000);
    expect(complete(16_000, { served: 0, rejected: refused })).toStrictEqual({ firstFrame: 16, lost: 0 });
    expect(complete(24_000)).toStrictEqual({ firstFrame: 16, lost: 8 });
    // Refused at once: what follows begins as if it had never been.
    submit(24_000);
    complete(26_000, { served: 0, rejected: refused });
    submit(26_000);
    expect(complete(34_000)).toStrictEqual({ firstFrame: 26, lost: 2 });
  });

  it("leaves the frames of a refused transfer to the next that says its own", () => {
    const { submit, complete } = estimated();
    for (let i = 0; i < 3; i++) submit(0);
    complete(8_000, { firstFrame: 100 });
    complete(16_000, { served: 0, rejected: refused });
    expect(complete(24_000, { firstFrame: 117 })).toStrictEqual({ firstFrame: 117, lost: 9 });
  });

  it("begins with the frames of a refused transfer, also where the next says its own", () => {
    const { submit, complete } = estimated();
    for (let i = 0; i < 2; i++) submit(0);
    complete(8_000, { served: 0, rejected: refused });
    expect(complete(16_000, { firstFrame: 117 })).toStrictEqual({ firstFrame: 117, lost: 8 });
  });

  it("counts the time in which the queue was dry, and no time in which it was not", () => {
    const { submit, complete } = estimated();
    submit(0);
    submit(0);
    complete(8_000);
    submit(8_500);
    complete(16_000);
    complete(24_000);
    submit(29_000);
    expect(complete(37_000)).toStrictEqual({ firstFrame: 29, lost: 5 });
  });

  it("reports a gap with the transfer behind it, also where others are completed in between", () => {
    const { submit, complete } = estimated();
    submit(0);
    complete(8_000);
    submit(11_000);
    submit(11_000);
    expect(complete(19_000).lost).toBe(3);
    expect(complete(27_000)).toStrictEqual({ firstFrame: 19, lost: 0 });
  });

  it("counts frames that only kept the bus busy as missed, with the gap before them", () => {
    const { submit, complete, skip } = estimated();
    submit(0);
    complete(8_000);
    submit(10_000);
    skip(18_000);
    submit(18_000);
    skip(26_000);
    submit(26_000);
    expect(complete(34_000)).toStrictEqual({ firstFrame: 26, lost: 18 });
  });

  it("takes the turns of cancelled frames off the queue", () => {
    const { submit, complete } = estimated();
    submit(0);
    submit(0);
    submit(0);
    expect(complete(3_000, { served: 3, cancelled: true })).toStrictEqual({ firstFrame: 0, lost: 0 });
    complete(3_000, { served: 0, cancelled: true });
    complete(3_000, { served: 0, cancelled: true });
    submit(10_000);
    expect(complete(18_000)).toStrictEqual({ firstFrame: 10, lost: 7 });
  });

  it("reports a gap with the next frames that were on the bus, if those behind it never were", () => {
    const { submit, complete } = estimated();
    submit(0);
    complete(8_000);
    submit(12_000);
    expect(complete(12_000, { served: 0, cancelled: true }).lost).toBe(0);
    submit(15_000);
    expect(complete(23_000)).toStrictEqual({ firstFrame: 15, lost: 7 });
  });
});

interface Host {
  /** Microseconds of the host's clock in a frame of the bus. */
  readonly busFrame: number;
  readonly frames: number;
  readonly queue: number;
  readonly transfers: number;
  /** How late the host sees a completion. */
  readonly late: (transfer: number) => number;
}

/** A bus and a host that renews each transfer when it sees its completion; what was lost, and what the timeline says. */
function stream(timeline: Timeline, { busFrame, frames, queue, transfers, late }: Host) {
  const pending: { readonly end: number; readonly lost: number }[] = [];
  const truth: number[] = [];
  const placements: Placement[] = [];
  let busEnd = 0;
  let now = 0;
  const submit = () => {
    const start = busEnd + Math.max(0, Math.ceil((now - busEnd) / busFrame)) * busFrame;
    const lost = Math.round((start - busEnd) / busFrame);
    busEnd = start + frames * busFrame;
    timeline.submitted(frames, now);
    pending.push({ end: busEnd, lost });
  };
  for (let i = 0; i < queue; i++) submit();
  for (let i = 0; i < transfers; i++) {
    const { end, lost } = pending.shift() ?? { end: 0, lost: 0 };
    now = Math.max(now, end + late(i));
    truth.push(lost);
    placements.push(timeline.completed(completion({ frames, timestamp: now })));
    submit();
  }
  return { truth, placements };
}

/** Random numbers from 0 to 1, the same each time. */
function repeatable(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

describe("the estimated timeline, along a stream", patience, () => {
  const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);

  it.each([
    ["the host's", 1000],
    ["one 500 ppm slower", 1000.5],
    ["one 500 ppm faster", 999.5],
  ])("finds no gap where there is none, with jitter, on a bus clock that is %s", (_, busFrame) => {
    const random = repeatable(1);
    const { truth, placements } = stream(createTimeline(1000), {
      busFrame,
      frames: 8,
      queue: 4,
      transfers: 30_000,
      // Up to two transfers late, of four in flight.
      late: () => 16_000 * random() ** 3,
    });
    expect(sum(truth)).toBe(0);
    expect(placements.findIndex(({ lost }) => lost > 0)).toBe(-1);
    expect(placements.at(-1)?.firstFrame).toBe(8 * 29_999);
  });

  it.each([
    ["the host's", 1000],
    ["one 500 ppm slower", 1000.5],
    ["one 500 ppm faster", 999.5],
  ])("estimates each gap to within a transfer, hours into the stream, on a bus clock that is %s", (_, busFrame) => {
    const random = repeatable(7);
    const { truth, placements } = stream(createTimeline(1000), {
      busFrame,
      frames: 8,
      queue: 4,
      transfers: 40_000,
      late: (i) => (i % 1000 === 999 ? 32_000 + 100_000 * random() : 2000 * random()),
    });
    const stalls = truth.flatMap((lost, i) => (lost > 8 ? [i] : []));
    expect(stalls.length).toBeGreaterThan(30);
    const errors = truth.map((lost, i) => Math.abs((placements[i]?.lost ?? 0) - lost));
    expect(Math.max(...errors)).toBeLessThanOrEqual(8);
    expect(errors.filter((error, i) => error > 0 && truth[i] === 0)).toStrictEqual([]);
    // Nor do the errors add up.
    const lost = sum(truth);
    expect(Math.abs(sum(placements.map((each) => each.lost)) - lost)).toBeLessThan(lost / 50);
  });
});

describe("the estimated timeline, with one transfer in flight", patience, () => {
  it.each([
    ["at once", 0, 3],
    ["some frames late", 5_000, 8],
    ["with jitter", 700, 3],
  ])("counts the frames between a completion and the next submission: %s", (_, most, atLeast) => {
    const random = repeatable(5);
    const timeline = createTimeline(1000);
    const transfers = 5000;
    const startDelay = 2;
    let now = 500;
    let busEnd: number | undefined;
    let truth = 0;
    let found = 0;
    for (let i = 0; i < transfers; i++) {
      timeline.submitted(8, now);
      const start = Math.ceil(now / 1000) + startDelay;
      truth += start - (busEnd ?? start);
      busEnd = start + 8;
      now = 1000 * busEnd + 1;
      found += timeline.completed(completion({ frames: 8, timestamp: now })).lost;
      now += most === 700 ? most * random() : most;
    }
    expect(truth / transfers).toBeGreaterThanOrEqual(atLeast - 0.01);
    expect(Math.abs(found - truth)).toBeLessThanOrEqual(atLeast + 1);
  });
});

/** Runs of frames that the device was not asked for, between frames that it was: how long each was. */
function holes(asked: readonly number[]): number[] {
  return asked.flatMap((frame, i) => {
    const missed = frame - (asked[i - 1] ?? frame - 1) - 1;
    return missed > 0 ? [missed] : [];
  });
}

describe("the estimated timeline, on a bus that hides its clock", patience, () => {
  function run(
    plan: readonly VirtualFault[],
    options: { frames: number; queue: number; asapDelay: number },
    end: number,
  ) {
    const scheduler = new VirtualTimeScheduler();
    const bus = new VirtualBus({
      clock: schedulerClock(scheduler),
      asapDelay: options.asapDelay,
      capabilities: { frameNumber: false },
    });
    const device = new ObservedDevice();
    bus.attach(device).inject(...plan);
    const results: IsochResults[] = [];
    const subscription = isochPipe(bus, inPipe)
      .results({ frames: options.frames, queue: options.queue })
      .subscribe((each) => results.push(each));
    scheduler.schedule(() => {
      subscription.unsubscribe();
    }, end);
    scheduler.flush();
    return { device, results };
  }

  const total = (results: readonly IsochResults[]) => results.reduce((sum, each) => sum + each.lost, 0);

  it("estimates each gap that a stalled host makes to within a transfer of the truth", () => {
    let gaps = 0;
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 2, max: 4 }),
        fc.nat({ max: 2 }),
        fc.array(fc.integer({ min: 1, max: 120 }), { minLength: 1, maxLength: 3 }),
        (frames, queue, asapDelay, stalls) => {
          const plan = stalls.map((length, i): VirtualFault => ({
            type: "host-stall",
            frame: 50 + 200 * i,
            frames: length,
          }));
          const { device, results } = run(plan, { frames, queue, asapDelay }, 800);
          const truth = holes(device.asked);
          const found = results.flatMap(({ lost }) => (lost > 0 ? [lost] : []));
          gaps += truth.length;
          // The frames between a submission and its start cannot be told from a dry queue.
          const tolerance = frames + asapDelay;
          expect(truth.filter((missed) => missed > tolerance).length).toBeLessThanOrEqual(found.length);
          expect(found.filter((missed) => missed > tolerance).length).toBeLessThanOrEqual(truth.length);
          expect(Math.abs(total(results) - truth.reduce((sum, each) => sum + each, 0))).toBeLessThanOrEqual(
            tolerance * stalls.length,
          );
          for (const [i, each] of results.entries()) {
            const before = results[i - 1];
            expect(each.firstFrame - each.lost).toBe(before === undefined ? 0 : before.firstFrame + before.served);
          }
        },
      ),
      { numRuns: 150 },
    );
    expect(gaps).toBeGreaterThan(100);
  });

  it.each([0, 1, 2, 5])("with one transfer in flight, finds the %i frames before each start", (asapDelay) => {
    const { device, results } = run([], { frames: 4, queue: 1, asapDelay }, 4_000);
    const truth = holes(device.asked).reduce((sum, each) => sum + each, 0);
    expect(truth).toBeGreaterThanOrEqual(asapDelay * (results.length - 1));
    expect(Math.abs(total(results) - truth)).toBeLessThanOrEqual(asapDelay);
  });

  it("finds no gap in a long stream whose completions come late, but not too late", () => {
    const plan: VirtualFault[] = [{ type: "jitter", microseconds: 15_000, seed: 3 }];
    const { device, results } = run(plan, { frames: 8, queue: 4, asapDelay: 2 }, 40_000);
    expect(holes(device.asked)).toStrictEqual([]);
    expect(results.length).toBeGreaterThan(4_900);
    expect(total(results)).toBe(0);
  });
});

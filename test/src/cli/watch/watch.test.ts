import { describe, expect, it } from "vitest";
import { isSound, summarize } from "../../../../src/cli/watch/summary.js";
import { EndpointError } from "../../../../src/index.js";
import { lastState, watched } from "./watching.js";

/** Transfers of 64 frames that are complete after a second, and the 8 in flight then. */
const wholeSecond = (124 + 8) * 64;

describe("watch", () => {
  it("accounts for every frame of an undisturbed stream", () => {
    const { last, isComplete, states } = watched();
    expect(last?.end).toStrictEqual({ reason: "finished" });
    expect(last && summarize(last)).toMatchObject({
      transfers: 132,
      busFrames: wholeSecond,
      delivered: wholeSecond,
      lost: 0,
      failed: 0,
      short: 0,
      statuses: {},
      bytes: wholeSecond * 3072,
      seconds: 1.056,
      jitter: { mean: 0, max: 0 },
      counters: { inSequence: wholeSecond, skipped: 0, wrong: 0 },
      checks: { conserved: true, counters: true },
    });
    expect(isComplete).toBe(true);
    expect(states.map(({ totals }) => totals.elapsed)).toStrictEqual([0, 200, 400, 600, 800, 1000, 1056.25, 1056.25]);
  });

  it("closes the device before it completes", () => {
    expect(watched().audit).toMatchObject({ openDevices: 0, claimedInterfaces: 0, inFlight: 0 });
  });

  it("counts the packets that fail or come short, and goes on", () => {
    const state = lastState({ faults: ["crc@1000", "stall@2000x3", "short@3000x10", "short@4000=4"] });
    expect(summarize(state)).toMatchObject({
      delivered: wholeSecond,
      lost: 0,
      failed: 4,
      short: 11,
      statuses: { crc: 1, stall: 3 },
      bytes: wholeSecond * 3072 - 3 * 3072 - 10 * 2972 - 3068,
      // Neither the failed packets nor the one of 4 bytes has a counter to check.
      counters: { inSequence: wholeSecond - 5, skipped: 0, wrong: 0 },
      checks: { conserved: true, counters: true },
    });
    expect(state.troubles).toMatchObject({ incidents: 2, last: { status: "stall", frame: 2000, frames: 3 } });
  });

  it("loses what the bus had while the program did not run, to the frame", () => {
    const state = lastState({ faults: ["host-stall@2000x4000"] });
    // 31 transfers were complete and 8 queued; the next begins two frames after the stall.
    const lost = 6002 - (2 + 39 * 64);
    const summary = summarize(state);
    expect(summary).toMatchObject({ lost, failed: 0, statuses: { lost }, checks: { conserved: true, counters: true } });
    expect(summary.busFrames).toBe(summary.delivered + lost);
    expect(summary.counters?.inSequence).toBe(summary.delivered);
    expect(state.troubles.last).toStrictEqual({ status: "lost", frame: 2498, frames: lost });
  });

  it("loses nothing in a stall that the queue outlasts", () => {
    expect(summarize(lastState({ faults: ["host-stall@2000x400"] }))).toMatchObject({
      lost: 0,
      delivered: wholeSecond,
    });
  });

  it("measures the jitter", () => {
    const { jitter } = summarize(lastState({ faults: ["jitter=200"] }));
    expect(jitter.mean).toBeGreaterThan(20);
    expect(jitter.mean).toBeLessThan(jitter.max);
    expect(jitter.max).toBeLessThanOrEqual(400);
  });

  it("ends with what had arrived when the device is unplugged", () => {
    const { last, error, isComplete, audit } = watched({ faults: ["unplug@4000"] });
    expect(error).toBeUndefined();
    expect(isComplete).toBe(true);
    expect(last?.end).toMatchObject({ reason: "failed", error: { code: "device-gone" } });
    expect(last && summarize(last)).toMatchObject({
      delivered: 3998,
      lost: 0,
      failed: 0,
      jitter: { mean: 0, max: 0 },
      end: "failed",
      error: { code: "device-gone" },
      checks: { conserved: true, counters: true },
    });
    expect(audit).toMatchObject({ openDevices: 0, inFlight: 0 });
  });

  it("cuts short what is in flight at an interrupt", () => {
    const { last, isComplete, audit } = watched({ interruptAt: 500 });
    expect(last?.end).toStrictEqual({ reason: "interrupted" });
    expect(last && summarize(last)).toMatchObject({
      delivered: 3998,
      lost: 0,
      jitter: { mean: 0, max: 0 },
      checks: { conserved: true },
    });
    expect(isComplete).toBe(true);
    expect(audit).toMatchObject({ openDevices: 0, claimedInterfaces: 0, inFlight: 0 });
  });

  it("errors, and leaves nothing open, where the endpoint is none", () => {
    const { states, error, audit } = watched({ endpoint: 0x82 });
    expect(error).toBeInstanceOf(EndpointError);
    expect(states).toStrictEqual([]);
    expect(audit).toMatchObject({ openDevices: 0, claimedInterfaces: 0 });
  });

  it.each([
    ["full", 1000, 1023],
    ["super", 125, 49_152],
  ] as const)("streams at %s speed", (speed, frameDuration, frameLength) => {
    const state = lastState({ speed, options: { duration: 200 } });
    expect(state.endpoint).toMatchObject({ frameDuration, frameLength, frames: 8000 / frameDuration });
    expect(isSound(summarize(state))).toBe(true);
  });

  it.each([1, 7, 500])("streams in transfers of %d frames", (frames) => {
    const summary = summarize(lastState({ options: { frames, queue: 3 } }));
    expect(summary.delivered).toBe(summary.transfers * frames);
    expect(isSound(summary)).toBe(true);
  });

  describe("with a device whose clock is its own", () => {
    it("expects a fast one to skip counters", () => {
      const summary = summarize(lastState({ clockPpm: 500 }));
      expect(summary.counters).toMatchObject({ skipped: 4, wrong: 0 });
      expect(summary).toMatchObject({ lost: 0, checks: { conserved: true, counters: true } });
    });

    it("sees the short packets of a slow one", () => {
      const summary = summarize(lastState({ clockPpm: -500 }));
      expect(summary.short).toBeGreaterThan(0);
      expect(summary).toMatchObject({ lost: 0, failed: 0, checks: { conserved: true, counters: true } });
    });
  });

  describe("of an OUT endpoint", () => {
    it("shows that every packet has arrived", () => {
      const summary = summarize(lastState({ endpoint: 0x01 }));
      expect(summary).toMatchObject({
        direction: "out",
        delivered: wholeSecond,
        lost: 0,
        statistics: { packets: wholeSecond, mismatches: 0, short: 0 },
      });
      expect(summary.counters).toBeUndefined();
    });

    it("shows what the device missed", () => {
      const summary = summarize(lastState({ endpoint: 0x01, faults: ["crc@1000x2", "short@3000x10=4"] }));
      expect(summary).toMatchObject({
        failed: 2,
        short: 10,
        statistics: { packets: wholeSecond - 12, mismatches: 2, short: 10 },
      });
    });

    it("keeps the device's last answer where the device is gone", () => {
      const { statistics, end } = lastState({ endpoint: 0x01, faults: ["unplug@4000"] });
      expect(end?.reason).toBe("failed");
      expect(statistics?.packets).toBeGreaterThan(3000);
    });
  });
});

describe("summarize", () => {
  it("does not take an unexplained jump of the counter for sound", () => {
    const state = lastState({ options: { duration: 200 } });
    const broken = { ...state, counter: state.counter && { ...state.counter, skipped: 1 } };
    expect(isSound(summarize(broken))).toBe(false);
  });

  it("does not take a missing frame for sound", () => {
    const state = lastState({ options: { duration: 200 } });
    const broken = { ...state, totals: { ...state.totals, delivered: state.totals.delivered - 1 } };
    expect(isSound(summarize(broken))).toBe(false);
  });
});

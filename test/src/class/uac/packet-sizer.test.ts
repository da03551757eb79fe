import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MirrorSizer, PacketSizer } from "../../../../src/class/uac/index.js";
import { failure, thrown } from "../../../support/plain-error.js";

const minutes = 60;

function sum(count: number, next: () => number): number {
  let total = 0;
  for (let i = 0; i < count; i++) total += next();
  return total;
}

describe("PacketSizer", () => {
  it("makes nine packets of 44 samples and one of 45 at 44.1 kHz", () => {
    const sizer = new PacketSizer({ sampleRate: 44_100, frameDuration: 1000 });
    expect(Array.from({ length: 10 }, () => sizer.next())).toStrictEqual([44, 44, 44, 44, 44, 44, 44, 44, 44, 45]);
  });

  it.each([
    [44_100, 1000],
    [44_100, 125],
    [48_000, 1000],
    [48_000, 125],
    [11_025, 1000],
    [192_000, 125],
  ])("%i Hz in packets of %i µs is exact after ten minutes", (sampleRate, frameDuration) => {
    const sizer = new PacketSizer({ sampleRate, frameDuration });
    const packets = (10 * minutes * 1_000_000) / frameDuration;
    expect(sum(packets, () => sizer.next())).toBe(10 * minutes * sampleRate);
  });

  it("never rounds: after n packets, the whole part of what n are due, at any rate and under any feedback", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 8000, max: 384_000 }),
        fc.constantFrom(125, 250, 1000, 4000),
        fc.array(fc.tuple(fc.option(fc.integer({ min: fixed, max: 400 * fixed })), fc.integer({ min: 1, max: 500 })), {
          maxLength: 20,
        }),
        (sampleRate, frameDuration, changes) => {
          const sizer = new PacketSizer({ sampleRate, frameDuration });
          let sent = 0n;
          // In parts of a sample: 2^16 of them in 16.16, 10^6 of them in microseconds.
          let due = 0n;
          const parts = 65_536n * 1_000_000n;
          for (const [rate, packets] of changes) {
            sizer.setRate(rate ?? undefined);
            for (let i = 0; i < packets; i++) {
              due += rate === null ? BigInt(sampleRate * frameDuration) * 65_536n : BigInt(rate) * 1_000_000n;
              sent += BigInt(sizer.next());
              expect(sent).toBe(due / parts);
            }
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  it("puts off what does not fit into a packet, and what has to be sent before it is due", () => {
    const full = new PacketSizer({ sampleRate: 44_100, frameDuration: 1000, maxSamples: 44 });
    // A tenth of a sample more than fits is due in each.
    expect(sum(100, () => full.next())).toBe(4400);
    full.setRate(43 * fixed);
    expect(sum(100, () => full.next())).toBe(4300 + 10);
    const few = new PacketSizer({ sampleRate: 8000, frameDuration: 125, minSamples: 1 });
    few.setRate(0.99 * fixed);
    expect(sum(100, () => few.next())).toBe(100);
    few.setRate(1.01 * fixed);
    expect(sum(200, () => few.next())).toBe(201);
  });

  it("keeps no more than a packet of what does not fit", () => {
    const sizer = new PacketSizer({ sampleRate: 48_000, frameDuration: 1000, maxSamples: 48 });
    sizer.setRate(100 * fixed);
    sum(1000, () => sizer.next());
    sizer.setRate(1 * fixed);
    expect(sum(3, () => sizer.next())).toBe(48 + 3);
  });

  it("owes no more than a packet of what had to be sent before it was due", () => {
    const sizer = new PacketSizer({ sampleRate: 2000, frameDuration: 125, minSamples: 1, maxSamples: 4 });
    for (let i = 0; i < 1000; i++) expect(sizer.next()).toBe(1);
    sizer.setRate(2 * 65_536);
    expect(Array.from({ length: 6 }, () => sizer.next())).toStrictEqual([1, 1, 1, 1, 2, 2]);
  });

  it("tells its rate", () => {
    const sizer = new PacketSizer({ sampleRate: 44_100, frameDuration: 125 });
    expect(sizer.sampleRate).toBe(44_100);
    sizer.setRate(6 * fixed);
    expect(sizer.sampleRate).toBe(48_000);
    sizer.setRate(undefined);
    expect(sizer.sampleRate).toBe(44_100);
  });

  it.each([0, -1, NaN, Infinity])("refuses a rate of %d", (rate) => {
    const sizer = new PacketSizer({ sampleRate: 44_100, frameDuration: 125 });
    expect(thrown(() => sizer.setRate(rate))).toStrictEqual(failure("InvalidRequestError", "invalid-number", "16.16"));
  });
});

describe("MirrorSizer", () => {
  it("is at the nominal rate until something is captured", () => {
    const sizer = new MirrorSizer({ sampleRate: 48_000, frameDuration: 1000 });
    expect(sum(100, () => sizer.next())).toBe(4800);
  });

  it("sends as many as are captured, however far ahead, and never more than a sample off", () => {
    fc.assert(
      fc.property(fc.integer({ min: -900, max: 900 }), fc.integer({ min: 1, max: 64 }), (ppm, ahead) => {
        const sizer = new MirrorSizer({ sampleRate: 44_100, frameDuration: 1000 });
        const clock = (packets: number) => Math.floor((packets * 44.1 * (1_000_000 + ppm)) / 1_000_000);
        let sent = sum(ahead, () => sizer.next());
        let worst = 0;
        for (let i = 0; i < 20_000; i++) {
          sizer.captured(1, clock(i + 1) - clock(i));
          sent += sizer.next();
          worst = Math.max(worst, Math.abs(sent - clock(i + 1 + ahead)));
        }
        // Before the clock was measured, so far ahead, the nominal rate was a guess.
        expect(worst).toBeLessThanOrEqual(2 + (ahead * 44.1 * 900) / 1_000_000);
      }),
      { numRuns: 20 },
    );
  });

  it("counts what was lost, on either side, at the rate there is", () => {
    const sizer = new MirrorSizer({ sampleRate: 48_000, frameDuration: 1000 });
    sizer.captured(1000, undefined);
    sizer.skipped(500);
    expect(sum(500, () => sizer.next())).toBe(24_000);
    expect(sizer.sampleRate).toBeCloseTo(48_000, 6);
  });

  it("does not take silence of the capture endpoint for a clock", () => {
    const sizer = new MirrorSizer({ sampleRate: 48_000, frameDuration: 1000, minSamples: 1 });
    for (let i = 0; i < 3000; i++) sizer.captured(1, 0);
    expect(sizer.sampleRate).toBe(48_000);
    expect(sizer.next()).toBe(1);
  });
});

const fixed = 65_536;

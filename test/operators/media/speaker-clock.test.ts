import { lastValueFrom, of, tap, toArray } from "rxjs";
import { describe, expect, it } from "vitest";
import { speaker } from "../../../operators/media/index.js";
import { unpacedClock, VirtualBus } from "../../../transports/virtual/index.js";
import { AudioDevice, audioIds, countingSamples, type AudioDeviceOptions } from "../../support/audio-device.js";
import { expectClean } from "../../support/marble-lab.js";

const seconds = 600;

/** Plays so many seconds of virtual time, and tells what the device has seen of it. */
async function play(options: AudioDeviceOptions, sampleRate: number, seconds: number) {
  const device = new AudioDevice(options);
  const bus = new VirtualBus({ devices: [device], clock: unpacedClock() });
  let silence = 0;
  let lost = 0;
  let rate = 0;
  let deepest = 0;
  await lastValueFrom(
    of(countingSamples(seconds * sampleRate)).pipe(
      speaker(bus, audioIds, { sampleRate, channels: 2, bits: 16, latency: 16 }),
      tap((played) => {
        silence += played.silence;
        lost += played.results.lost;
        rate = played.sampleRate;
        deepest = Math.max(deepest, bus.audit().inFlight);
      }),
    ),
  );
  expectClean(bus);
  const { received, underruns, overruns, mismatches, levels } = device.speaker;
  const settled = levels[1] ?? 0;
  const drift = Math.max(...levels.slice(1).map((level) => Math.abs(level - settled)));
  return { received, underruns, overruns, mismatches, silence, lost, rate, drift, deepest };
}

describe("a speaker with a clock of its own, for ten minutes", { timeout: 120_000 }, () => {
  /** Samples by which the resolution of the feedback adds up: half a unit of 10.14 or 16.16 in each packet. */
  const resolution = { full: (seconds * 1000) / 2 ** 15, high: (seconds * 8000) / 2 ** 17 } as const;

  it.each<[ppm: number, speed: "full" | "high", sampleRate: number]>([
    [200, "full", 44_100],
    [-200, "full", 48_000],
    [200, "high", 48_000],
    [-200, "high", 44_100],
  ])("%i ppm off, explicit feedback at %s speed, %i Hz", async (ppm, speed, sampleRate) => {
    const { drift, rate, deepest, ...rest } = await play({ speed, feedback: "explicit", ppm }, sampleRate, seconds);
    expect(rest).toStrictEqual({
      received: seconds * sampleRate,
      underruns: 0,
      overruns: 0,
      mismatches: 0,
      silence: 0,
      lost: 0,
    });
    expect(drift).toBeLessThanOrEqual(resolution[speed] + 3);
    expect(Math.abs(rate / (sampleRate * (1 + ppm / 1e6)) - 1)).toBeLessThan(1e-6);
    expect(deepest).toBeLessThanOrEqual(4 + 4);
  });

  it.each<[ppm: number, speed: "full" | "high", sampleRate: number]>([
    [-200, "full", 44_100],
    [200, "high", 48_000],
  ])("%i ppm off, implicit feedback at %s speed, %i Hz", async (ppm, speed, sampleRate) => {
    const { drift, rate, deepest, ...rest } = await play({ speed, feedback: "implicit", ppm }, sampleRate, seconds);
    expect(rest).toStrictEqual({
      received: seconds * sampleRate,
      underruns: 0,
      overruns: 0,
      mismatches: 0,
      silence: 0,
      lost: 0,
    });
    // What is captured is all there is to know: the account stays open by a sample or two, and never adds up.
    expect(drift).toBeLessThanOrEqual(3);
    expect(Math.abs(rate / (sampleRate * (1 + ppm / 1e6)) - 1)).toBeLessThan(1e-4);
    expect(deepest).toBeLessThanOrEqual(4 + 4);
  });

  it.each<[feedback: "explicit" | "implicit", sampleRate: number, ppm: number]>([
    ["explicit", 8000, -200],
    ["implicit", 8000, -200],
    ["explicit", 6000, -200],
  ])("%s feedback at high speed, %i Hz and %i ppm: packets are empty where no sample is due", async (...of) => {
    const [feedback, sampleRate, ppm] = of;
    const options = { speed: "high", feedback, ppm, fifo: 400, sampleRates: [16_000, sampleRate] } as const;
    const { drift, received, silence, lost, underruns, overruns, mismatches } = await play(options, sampleRate, 60);
    expect({ received, silence, lost }).toStrictEqual({ received: 60 * sampleRate, silence: 0, lost: 0 });
    expect({ underruns, overruns, mismatches }).toStrictEqual({ underruns: 0, overruns: 0, mismatches: 0 });
    // A packet of one sample in each microframe would be 96 off.
    expect(drift).toBeLessThanOrEqual(8);
  });

  it.each([200, -200])("%i ppm off: without feedback it does not last, so the device is strict", async (ppm) => {
    const { underruns, overruns } = await play({ speed: "full", feedback: "none", ppm }, 48_000, 90);
    expect(ppm > 0 ? underruns : overruns).toBeGreaterThan(0);
  });
});

it("has no more in flight than its latency", async () => {
  const device = new AudioDevice({ speed: "full", feedback: "none" });
  const bus = new VirtualBus({ devices: [device], clock: unpacedClock() });
  const played = await lastValueFrom(
    of(countingSamples(48_000)).pipe(speaker(bus, audioIds, { latency: 12 }), toArray()),
  );
  // Three milliseconds in each transfer, four of those.
  expect(new Set(played.slice(0, -1).map(({ results }) => results.length))).toStrictEqual(new Set([3]));
  expect(device.speaker.received).toBe(48_000);
});

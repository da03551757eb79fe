import { lastValueFrom, of, reduce, take, toArray } from "rxjs";
import { describe, expect, it } from "vitest";
import { microphone, speaker, type Played } from "../../../operators/media/index.js";
import { microphoneDevice, speakerDevice, unpacedClock, VirtualBus } from "../../../transports/virtual/index.js";
import { countingSamples } from "../../support/audio-device.js";
import { expectClean } from "../../support/marble-lab.js";

const seconds = 60;
const format = { channels: 2, bits: 16 } as const;

describe("the microphone and the speaker of the virtual bus", () => {
  it.each<[clockPpm: number, sampleRate: number, capabilities: object]>([
    [200, 48_000, {}],
    [-200, 44_100, {}],
    [200, 44_100, { frameNumber: false, startFrame: false }],
  ])("%i ppm off at %i Hz: the speaker neither runs dry nor over (%o)", async (clockPpm, sampleRate, capabilities) => {
    const device = speakerDevice({ clockPpm });
    const bus = new VirtualBus({ devices: [device], clock: unpacedClock(), capabilities });
    const silence = await lastValueFrom(
      of(countingSamples(seconds * sampleRate)).pipe(
        speaker(bus, {}, { ...format, sampleRate, underrun: "error" }),
        reduce((sum, played: Played) => sum + played.silence, 0),
      ),
    );
    expect(silence).toBe(0);
    expect(device.sampleRate).toBe(sampleRate);
    expect(device.statistics).toMatchObject({ samples: seconds * sampleRate, malformed: 0, underruns: 0, overruns: 0 });
    expectClean(bus);
  });

  it.each<[feedback: "explicit" | "implicit", clockPpm: number, sampleRate: number]>([
    ["explicit", 200, 44_100],
    ["implicit", -200, 48_000],
  ])("%s feedback of UAC 2.0, %i ppm off at %i Hz: neither dry nor over", async (feedback, clockPpm, sampleRate) => {
    const device = speakerDevice({ uacVersion: 2, feedback, clockPpm });
    const bus = new VirtualBus({ devices: [device], clock: unpacedClock() });
    const played = await lastValueFrom(
      of(countingSamples(seconds * sampleRate)).pipe(speaker(bus, {}, { ...format, sampleRate, underrun: "error" })),
    );
    expect(played.feedback).toBe(feedback);
    expect(device.statistics).toMatchObject({ samples: seconds * sampleRate, malformed: 0, underruns: 0, overruns: 0 });
    expectClean(bus);
  });

  it("a microphone brings every sample of its clock", async () => {
    const device = microphoneDevice({ clockPpm: 200 });
    const bus = new VirtualBus({ devices: [device], clock: unpacedClock() });
    const blocks = await lastValueFrom(
      microphone(bus, {}, { ...format, sampleRate: 44_100, stream: { frames: 100 } }).pipe(take(600), toArray()),
    );
    const frames = blocks.reduce((sum, block) => sum + block.frames, 0);
    expect(Math.abs(frames - 60 * 44_100 * 1.0002)).toBeLessThanOrEqual(45);
    expect(blocks.reduce((sum, { lost }) => sum + lost, 0)).toBe(0);
    expectClean(bus);
  });
});

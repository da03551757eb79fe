import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { tone } from "../../../../transports/virtual/index.js";
import { ClassDevice } from "../support/class-devices.js";
import { run } from "../support/kernel.js";

const driver = "snd-usb-audio";
const seconds = 5;
/** Milliseconds that a guest in emulation may be held up for. */
const fifo = 2000;

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "snd-usb-audio-"));
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

/** What arecord and aplay want to know. */
function format(card: string, sampleRate: number, channels: number): readonly string[] {
  return [
    ...["--device", `hw:${card.slice("card".length)},0`, "--quiet", "--file-type", "raw"],
    ...["--format", "S16_LE", "--rate", String(sampleRate), "--channels", String(channels)],
  ];
}

const bytesOf = (samples: Int16Array) => Buffer.from(samples.buffer);

describe.each([48_000, 44_100])("the kernel's snd-usb-audio at %i Hz", (sampleRate) => {
  test.each([1, 2] as const)(
    "records the tone of a microphone with %i channels, sample for sample",
    { timeout: 120_000 },
    async (channels) => {
      await using microphone = await ClassDevice.attach("microphone", { channels, fifo }, driver);
      const card = await microphone.child("sound");
      expect(microphone.sysfs.interfaceDriver(1)).toBe(driver);
      const file = join(directory, "recorded");
      run("arecord", ...format(card, sampleRate, channels), "--duration", String(seconds), file);

      const recorded = readFileSync(file);
      const size = 2 * channels;
      expect(recorded).toHaveLength(seconds * sampleRate * size);
      // It repeats itself after a second.
      const turn = bytesOf(tone(0, 2 * sampleRate, { sampleRate, channels }));
      const first = turn.indexOf(recorded.subarray(0, 64 * size)) / size;
      expect(first).toBeGreaterThanOrEqual(0);
      const expected = bytesOf(tone(first, seconds * sampleRate, { sampleRate, channels }));
      const differing = recorded.findIndex((byte, i) => byte !== expected[i]);
      expect(differing, "the first byte that differs").toBe(-1);
      expect(await microphone.failures()).toStrictEqual([]);
      console.log(`recorded from sample ${first} on`, await microphone.counts());
    },
  );

  test.each(["asynchronous", "adaptive"] as const)(
    "plays a tone that arrives sample for sample at a speaker, %s",
    { timeout: 120_000 },
    async (synchronization) => {
      const options = { synchronization, fifo, record: 2 ** 22 };
      await using speaker = await ClassDevice.attach("speaker", options, driver);
      const card = await speaker.child("sound");
      const file = join(directory, "played");
      const sent = bytesOf(tone(1, seconds * sampleRate, { sampleRate }));
      // The driver stops a few milliseconds before it has played the last of a file.
      writeFileSync(file, Buffer.concat([sent, Buffer.alloc(sampleRate)]));
      run("aplay", ...format(card, sampleRate, 2), file);

      // Around it there may be silence.
      const arrived = await speaker.recorded();
      const first = arrived.findIndex((byte) => byte !== 0) & ~3;
      const differing = sent.findIndex((byte, i) => byte !== arrived[first + i]);
      expect(differing, "the first byte that differs").toBe(-1);
      const behind = arrived.subarray(first + sent.length);
      expect(behind.every((byte) => byte === 0)).toBe(true);
      expect(await speaker.failures()).toStrictEqual([]);
      console.log(`${first / 4} samples of silence before, ${behind.length / 4} behind`, await speaker.counts());
    },
  );
});

describe("the kernel's mixer", () => {
  test.each(["microphone", "speaker"] as const)("has the mute and the volume of a %s", async (kind) => {
    await using device = await ClassDevice.attach(kind, {}, driver);
    const card = (await device.child("sound")).slice("card".length);
    const contents = run("amixer", "--card", card, "contents");
    expect(contents).toMatch(/name='.* Switch'/);
    expect(contents).toMatch(/name='.* Volume'/);
    const [, numid = ""] = /numid=(\d+),iface=MIXER,name='.* Volume'/.exec(contents) ?? [];
    // -10 dB of 60.
    expect(run("amixer", "--card", card, "cset", `numid=${numid}`, "50")).toContain(": values=50");
    expect(run("amixer", "--card", card, "cget", `numid=${numid}`)).toContain(": values=50");
  });
});

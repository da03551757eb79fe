import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { tone, type MicrophoneDeviceOptions, type SpeakerDeviceOptions } from "../../../../transports/virtual/index.js";
import { ClassDevice } from "../support/class-devices.js";
import { run } from "../support/kernel.js";

const driver = "snd-usb-audio";
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

/** Records so many seconds of a microphone, and compares them with the tone that it hears. */
async function record(
  { channels, ...options }: MicrophoneDeviceOptions & { readonly channels: 1 | 2 },
  sampleRate: number,
  seconds: number,
): Promise<void> {
  await using microphone = await ClassDevice.attach("microphone", { channels, fifo, ...options }, driver);
  const card = await microphone.child("sound");
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
}

/** Plays so many seconds of a tone, and compares them with what arrived at the speaker. */
async function play(options: SpeakerDeviceOptions, sampleRate: number, seconds: number): Promise<void> {
  await using speaker = await ClassDevice.attach("speaker", { fifo, record: 2 ** 22, ...options }, driver);
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
}

// Whatever else the host does can hold up the whole guest for longer than the driver has in flight.
const again = { retry: 4, timeout: 120_000 };

describe.each([48_000, 44_100])("the kernel's snd-usb-audio at %i Hz", again, (sampleRate) => {
  test.each([1, 2] as const)("records the tone of a microphone with %i channels, sample for sample", (channels) =>
    record({ channels }, sampleRate, 5),
  );

  test.each(["asynchronous", "adaptive"] as const)(
    "plays a tone that arrives sample for sample at a speaker, %s",
    (synchronization) => play({ synchronization }, sampleRate, 5),
  );
});

describe("the kernel's snd-usb-audio, of UAC 2.0", again, () => {
  const seconds = 2;

  test.each<[sampleRate: number, channels: 1 | 2]>([
    [48_000, 1],
    [44_100, 2],
  ])("records the tone of a microphone at %i Hz with %i channels, sample for sample", (sampleRate, channels) =>
    record({ uacVersion: 2, channels }, sampleRate, seconds),
  );

  test("records what an external clock without a signal is in the way of: it selects the valid one", () =>
    record({ uacVersion: 2, channels: 2, externalClock: true }, 48_000, seconds));

  test.each<[options: SpeakerDeviceOptions, sampleRate: number]>([
    [{ feedback: "explicit" }, 44_100],
    [{ feedback: "explicit", clockPpm: 200 }, 48_000],
    [{ feedback: "implicit" }, 48_000],
    [{ synchronization: "adaptive", sampleRates: [44_100] }, 44_100],
  ])("plays a tone that arrives sample for sample at a speaker, %o at %i Hz", (options, sampleRate) =>
    play({ uacVersion: 2, ...options }, sampleRate, seconds),
  );

  test("has a mixer with the mute, the volume and the validity of the clock", async () => {
    await using speaker = await ClassDevice.attach("speaker", { uacVersion: 2 }, driver);
    const card = (await speaker.child("sound")).slice("card".length);
    const contents = run("amixer", "--card", card, "contents");
    expect(contents).toMatch(/name='.* Switch'/);
    expect(contents).toMatch(/name='.* Volume'/);
    // Its type stands between its name and its value.
    expect(contents).toMatch(/name='internal Validity'\n.*\n.*: values=on/);
  });
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

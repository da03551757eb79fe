import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { decode } from "fast-png";
import { firstValueFrom, lastValueFrom, NEVER, of, toArray, type Observable } from "rxjs";
import { afterAll, describe, expect, it } from "vitest";
import { capture, type CaptureOptions, type CaptureSummary as Summary } from "../../../../src/cli/capture/capture.js";
import { aviUpTo } from "../../../../src/cli/capture/avi.js";
import { captureFormat } from "../../../../src/cli/capture/formats.js";
import { wavUpTo } from "../../../../src/cli/capture/wav.js";
import { addCounts, noCounts } from "../../../../src/cli/stream-account.js";
import { virtualTarget } from "../../../../src/cli/virtual-target.js";
import type { VirtualKind } from "../../../../src/cli/virtual-devices.js";
import { deviceTarget } from "../../../../src/cli/device-target.js";
import type { StreamTarget } from "../../../../src/cli/target.js";
import { parseFault } from "../../../../src/cli/faults.js";
import {
  cameraDevice,
  microphoneDevice,
  testCardNumber,
  unpacedClock,
  VirtualBus,
} from "../../../../transports/virtual/index.js";
import { fullDisk } from "../../../support/full-disk.js";
import { Scratch } from "../../../support/pack.js";
import { parseAvi, wavChunks } from "../../../support/riff.js";
import { capturePrinted } from "../printed.js";

const printed = capturePrinted();
const scratch = new Scratch();

afterAll(() => {
  scratch[Symbol.dispose]();
});

interface Setting {
  /** Default: that of the format. */
  readonly kind?: VirtualKind;
  readonly faults?: readonly string[];
  readonly target?: Observable<StreamTarget>;
}

/** Captures from a virtual device, as fast as it goes. */
async function captured(
  name: string,
  options: Partial<CaptureOptions> = {},
  { target, kind, faults = [] }: Setting = {},
) {
  const file = join(scratch.path, name);
  const format = captureFormat(undefined, file);
  const virtual = virtualTarget({
    kind: kind ?? format.virtual,
    clockPpm: 0,
    faults: faults.map(parseFault),
    direction: "in",
    clock: unpacedClock(),
  });
  const status = await capture(target ?? virtual, {
    output: file,
    format,
    duration: undefined,
    frames: undefined,
    transfer: undefined,
    queue: 8,
    badFrames: "skip",
    picture: {},
    count: undefined,
    sound: {},
    force: false,
    json: true,
    ...options,
  });
  return { status, file, bytes: existsSync(file) ? readFileSync(file) : Buffer.alloc(0) };
}

describe("captures of pictures", () => {
  it("makes a film of so many, of the size that is asked for", async () => {
    const { status, bytes } = await captured("film.avi", { count: 12, picture: { width: 320, height: 240 } });
    expect(status).toBe(0);
    expect(printed.json).toMatchObject({ format: "avi", written: bytes.length, lost: 0, failed: 0, end: "finished" });
    // Of the main header: pictures, width, height.
    expect([48, 64, 68].map((at) => bytes.readUInt32LE(at))).toStrictEqual([12, 320, 240]);
    expect(bytes.includes("MJPG")).toBe(true);
    expect(bytes.includes("idx1")).toBe(true);
  });

  it("finishes the film when the device is unplugged", async () => {
    const device = cameraDevice();
    const bus = new VirtualBus({ clock: unpacedClock() });
    const attachment = bus.attach(device);
    const selected = device.alternateSelected.bind(device);
    // Half a second after it has begun.
    device.alternateSelected = (interfaceNumber, alternate) => {
      selected(interfaceNumber, alternate);
      if (alternate > 0) attachment.inject({ type: "unplug", frame: Math.floor(bus.time / 125) + 4000 });
    };
    const target = deviceTarget(bus, { device: undefined, direction: "in", patience: { first: 1 } });
    const { status, bytes } = await captured("short.avi", {}, { target });
    expect(status).toBe(1);
    expect(printed.json).toMatchObject({ end: "failed", error: { code: "device-gone" } });
    expect(bytes.readUInt32LE(48)).toBeGreaterThan(3);
    expect(bytes.includes("idx1")).toBe(true);
  });

  it("ends where the film is full, with every picture that it took, and says so", async () => {
    const picture = { width: 320, height: 240 };
    // Several pictures in a transfer: those before the one that is too much are in the film.
    const { status, bytes } = await captured("full.avi", { format: aviUpTo(100_000), picture, transfer: 2000 });
    expect(status).toBe(3);
    expect(printed.stderr).toMatch(/^rx-isoch: file-full: an AVI file ends at 4 GiB.* go on with another$/);
    const { pictures, frames, ...summary } = JSON.parse(printed.stdout) as Summary;
    expect(summary).toMatchObject({ end: "failed", error: { code: "file-full" }, written: bytes.length });
    expect(frames % 2000).toBe(0);
    expect(bytes.length).toBeLessThanOrEqual(100_000);
    const index = bytes.lastIndexOf("idx1");
    const entries = bytes.readUInt32LE(index + 4) / 16;
    expect(entries).toBeGreaterThan(2);
    expect([bytes.readUInt32LE(48), pictures?.written]).toStrictEqual([entries, entries]);
    // Each entry leads to a picture.
    for (let i = 0; i < entries; i++) {
      const at = bytes.indexOf("movi") + bytes.readUInt32LE(index + 8 + i * 16 + 8);
      expect(bytes.readUInt16BE(at + 8)).toBe(0xffd8);
    }
  });

  it.each([100_000, 150_001])(
    "makes a film of what there is room for where the disk is full (%d bytes)",
    async (room) => {
      using _disk = await fullDisk(room);
      const picture = { width: 320, height: 240 };
      const { status, bytes } = await captured(`room-${room}.avi`, { picture });
      expect(status).toBe(3);
      expect(printed.stderr).toMatch(/^rx-isoch: no-space: /);
      const { pictures } = parseAvi(bytes);
      expect(printed.json).toMatchObject({
        end: "failed",
        error: { code: "no-space" },
        written: bytes.length,
        pictures: { written: pictures.length },
      });
      expect(pictures.length).toBeGreaterThan(2);
      for (const [i, data] of pictures.entries()) expect(testCardNumber("mjpeg", 320, 240, data)).toBe(i);
      // The next would not have fitted.
      expect(bytes.length).toBeGreaterThan(room - 20_000);
    },
  );

  it("counts the pictures that are whole in the file where the disk is full", async () => {
    using _disk = await fullDisk(100_000);
    const { status, bytes } = await captured("room.mjpeg", { picture: { width: 320, height: 240 } });
    expect(status).toBe(3);
    expect(bytes).toHaveLength(100_000);
    const whole = bytes.toString("latin1").split("\xff\xd9").length - 1;
    expect(whole).toBeGreaterThan(2);
    expect(printed.json).toMatchObject({ written: bytes.length, pictures: { written: whole } });
  });

  it("leaves no film where no picture came, and says so", async () => {
    const { status, file } = await captured("none.avi", { frames: 8 });
    expect(status).toBe(1);
    expect(printed.json).toMatchObject({ written: 0, pictures: { written: 0 } });
    expect(printed.stderr).toMatch(/^rx-isoch: no whole picture came/);
    expect(existsSync(file)).toBe(false);
  });

  it("leaves out pictures in which something is missing, unless they are to be kept", async () => {
    const numbers = (bytes: Buffer) =>
      bytes
        .toString("latin1")
        .split(/(?=\xff\xd8\xff)/)
        .map((each) => testCardNumber("mjpeg", 640, 480, Buffer.from(each, "latin1")));
    const faults = ["crc@600"];
    const picture = { width: 640, height: 480, frameRate: 30 };
    const skipped = await captured("skip.mjpeg", { count: 6, picture }, { faults });
    const kept = await captured("keep.mjpeg", { count: 6, picture, badFrames: "keep" }, { faults });
    const [first, second] = printed.stdout.split("\n").map((line) => (JSON.parse(line) as Summary).pictures);
    expect([first, second]).toStrictEqual([
      { written: 6, incomplete: 1 },
      { written: 6, incomplete: 1 },
    ]);
    expect(numbers(kept.bytes).slice(0, 6)).toStrictEqual([0, 1, 2, 3, 4, 5]);
    expect(numbers(skipped.bytes)).toHaveLength(6);
    expect(numbers(skipped.bytes).at(-1)).toBe(6);
  });

  it("makes one still picture, or several in files of their own", async () => {
    const one = await captured("still.png");
    expect(decode(one.bytes)).toMatchObject({ width: 640, height: 480 });
    await captured("many.png", { count: 3, picture: { width: 320, height: 240 } });
    const many = readdirSync(scratch.path).filter((name) => name.startsWith("many"));
    expect(many.sort()).toStrictEqual(["many-0001.png", "many-0002.png", "many-0003.png"]);
    expect(decode(readFileSync(join(scratch.path, "many-0003.png")))).toMatchObject({ width: 320, height: 240 });
  });

  it("says what pictures there are", async () => {
    const { status, file } = await captured("odd.avi", { picture: { width: 100, height: 100 } });
    expect(status).toBe(1);
    expect(printed.stderr).toMatch(/^rx-isoch: invalid-option: .*320 × 240/);
    expect(existsSync(file)).toBe(false);
  });

  it("says that a device is no camera", async () => {
    expect((await captured("none.avi", {}, { kind: "microphone" })).status).toBe(1);
    expect(printed.stderr).toMatch(/^rx-isoch: no-such-endpoint: .*camera/);
  });
});

describe("captures of sound", () => {
  it("makes a WAV of the rate that is asked for", async () => {
    const { status, bytes } = await captured("sound.wav", { frames: 500, sound: { sampleRate: 44_100 } });
    expect(status).toBe(0);
    expect(printed.json).toMatchObject({ format: "wav", frames: 500, written: bytes.length });
    expect([bytes.readUInt16LE(22), bytes.readUInt32LE(24)]).toStrictEqual([2, 44_100]);
    expect(bytes.readUInt32LE(40)).toBe(bytes.length - 44);
    expect((bytes.length - 44) / 4).toBeCloseTo(22_050, -2);
  });

  it("ends where the file is full, and says so", async () => {
    const { status, bytes } = await captured("full.wav", { format: wavUpTo(20_000) });
    expect(status).toBe(3);
    expect(printed.stderr).toMatch(/^rx-isoch: file-full: a WAV file ends at 4 GiB/);
    expect(printed.json).toMatchObject({ end: "failed", written: bytes.length });
    expect(bytes.readUInt32LE(40)).toBe(bytes.length - 44);
  });

  it("keeps time with silence where it is to", async () => {
    const faults = ["crc@100x100"];
    const short = await captured("short.wav", { frames: 400 }, { faults });
    const whole = await captured("whole.wav", { frames: 400, badFrames: "zero" }, { faults });
    expect((whole.bytes.length - short.bytes.length) / 4).toBeCloseTo(4800, -2);
  });

  it("makes a file of what there is room for where the disk is full", async () => {
    const whole = await captured("room.wav", { frames: 400 });
    using _disk = await fullDisk(20_003);
    const { status, bytes } = await captured("room-less.wav");
    expect(status).toBe(3);
    expect(printed.stderr).toMatch(/^rx-isoch: no-space: /);
    const { data } = wavChunks(bytes);
    expect(data).toHaveLength(20_000 - 44);
    expect(whole.bytes.subarray(44, 20_000).equals(data ?? Buffer.alloc(0))).toBe(true);
  });

  it.each([
    // A frame of the bus is 48 samples of four bytes, or as many bytes as were asked for.
    ["wav", 44, 48 * 4],
    ["raw", 0, 49 * 4],
  ])("makes the silence of an hour of no memory, and of the length that it had: %s", async (name, header, frame) => {
    const bus = new VirtualBus({ clock: unpacedClock() });
    bus.attach(microphoneDevice()).inject({ type: "host-stall", frame: 200, frames: 3_600_000 });
    const target = deviceTarget(bus, { device: undefined, direction: "in", patience: { first: 1 } });
    const found = await firstValueFrom(target);
    const steps = captureFormat(name, name).capture(found, {
      stop: NEVER,
      pause: of(false),
      frames: 400,
      transfer: undefined,
      queue: 8,
      badFrames: "zero",
      picture: {},
      count: undefined,
      sound: {},
    });
    const all = await lastValueFrom(steps.pipe(toArray()));
    const pieces = all.flatMap((step) => step.pieces);
    const inMemory = pieces.reduce((sum, piece) => sum + (piece instanceof Uint8Array ? piece.length : 0), 0);
    const length = pieces.reduce((sum, piece) => sum + ("length" in piece ? piece.length : 0), 0);
    const { bytes, lost } = all.reduce((sum, { counts }) => addCounts(sum, counts), noCounts);
    expect(lost).toBeGreaterThan(3_599_000);
    expect(inMemory).toBe(header + bytes);
    expect(length).toBe(header + bytes + lost * frame);
  });

  it("ends in time, whether sound comes or not", async () => {
    const { status, file } = await captured("none.wav", { duration: 50 }, { faults: ["crc@0x1000000000"] });
    expect(status).toBe(1);
    expect(printed.json).toMatchObject({ end: "finished", written: 0 });
    expect(existsSync(file)).toBe(false);
  });

  it("… of which silence is sound, where it is asked for", async () => {
    const faults = ["crc@0x1000000000"];
    const { status, file } = await captured("silence.wav", { frames: 50, badFrames: "zero" }, { faults });
    expect(status).toBe(0);
    expect(printed.json).toMatchObject({ end: "finished", failed: 50, written: 44 + 50 * 48 * 4 });
    expect(
      readFileSync(file)
        .subarray(44)
        .every((byte) => byte === 0),
    ).toBe(true);
  });
});

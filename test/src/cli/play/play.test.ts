import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { deviceTarget } from "../../../../src/cli/device-target.js";
import { playFormat } from "../../../../src/cli/play/formats.js";
import { play, type PlayOptions } from "../../../../src/cli/play/play.js";
import { VirtualBus, writeCounter } from "../../../../transports/virtual/index.js";
import { ObservedDevice } from "../../../support/observed-device.js";
import { Scratch } from "../../../support/pack.js";
import { capturePrinted, interrupt } from "../printed.js";

const printed = capturePrinted();
const scratch = new Scratch();
const file = join(scratch.path, "packets.raw");
const idle = { openDevices: 0, claimedInterfaces: 0, inFlight: 0 };

afterAll(() => {
  scratch[Symbol.dispose]();
});

/** So many packets of 64 bytes, each with its number. */
function writePackets(count: number): void {
  const bytes = new Uint8Array(count * 64);
  for (let i = 0; i < count; i++) writeCounter(bytes, i, i * 64);
  writeFileSync(file, bytes);
}

async function played(options: Partial<PlayOptions> = {}) {
  const device = new ObservedDevice();
  const bus = new VirtualBus({ devices: [device] });
  const target = deviceTarget(bus, { device: undefined, direction: "out", patience: { first: 1 } });
  const status = await play(target, {
    file,
    format: playFormat(undefined, file),
    pace: { frameLength: undefined },
    duration: undefined,
    transfer: undefined,
    queue: 4,
    underrun: undefined,
    json: true,
    ...options,
  });
  return { status, device, bus };
}

describe("play", () => {
  it("sends a file, packet by packet, byte for byte", async () => {
    writePackets(100);
    const { status, device, bus } = await played();
    expect(status).toBe(0);
    expect(device.sent.map(({ counter }) => counter)).toStrictEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(printed.json).toStrictEqual({
      file,
      format: "raw",
      device: "1209:0b5e on the virtual bus",
      frames: 100,
      lost: 0,
      failed: 0,
      bytes: 6400,
      milliseconds: expect.any(Number) as number,
      end: "finished",
    });
    expect(bus.audit()).toMatchObject(idle);
  });

  it("says it in a line for people", async () => {
    writePackets(10);
    await played({ json: false });
    expect(printed.stdout).toBe(`${file}: 0.00 MB, 10 frames, 0 lost`);
  });

  it("sends at the rate of samples", async () => {
    writePackets(20);
    const { device } = await played({ pace: { sampleRate: 44_100, sampleSize: 1 } });
    const lengths = device.sent.map(({ length }) => length);
    expect(lengths.slice(0, 11)).toStrictEqual([44, 44, 44, 44, 44, 44, 44, 44, 44, 45, 44]);
    expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(1280);
  });

  it("stops in the middle at a Ctrl-C, and closes the device", async () => {
    writePackets(60_000);
    const running = played();
    setTimeout(interrupt, 100);
    const { status, bus } = await running;
    expect(status).toBe(130);
    expect(printed.json).toMatchObject({ end: "interrupted" });
    expect(bus.audit()).toMatchObject(idle);
  });

  it("ends after the time that was asked for", async () => {
    writePackets(60_000);
    const { status } = await played({ duration: 100 });
    expect(status).toBe(0);
    expect(printed.json).toMatchObject({ end: "finished" });
  });

  it("says that the file is not there, before it looks for a device", async () => {
    expect((await played({ file: join(scratch.path, "nothing") })).status).toBe(3);
    expect(printed.stderr).toMatch(/^rx-isoch: no-such-file: /);
    expect(printed.stdout).toBe("");
  });

  it("says that frames of that length do not fit", async () => {
    writePackets(10);
    const { status, bus } = await played({ pace: { frameLength: 65 } });
    expect(status).toBe(1);
    expect(printed.stderr).toMatch(/^rx-isoch: length-out-of-range: /);
    expect(bus.audit()).toMatchObject(idle);
  });
});

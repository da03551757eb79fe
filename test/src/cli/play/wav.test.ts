import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { VirtualTimeScheduler } from "rxjs";
import { afterAll, describe, expect, it } from "vitest";
import { deviceTarget } from "../../../../src/cli/device-target.js";
import { UsageError } from "../../../../src/cli/outcome.js";
import { playFormat } from "../../../../src/cli/play/formats.js";
import { play, type PlayOptions } from "../../../../src/cli/play/play.js";
import { WavLayout } from "../../../../operators/node/wav-layout.js";
import { speakerDevice, tone, unpacedClock, VirtualBus } from "../../../../transports/virtual/index.js";
import { Scratch } from "../../../support/pack.js";
import { capturePrinted } from "../printed.js";

const printed = capturePrinted();
const scratch = new Scratch();
const file = join(scratch.path, "tone.wav");

afterAll(() => {
  scratch[Symbol.dispose]();
});

/** A tone of 200 ms. */
function writeTone(sampleRate: number): Uint8Array {
  const samples = tone(0, sampleRate / 5, { sampleRate, channels: 2 });
  const data = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
  const layout = new WavLayout();
  layout.add({ format: { sampleRate, channels: 2, bits: 16 }, data });
  writeFileSync(file, Buffer.concat([layout.finish().head, data]));
  return data;
}

async function played(options: Partial<PlayOptions> = {}, received?: () => void) {
  const device = speakerDevice({ received });
  const bus = new VirtualBus({ devices: [device], clock: unpacedClock() });
  const status = await play(deviceTarget(bus, { device: undefined, direction: "out", patience: { first: 1 } }), {
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

describe("play, of a WAV file", () => {
  it.each([48_000, 44_100])("is what the speaker hears, at %d samples a second", async (sampleRate) => {
    const data = writeTone(sampleRate);
    const { status, device, bus } = await played();
    expect(status).toBe(0);
    expect(printed.json).toMatchObject({ file, format: "wav", failed: 0, end: "finished" });
    expect(device.sampleRate).toBe(sampleRate);
    expect(Buffer.from(device.recorded()).indexOf(data)).toBeGreaterThanOrEqual(0);
    expect(bus.audit()).toMatchObject({ openDevices: 0, claimedInterfaces: 0, inFlight: 0 });
  });

  it("tells of all that was heard where it is stopped in the middle", async () => {
    const data = writeTone(48_000);
    const scheduler = new VirtualTimeScheduler();
    let packets = 0;
    const { status, device, bus } = await played({ duration: 60, scheduler }, () => {
      if (++packets === 60) scheduler.flush();
    });
    expect(status).toBe(0);
    const { length } = device.recorded();
    expect(length).toBeGreaterThan(0);
    expect(length).toBeLessThan(data.length);
    expect(printed.json).toMatchObject({ bytes: length, failed: 0, end: "finished" });
    expect(bus.audit()).toMatchObject({ openDevices: 0, claimedInterfaces: 0, inFlight: 0 });
  });

  it("says which sound the speaker has", async () => {
    writeTone(8000);
    expect((await played()).status).toBe(1);
    expect(printed.stderr).toMatch(/^rx-isoch: no-such-format: .*48000/);
  });

  it("says what is no WAV file", async () => {
    writeFileSync(file, "no sound");
    expect((await played()).status).toBe(3);
    expect(printed.stderr).toMatch(/^rx-isoch: bad-file: /);
  });

  it("takes no options of bytes, and no pipe", async () => {
    writeTone(48_000);
    await expect(played({ pace: { frameLength: 64 } })).rejects.toBeInstanceOf(UsageError);
    await expect(played({ underrun: "repeat" })).rejects.toBeInstanceOf(UsageError);
    await expect(played({ file: "-" })).rejects.toBeInstanceOf(UsageError);
  });
});

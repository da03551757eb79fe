import { firstValueFrom, lastValueFrom, map, take, toArray } from "rxjs";
import { describe, expect, it } from "vitest";
import { microphone, type MicrophoneOptions, type PcmBlock } from "../../../operators/media/index.js";
import { openDevice, type IsochTransport, type UsbDevice } from "../../../src/index.js";
import {
  microphoneDevice,
  tone,
  unpacedClock,
  VirtualBus,
  type MicrophoneDeviceOptions,
} from "../../../transports/virtual/index.js";
import { marbleBus } from "../../../transports/virtual/testing/index.js";
import { AudioDevice, audioIds, type AudioDeviceOptions } from "../../support/audio-device.js";
import { LoggedDevice } from "../../support/logged-device.js";
import { expectClean } from "../../support/marble-lab.js";
import { marbles } from "../../support/marbles.js";
import { failure, plain, plainErrors, thrown } from "../../support/plain-error.js";
import { strictTransport } from "../../support/strict-transport.js";

function lab(options: Partial<AudioDeviceOptions> = {}) {
  const device = new AudioDevice({ speed: "full", feedback: "none", ...options });
  const bus = new VirtualBus({ devices: [device], clock: unpacedClock() });
  return { device, bus, transport: strictTransport(bus) };
}

/** A microphone of UAC 2.0, and what it was asked. */
function clocked(options: MicrophoneDeviceOptions = {}) {
  const device = new LoggedDevice(microphoneDevice({ uacVersion: 2, ...options }));
  const bus = new VirtualBus({ devices: [device], clock: unpacedClock() });
  return { device, bus, transport: strictTransport(bus) };
}

/** Whether the samples of the left channel count up, from block to block too. */
function countUp(blocks: readonly PcmBlock[]): boolean {
  let next: number | undefined;
  for (const block of blocks) {
    const numbers = block.int16();
    for (let i = 0; i < numbers.length; i += 2) {
      const value = (numbers[i] ?? 0) & 0xffff;
      if (next !== undefined && value !== (next & 0xffff)) return false;
      next = value + 1;
    }
  }
  return next !== undefined;
}

describe("microphone", () => {
  it(
    "is a stream of blocks, in the time of the bus",
    marbles((m) => {
      const bus = marbleBus(m.scheduler);
      bus.attach(new AudioDevice({ speed: "full", feedback: "none" }));
      const subs = "    ^------!";
      const expected = "--a-b-c-";
      const blocks = microphone(bus, audioIds, { sampleRate: 48_000, stream: { frames: 2 } }).pipe(
        map(({ firstFrame, frames, channels, lost }) => ({ firstFrame, frames, channels, lost })),
      );

      m.expect(blocks, subs).toBeObservable(expected, {
        a: { firstFrame: 0, frames: 96, channels: 2, lost: 0 },
        b: { firstFrame: 96, frames: 96, channels: 2, lost: 0 },
        c: { firstFrame: 192, frames: 96, channels: 2, lost: 0 },
      });
      m.flush();
      expectClean(bus);
    }),
  );

  it("opens, sets the rate, brings every sample, and gives back in order", async () => {
    const { device, bus, transport } = lab({ ppm: 100 });
    const options = { sampleRate: 44_100, channels: 2, bits: 16 };
    const blocks = await lastValueFrom(microphone(transport, audioIds, options).pipe(take(100), toArray()));
    expect(countUp(blocks)).toBe(true);
    expect(blocks.reduce((sum, { lost }) => sum + lost, 0)).toBe(0);
    expect(device.log).toStrictEqual(["interface 2, alternate 1", "rate 44100", "interface 2, alternate 0"]);
    expectClean(bus, transport);
  });

  it("… of UAC 2.0, with its clock before anything else", async () => {
    const { device, bus, transport } = clocked({ clockPpm: 100 });
    const options = { sampleRate: 44_100, channels: 2, bits: 16 };
    const blocks = await lastValueFrom(microphone(transport, {}, options).pipe(take(100), toArray()));
    const heard = Buffer.concat(blocks.map(({ data }) => data));
    expect(heard.equals(Buffer.from(tone(0, heard.length / 4, { sampleRate: 44_100 }).buffer))).toBe(true);
    expect(blocks.reduce((sum, { lost }) => sum + lost, 0)).toBe(0);
    expect(device.log.slice(-5)).toStrictEqual([
      ...["out 1 10.1 68 172 0 0", "in 1 10.2", "in 1 10.1"],
      ...["interface 1, alternate 1", "interface 1, alternate 0"],
    ]);
    expectClean(bus, transport);
  });

  it(
    "waits for a clock that locks, in the time of the bus",
    marbles((m) => {
      const bus = marbleBus(m.scheduler);
      bus.attach(microphoneDevice({ uacVersion: 2, clockLock: 2 }));
      const subs = "    ^ 204ms !";
      const expected = "- 201ms a-b";
      const blocks = microphone(bus, {}, { stream: { frames: 16 } }).pipe(
        map(({ frames, lost }) => ({ frames, lost })),
      );

      m.expect(blocks, subs).toBeObservable(expected, { a: { frames: 96, lost: 0 }, b: { frames: 96, lost: 0 } });
      m.flush();
      expectClean(bus);
    }),
  );

  it(
    "… until it is unsubscribed from, or its device is unplugged, and leaves nothing open",
    marbles((m) => {
      const bus = marbleBus(m.scheduler);
      const attachment = bus.attach(microphoneDevice({ uacVersion: 2, clockLock: Infinity }));
      const gone = failure("DeviceError", "device-gone");
      const heard = microphone(bus, {}).pipe(plainErrors());

      m.expect(heard, "^ 150ms !").toBeObservable("-");
      m.expect(heard, "200ms ^").toBeObservable("400ms #", undefined, gone);
      m.scheduler.schedule(() => {
        attachment.detach();
      }, 350);
      m.flush();
      expectClean(bus);
    }),
  );

  it.each<[what: string, device: MicrophoneDeviceOptions, options: MicrophoneOptions, name: string]>([
    ["that never locks", { clockLock: Infinity }, {}, 'the clock 10 ("internal")'],
    ["that is to be kept", { externalClock: true }, { clock: "keep" }, 'the external clock 11 ("word clock")'],
  ])("fails with a clock %s, and leaves nothing open", async (_, setup, options, name) => {
    const { bus, transport } = clocked(setup);
    const heard = microphone(transport, {}, { clockTimeout: 0, ...options });
    const error = await lastValueFrom(heard).catch((reason: unknown) => plain(reason));
    expect(error).toStrictEqual(failure("DeviceError", "clock-invalid", name));
    expectClean(bus, transport);
  });

  it("hears what an external clock without a signal kept from it", async () => {
    const { bus, transport } = clocked({ externalClock: true });
    const block = await firstValueFrom(microphone(transport, {}));
    expect(block.frames).toBeGreaterThan(0);
    expectClean(bus, transport);
  });

  it("… but not at a rate that no valid one has: then it says so, and leaves the selector as it is", async () => {
    const { device, bus, transport } = clocked({ externalClock: true });
    const heard = microphone(transport, {}, { sampleRate: 32_000 });
    const error = await lastValueFrom(heard).catch((reason: unknown) => plain(reason));
    expect(error).toStrictEqual(
      failure("EndpointError", "no-such-format", "32000 Hz", 'the clock 10 ("internal") has 48000, 44100 Hz'),
    );
    expect(device.log.filter((request) => request.startsWith("out"))).toStrictEqual([]);
    expectClean(bus, transport);
  });

  it("says what was lost, and keeps time by silence if it is to", async () => {
    const device = new AudioDevice({ speed: "full", feedback: "none" });
    const bus = new VirtualBus({ clock: unpacedClock() });
    bus.attach(device).inject({ type: "packet", endpoint: 0x82, frame: 10, status: "crc", frames: 5 });
    const blocks = await lastValueFrom(microphone(bus, audioIds, { lost: "silence" }).pipe(take(20), toArray()));
    const lost = blocks.reduce((sum, each) => sum + each.lost, 0);
    expect(lost % 48).toBe(0);
    expect(lost).toBeGreaterThan(0);
    let next = 0;
    for (const { firstFrame, frames } of blocks) {
      expect(firstFrame).toBe(next);
      next += frames;
    }
    expectClean(bus);
  });

  it("has no such format: says what there is", async () => {
    const { bus, transport } = lab();
    const error = await lastValueFrom(microphone(transport, audioIds, { bits: 24 })).catch((reason: unknown) =>
      plain(reason),
    );
    expect(error).toStrictEqual(
      failure("EndpointError", "no-such-format", "24 bits", "interface 2.1 (microphone)", "44100, 48000 Hz"),
    );
    expectClean(bus, transport);
  });

  it.each(["transport", "device"])("is closing when its error is heard: on a %s", (what) => {
    const { bus, transport } = lab({ refusesRate: true });
    const heard: object[] = [];
    const listen = (source: IsochTransport | UsbDevice) =>
      microphone(source, audioIds).subscribe({
        error: () => {
          heard.push(bus.audit());
        },
      });
    const opened = openDevice(transport, audioIds);
    if (what === "transport") listen(transport);
    else opened.subscribe(listen).unsubscribe();
    expect(heard).toMatchObject([{ openDevices: what === "transport" ? 0 : 1, claimedInterfaces: 0 }]);
    expectClean(bus, transport);
  });

  it.each<[string, MicrophoneOptions]>([
    ["sampleRate", { sampleRate: 0 }],
    ["clockTimeout", { clockTimeout: NaN }],
  ])("refuses a number that is none, at the call: %s", (name, options) => {
    expect(thrown(() => microphone(lab().bus, {}, options))).toStrictEqual(
      failure("InvalidRequestError", "invalid-number", name),
    );
  });
});

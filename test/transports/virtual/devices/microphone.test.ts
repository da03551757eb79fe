import { lastValueFrom, take, toArray } from "rxjs";
import { describe, expect, it } from "vitest";
import { InvalidRequestError, isochPipe, parseConfigurationDescriptor } from "../../../../src/index.js";
import {
  microphoneDevice,
  microphoneProtocol,
  tone,
  unpacedClock,
  VirtualBus,
  type MicrophoneDevice,
  type MicrophoneDeviceOptions,
  type ToneOptions,
} from "../../../../transports/virtual/index.js";
import { ClassRequests } from "./class-requests.js";

const { endpoint, streamingInterface } = microphoneProtocol;
const [setCurrent, getCurrent, getMinimum, getMaximum, getResolution] = [0x01, 0x81, 0x82, 0x83, 0x84];
const [mute, volume, samplingFrequency] = [0x0100, 0x0200, 0x0100];

const rateOf = (device: MicrophoneDevice) => new ClassRequests(device, "endpoint", endpoint);
const unitOf = (device: MicrophoneDevice) => new ClassRequests(device, "interface", 0x0200);
const rateBytes = (rate: number) => [rate & 0xff, (rate >> 8) & 0xff, rate >> 16];
const bytesOf = (samples: Int16Array) => Buffer.from(samples.buffer);

/** The packets of the frames, from those on that the stream begins with. */
function packetsOf(device: MicrophoneDevice, frames: Iterable<number>): Uint8Array[] {
  const source = device.endpoint(endpoint);
  if (source === undefined) throw new Error("no endpoint");
  const buffer = new Uint8Array(1023);
  return Array.from(frames, (frame) => buffer.slice(0, source.produce(frame, buffer, 0, buffer.length)));
}

function* range(first: number, count: number): Generator<number> {
  for (let i = 0; i < count; i++) yield first + i;
}

describe("tone", () => {
  it("is a sine, with a channel of each multiple of its frequency", () => {
    const samples = tone(0, 48_000, { frequency: 1000, amplitude: 10_000 });
    const expected = (i: number, hertz: number) => Math.round(10_000 * Math.sin((2 * Math.PI * i * hertz) / 48_000));
    const differing = [...range(0, 48_000)].filter(
      (i) =>
        Math.abs((samples[2 * i] ?? NaN) - expected(i, 1000)) > 1 ||
        Math.abs((samples[2 * i + 1] ?? NaN) - expected(i, 2000)) > 1,
    );
    expect(differing).toStrictEqual([]);
  });

  it("is the same wherever one begins, and after any number of seconds", () => {
    const whole = tone(0, 1000, { channels: 1 });
    expect(tone(400, 600, { channels: 1 })).toStrictEqual(whole.slice(400));
    expect(tone(48_000 * 1e6 + 400, 600, { channels: 1 })).toStrictEqual(whole.slice(400));
  });

  it("does not repeat itself within a second", () => {
    const samples = bytesOf(tone(0, 96_000, { channels: 1 }));
    expect(samples.indexOf(samples.subarray(0, 64), 2)).toBe(96_000);
  });

  it.each([{ sampleRate: 0 }, { frequency: 0.5 }, { frequency: 20_000 }, { amplitude: 32_768 }, { channels: 0 }])(
    "%j is refused",
    (options: ToneOptions) => {
      expect(() => tone(0, 1, options)).toThrow(InvalidRequestError);
    },
  );
});

describe("the stream", () => {
  it.each([
    [48_000, 1],
    [48_000, 2],
    [44_100, 1],
    [44_100, 2],
  ] as const)("at %i Hz with %i channels is the tone, sample for sample", (sampleRate, channels) => {
    const device = microphoneDevice({ sampleRates: [sampleRate], channels });
    device.alternateSelected(streamingInterface, 1);
    const packets = packetsOf(device, range(500, 3000));
    const expected = bytesOf(tone(0, 3 * sampleRate, { sampleRate, channels }));
    expect(Buffer.concat(packets).equals(expected)).toBe(true);
    expect(device.statistics).toStrictEqual({ sent: 3 * sampleRate, lost: 0 });
  });

  it("at 44.1 kHz has nine packets of 44 samples, and then one of 45", () => {
    const device = microphoneDevice({ sampleRates: [44_100], channels: 1 });
    const lengths = packetsOf(device, range(0, 1000)).map(({ length }) => length / 2);
    expect(lengths).toStrictEqual(lengths.map((_, i) => (i % 10 === 9 ? 45 : 44)));
  });

  it.each([
    [44_100, 0],
    [44_100, 50],
    [48_000, -333],
    [48_000, 10_000],
  ])("at %i Hz with a clock of %i ppm is exact over ten minutes", (sampleRate, clockPpm) => {
    const device = microphoneDevice({ sampleRates: [sampleRate], clockPpm, channels: 1 });
    const source = device.endpoint(endpoint);
    const buffer = new Uint8Array(0);
    let bytes = 0;
    for (let frame = 0; frame < 600_000; frame++) bytes += source?.produce(frame, buffer, 0, 0) ?? NaN;
    expect(bytes / 2).toBe(Math.floor((600 * sampleRate * (1e6 + clockPpm)) / 1e6));
  });

  it("waits in the FIFO while nobody asks, and catches up by a sample a packet", () => {
    const device = microphoneDevice({ channels: 1, fifo: 20 });
    const packets = packetsOf(device, [...range(0, 10), ...range(15, 500)]);
    expect(packets.slice(9, 12).map(({ length }) => length / 2)).toStrictEqual([48, 49, 49]);
    expect(packets.at(-1)).toHaveLength(96);
    expect(device.statistics.lost).toBe(0);
    const { sent } = device.statistics;
    expect(sent).toBe(515 * 48);
    expect(Buffer.concat(packets).equals(bytesOf(tone(0, sent, { channels: 1 })))).toBe(true);
  });

  it("loses the oldest samples that have no room there, and says how many", () => {
    const device = microphoneDevice({ channels: 1, fifo: 20 });
    const packets = packetsOf(device, [...range(0, 10), ...range(110, 10)]);
    // 101 frames of samples; 49 go, 960 stay.
    expect(device.statistics.lost).toBe(101 * 48 - 49 - 960);
    const second = Buffer.concat(packets.slice(10));
    const before = bytesOf(tone(480, 49, { channels: 1 }));
    expect(second.subarray(0, 98).equals(before)).toBe(false);
    const first = 480 + device.statistics.lost;
    expect(second.equals(bytesOf(tone(first, second.length / 2, { channels: 1 })))).toBe(true);
  });

  it("begins anew when its alternate setting is selected, and when the rate is set", () => {
    const device = microphoneDevice({ channels: 1 });
    packetsOf(device, range(0, 7));
    device.alternateSelected(streamingInterface, 1);
    expect(bytesOf(tone(0, 48, { channels: 1 })).equals(packetsOf(device, [100])[0] ?? new Uint8Array(0))).toBe(true);
    expect(rateOf(device).set(setCurrent, samplingFrequency, ...rateBytes(44_100))).toBe(true);
    const [packet] = packetsOf(device, [200]);
    expect(bytesOf(tone(0, 44, { sampleRate: 44_100, channels: 1 })).equals(packet ?? new Uint8Array(0))).toBe(true);
  });

  it("is silent when muted, and quieter by its volume", () => {
    const device = microphoneDevice({ channels: 1 });
    expect(unitOf(device).set(setCurrent, mute, 1)).toBe(true);
    expect(packetsOf(device, [0])).toStrictEqual([new Uint8Array(96)]);
    expect(unitOf(device).set(setCurrent, mute, 0)).toBe(true);
    // -20 dB.
    expect(unitOf(device).set(setCurrent, volume, 0x00, 0xec)).toBe(true);
    const quiet = tone(48, 48, { channels: 1 }).map((sample) => Math.round(sample / 10));
    expect(bytesOf(quiet).equals(packetsOf(device, [1])[0] ?? new Uint8Array(0))).toBe(true);
  });

  it("goes through a bus and a pipe", async () => {
    const bus = new VirtualBus({ clock: unpacedClock(), devices: [microphoneDevice()] });
    const pipe = isochPipe(bus, { productId: microphoneProtocol.productId, endpoint });
    const frames = await lastValueFrom(pipe.pipe(take(250), toArray()));
    const heard = Buffer.concat(frames.map(({ data }) => data));
    expect(heard.equals(bytesOf(tone(0, 250 * 48)))).toBe(true);
  });
});

describe("the stream of UAC 2.0", () => {
  it.each([
    [48_000, 1],
    [44_100, 2],
  ] as const)("at %i Hz with %i channels is the tone, sample for sample, in microframes", (sampleRate, channels) => {
    const device = microphoneDevice({ uacVersion: 2, sampleRates: [sampleRate], channels });
    device.alternateSelected(streamingInterface, 1);
    const packets = packetsOf(device, range(500, 16_000));
    const expected = bytesOf(tone(0, 2 * sampleRate, { sampleRate, channels }));
    expect(Buffer.concat(packets).equals(expected)).toBe(true);
    const lengths = new Set(packets.map(({ length }) => length / 2 / channels));
    expect([...lengths].sort()).toStrictEqual(sampleRate === 48_000 ? [6] : [5, 6]);
  });

  it("with a clock of 50 ppm is exact over a minute", () => {
    const device = microphoneDevice({ uacVersion: 2, sampleRates: [44_100], clockPpm: 50, channels: 1 });
    const source = device.endpoint(endpoint);
    const buffer = new Uint8Array(0);
    let bytes = 0;
    for (let frame = 0; frame < 480_000; frame++) bytes += source?.produce(frame, buffer, 0, 0) ?? NaN;
    expect(bytes / 2).toBe(Math.floor((60 * 44_100 * 1_000_050) / 1e6));
  });

  it("goes through a bus and a pipe", async () => {
    const device = microphoneDevice({ uacVersion: 2 });
    const bus = new VirtualBus({ clock: unpacedClock(), devices: [device] });
    const pipe = isochPipe(bus, { productId: microphoneProtocol.productId, endpoint });
    const frames = await lastValueFrom(pipe.pipe(take(2000), toArray()));
    const heard = Buffer.concat(frames.map(({ data }) => data));
    expect(heard.equals(bytesOf(tone(0, 250 * 48)))).toBe(true);
  });
});

describe("the requests", () => {
  it("set and get the rate: the closest that there is", () => {
    const device = microphoneDevice();
    const rate = rateOf(device);
    expect(rate.get(getCurrent, samplingFrequency)).toStrictEqual(rateBytes(48_000));
    expect(rate.get(getMinimum, samplingFrequency)).toStrictEqual(rateBytes(44_100));
    expect(rate.get(getMaximum, samplingFrequency)).toStrictEqual(rateBytes(48_000));
    expect(rate.set(setCurrent, samplingFrequency, ...rateBytes(44_000))).toBe(true);
    expect(rate.get(getCurrent, samplingFrequency)).toStrictEqual(rateBytes(44_100));
    expect(device.sampleRate).toBe(44_100);
  });

  it("set and get mute and volume, in whole dB", () => {
    const unit = unitOf(microphoneDevice());
    expect(unit.get(getCurrent, mute)).toStrictEqual([0]);
    expect(unit.set(setCurrent, mute, 1)).toBe(true);
    expect(unit.get(getCurrent, mute)).toStrictEqual([1]);
    expect(unit.get(getMinimum, volume)).toStrictEqual([0x00, 0xc4]);
    expect(unit.get(getMaximum, volume)).toStrictEqual([0, 0]);
    expect(unit.get(getResolution, volume)).toStrictEqual([0, 1]);
    expect(unit.set(setCurrent, volume, 0x90, 0xff)).toBe(true);
    expect(unit.get(getCurrent, volume)).toStrictEqual([0, 0]);
    // Below what it has.
    expect(unit.set(setCurrent, volume, 0x00, 0x80)).toBe(true);
    expect(unit.get(getCurrent, volume)).toStrictEqual([0x00, 0xc4]);
  });

  it("stall where there is nothing", () => {
    const device = microphoneDevice();
    const unit = unitOf(device);
    // Bass; the volume of one channel; a resolution that is set; too short.
    expect(unit.get(getCurrent, 0x0300)).toBeUndefined();
    expect(unit.get(getCurrent, volume | 1)).toBeUndefined();
    expect(unit.set(0x04, volume, 1, 0)).toBe(false);
    expect(unit.set(setCurrent, volume, 1)).toBe(false);
    expect(unit.set(setCurrent, mute)).toBe(false);
    expect(unit.get(getMinimum, mute)).toBeUndefined();
    expect(new ClassRequests(device, "interface", 0x0100).get(getCurrent, mute)).toBeUndefined();
    expect(rateOf(device).set(setCurrent, samplingFrequency, 0x44, 0xac)).toBe(false);
    expect(rateOf(device).get(getResolution, samplingFrequency)).toBeUndefined();
    expect(rateOf(device).get(getCurrent, 0x0200)).toBeUndefined();
    expect(new ClassRequests(device, "endpoint", 0x01).get(getCurrent, samplingFrequency)).toBeUndefined();
  });
});

describe("the descriptors", () => {
  it.each([
    [1, 0, 98],
    [2, 0, 196],
    [2, 50_000, 208],
  ] as const)("with %i channels and %i ppm have packets of up to %i bytes", (channels, clockPpm, size) => {
    const device = microphoneDevice({ channels, clockPpm });
    const { interfaces } = parseConfigurationDescriptor(device.configurationDescriptor);
    expect(interfaces[1]?.alternates.map(({ endpoints }) => endpoints.map((each) => each.maxPacketSize))).toStrictEqual(
      [[], [size]],
    );
    expect(interfaces.map(({ alternates }) => alternates.map((each) => each.interfaceSubclass))).toStrictEqual([
      [1],
      [2, 2],
    ]);
  });
});

describe("options", () => {
  it.each([
    { channels: 3 },
    { sampleRates: [] },
    { sampleRates: [96_000] },
    { sampleRates: [48_000, 48_000] },
    { clockPpm: Infinity },
    { frequency: 0 },
    { fifo: 0 },
    { uacVersion: 3 },
    { uacVersion: 2, clockLock: -1 },
    { clockLock: 1 },
    { externalClock: true },
  ])("%j are refused", (options) => {
    expect(() => microphoneDevice(options as unknown as MicrophoneDeviceOptions)).toThrow(InvalidRequestError);
  });

  it("the serial number tells two devices from one another", () => {
    const { info } = new VirtualBus().attach(microphoneDevice({ serialNumber: "another" }));
    expect(info).toMatchObject({ manufacturer: "rx-isoch", product: "microphone", serialNumber: "another" });
  });
});

import { lastValueFrom, of, toArray } from "rxjs";
import { describe, expect, it } from "vitest";
import { close, issue, packetize } from "../../../../operators/index.js";
import { InvalidRequestError, isochPipe, parseConfigurationDescriptor } from "../../../../src/index.js";
import {
  speakerDevice,
  speakerProtocol,
  tone,
  unpacedClock,
  VirtualBus,
  type SpeakerDevice,
  type SpeakerDeviceOptions,
} from "../../../../transports/virtual/index.js";
import { RawPort } from "../../../support/raw-port.js";
import { ClassRequests } from "./class-requests.js";

const { endpoint, feedbackEndpoint, streamingInterface } = speakerProtocol;
const rate = (value: number) => [value & 0xff, (value >> 8) & 0xff, value >> 16];

/** Sends packets of so many samples each, one a frame, and returns what each frame's feedback was. */
function play(device: SpeakerDevice, frames: number, samples: (frame: number, feedback: number) => number): number[] {
  const sink = device.endpoint(endpoint);
  const source = device.endpoint(feedbackEndpoint);
  if (sink?.direction !== "out" || source?.direction !== "in") throw new Error("endpoints are missing");
  const buffer = new Uint8Array(1024);
  const [length, bits] = device.speed === "full" ? [3, 14] : [4, 16];
  const told = new Uint8Array(length);
  const feedback: number[] = [];
  for (let frame = 0; frame < frames; frame++) {
    if (source.produce(frame, told, 0, length) !== length) throw new Error(`the feedback has ${length} bytes`);
    const [low = 0, middle = 0, high = 0, top = 0] = told;
    feedback.push((low | (middle << 8) | (high << 16) | (top << 24)) / 2 ** bits);
    sink.consume(frame, buffer, 0, 4 * samples(frame, feedback.at(-1) ?? NaN));
  }
  return feedback;
}

/** Sends as many samples as the feedback says, as a host does. */
function follow(): (frame: number, feedback: number) => number {
  let owed = 0;
  return (_frame, feedback) => {
    owed += feedback;
    const whole = Math.floor(owed);
    owed -= whole;
    return whole;
  };
}

const none = { underruns: 0, missing: 0, overruns: 0, dropped: 0, malformed: 0 };

describe("what arrives", () => {
  it("is recorded byte for byte, through a bus and a pipe", async () => {
    const packets: Uint8Array[] = [];
    const device = speakerDevice({ received: (packet) => packets.push(packet) });
    const bus = new VirtualBus({ clock: unpacedClock(), devices: [device] });
    const pipe = isochPipe(bus, { productId: speakerProtocol.productId, endpoint });
    const sent = new Uint8Array(tone(0, 48_000).buffer);
    await lastValueFrom(
      of(sent).pipe(packetize({ sampleRate: 48_000, sampleSize: 4 }), issue(pipe, { queue: 4 }), close(), toArray()),
    );
    await lastValueFrom(pipe.closing, { defaultValue: undefined });
    expect(Buffer.from(device.recorded()).equals(sent)).toBe(true);
    expect(Buffer.concat(packets).equals(sent)).toBe(true);
    expect(device.statistics).toStrictEqual({ packets: 1000, samples: 48_000, ...none });
  });

  it("is kept as far as the record has room, the latest of it", () => {
    const device = speakerDevice({ record: 10 });
    const sink = device.endpoint(endpoint);
    if (sink?.direction !== "out") throw new Error("no OUT endpoint");
    const bytes = Uint8Array.from({ length: 64 }, (_, i) => i);
    expect(device.recorded()).toHaveLength(0);
    sink.consume(0, bytes, 0, 4);
    expect([...device.recorded()]).toStrictEqual([0, 1, 2, 3]);
    sink.consume(1, bytes, 4, 8);
    expect([...device.recorded()]).toStrictEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    sink.consume(2, bytes, 12, 40);
    expect([...device.recorded()]).toStrictEqual([42, 43, 44, 45, 46, 47, 48, 49, 50, 51]);
    sink.consume(3, bytes, 52, 3);
    expect([...device.recorded()]).toStrictEqual([45, 46, 47, 48, 49, 50, 51, 52, 53, 54]);
    expect(device.statistics).toMatchObject({ packets: 4, samples: 13, malformed: 1 });
    device.alternateSelected(streamingInterface, 1);
    expect(device.recorded()).toHaveLength(0);
    expect(device.statistics).toStrictEqual({ packets: 0, samples: 0, ...none });
  });

  it("ends the stream with a typed error where the program's callback throws", async () => {
    const device = speakerDevice({
      received: () => {
        throw new RangeError("broken");
      },
    });
    const bus = new VirtualBus({ clock: unpacedClock(), devices: [device] });
    const port = await RawPort.open(bus, {}, endpoint, 1);
    const { error } = await port.submit({ lengths: 192, frames: 10 }).completion;
    expect(error).toMatchObject({ code: "transport-failed", cause: expect.any(RangeError) as unknown });
    await port.close();
  });
});

describe("the FIFO", () => {
  it.each([
    [0, 48],
    [500, 48.024],
    [-500, 47.976],
  ])(
    "with a clock of %i ppm tells %f samples, and a host that follows loses nothing in ten minutes",
    (clockPpm, nominal) => {
      const device = speakerDevice({ clockPpm });
      const feedback = play(device, 600_000, follow());
      expect(feedback[0]).toBeCloseTo(nominal, 3);
      expect(device.statistics).toMatchObject(none);
      expect(Math.abs(device.statistics.samples - nominal * 600_000)).toBeLessThan(500);
    },
  );

  it("runs over with a host that does not follow a slow clock", () => {
    const device = speakerDevice({ clockPpm: -1000 });
    play(device, 60_000, () => 48);
    // 48 samples a second too many, less the half of 960 that was free.
    expect(device.statistics).toMatchObject({ underruns: 0, missing: 0 });
    expect(device.statistics.dropped).toBeGreaterThan(2880 - 480 - 60);
    expect(device.statistics.dropped).toBeLessThan(2880 - 480 + 60);
    expect(device.statistics.overruns).toBeGreaterThan(1000);
  });

  it("runs dry with a host that does not follow a fast clock, and plays on when it is half full", () => {
    const device = speakerDevice({ clockPpm: 1000 });
    play(device, 60_000, () => 48);
    expect(device.statistics).toMatchObject({ overruns: 0, dropped: 0 });
    expect(device.statistics.underruns).toBeGreaterThan(3);
    expect(device.statistics.underruns).toBeLessThan(8);
  });

  it("runs dry when packets stay away", () => {
    const device = speakerDevice({});
    play(device, 200, (frame) => (frame >= 100 && frame < 130 ? 0 : 48));
    expect(device.statistics).toMatchObject({ underruns: 1, overruns: 0 });
  });
});

describe("the FIFO of UAC 2.0", () => {
  it.each([
    [0, 6],
    [500, 6.003],
    [-500, 5.997],
  ])(
    "with a clock of %i ppm tells %f samples in a microframe, and a host that follows loses nothing in a minute",
    (clockPpm, nominal) => {
      const device = speakerDevice({ uacVersion: 2, clockPpm });
      const feedback = play(device, 480_000, follow());
      expect(feedback[0]).toBeCloseTo(nominal, 4);
      expect(device.statistics).toMatchObject(none);
      expect(Math.abs(device.statistics.samples - nominal * 480_000)).toBeLessThan(500);
    },
  );

  it("runs dry with a host that does not follow a fast clock", () => {
    const device = speakerDevice({ uacVersion: 2, clockPpm: 1000 });
    play(device, 480_000, () => 6);
    expect(device.statistics).toMatchObject({ overruns: 0, dropped: 0 });
    expect(device.statistics.underruns).toBeGreaterThan(3);
  });

  it("is mirrored by silence where feedback is implicit: as many samples as its clock takes", () => {
    const device = speakerDevice({ uacVersion: 2, feedback: "implicit", sampleRates: [44_100], clockPpm: 200 });
    const capture = device.endpoint(feedbackEndpoint);
    if (capture?.direction !== "in") throw new Error("no IN endpoint");
    const buffer = new Uint8Array(32).fill(1);
    let samples = 0;
    let isSilent = true;
    for (let frame = 100; frame < 80_100; frame++) {
      const length = capture.produce(frame, buffer, 0, buffer.length);
      isSilent &&= buffer.subarray(0, length).every((byte) => byte === 0);
      samples += length / 4;
    }
    expect(isSilent).toBe(true);
    expect(Math.abs(samples - 10 * 44_100 * 1.0002)).toBeLessThanOrEqual(1);
  });
});

describe("the descriptors", () => {
  it("have a feedback endpoint where it is asynchronous, and none where it is adaptive", () => {
    const endpoints = (options: SpeakerDeviceOptions) =>
      parseConfigurationDescriptor(speakerDevice(options).configurationDescriptor).interfaces[1]?.alternates[1]
        ?.endpoints;
    const asynchronous = endpoints({});
    expect(asynchronous).toMatchObject([
      { address: endpoint, synchronizationType: "asynchronous", usageType: "data", maxPacketSize: 200 },
      { address: feedbackEndpoint, usageType: "feedback", maxPacketSize: 3, synchAddress: 0 },
    ]);
    expect(endpoints({ synchronization: "adaptive" })).toMatchObject([
      { address: endpoint, synchronizationType: "adaptive", usageType: "data", synchAddress: 0 },
    ]);
  });
});

describe("the requests", () => {
  it("set rate, mute and volume", () => {
    const device = speakerDevice({});
    expect(new ClassRequests(device, "endpoint", endpoint).set(1, 0x0100, ...rate(44_100))).toBe(true);
    const unit = new ClassRequests(device, "interface", 0x0200);
    expect(unit.set(1, 0x0100, 1)).toBe(true);
    expect(unit.set(1, 0x0200, 0x00, 0xf6)).toBe(true);
    expect([device.sampleRate, device.isMuted, device.volume]).toStrictEqual([44_100, true, -10]);
    expect(play(device, 1, () => 44)[0]).toBeCloseTo(44.1, 3);
  });
});

describe("options", () => {
  it.each([
    { sampleRates: [8000] },
    { synchronization: "synchronous" },
    { clockPpm: NaN },
    { fifo: 1 },
    { record: 0 },
    { feedback: "implicit" },
    { uacVersion: 2, feedback: "implicit", synchronization: "adaptive" },
    { uacVersion: 2, feedback: "none" },
    { uacVersion: 0x0200 },
  ])("%j are refused", (options) => {
    expect(() => speakerDevice(options as unknown as SpeakerDeviceOptions)).toThrow(InvalidRequestError);
  });

  it("the serial number tells two devices from one another", () => {
    const { info } = new VirtualBus().attach(speakerDevice({ serialNumber: "another" }));
    expect(info).toMatchObject({ manufacturer: "rx-isoch", product: "speaker", serialNumber: "another" });
  });
});

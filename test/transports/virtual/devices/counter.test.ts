import { firstValueFrom, lastValueFrom, take, toArray } from "rxjs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  findIsochEndpoint,
  InvalidRequestError,
  isochPipe,
  parseConfigurationDescriptor,
  type ControlSetup,
  type IsochResults,
} from "../../../../src/index.js";
import {
  counterDevice,
  type CounterDevice,
  counterProtocol,
  readCounter,
  unpacedClock,
  VirtualBus,
  writeCounter,
  type CounterDeviceOptions,
  type VirtualInEndpoint,
  type VirtualOutEndpoint,
} from "../../../../transports/virtual/index.js";
import { done, RawPort } from "../../../support/raw-port.js";

const { inEndpoint, outEndpoint } = counterProtocol;

function inOf(device: CounterDevice): VirtualInEndpoint {
  const endpoint = device.endpoint(inEndpoint);
  if (endpoint?.direction !== "in") throw new Error("no IN endpoint");
  return endpoint;
}

function outOf(device: CounterDevice): VirtualOutEndpoint {
  const endpoint = device.endpoint(outEndpoint);
  if (endpoint?.direction !== "out") throw new Error("no OUT endpoint");
  return endpoint;
}

/** The lengths and counters of so many packets, from frame 0 on. */
function packetsOf(options: CounterDeviceOptions, alternate: number, frames: number) {
  const device = counterDevice(options);
  device.alternateSelected(0, alternate, 0);
  const source = inOf(device);
  // Room for the counter only: the length that is told is that of the packet all the same.
  const buffer = new Uint8Array(8);
  let bytes = 0;
  let short = 0;
  let skipped = 0;
  let counter = -1;
  const longest = source.produce(0, buffer, 0, buffer.length);
  for (let frame = 0; frame < frames; frame++) {
    const length = source.produce(frame, buffer, 0, buffer.length);
    const next = readCounter(buffer.subarray(0, length)) ?? NaN;
    skipped += next - counter - 1;
    counter = next;
    bytes += length;
    if (length < longest) short++;
  }
  return { bytes, short, skipped, counter };
}

describe("readCounter and writeCounter", () => {
  it("are each other's inverse, for every counter below 2^53", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.nat({ max: 20 }), (value, offset) => {
        const packet = new Uint8Array(28);
        writeCounter(packet, value, offset);
        expect(readCounter(packet, offset)).toBe(value);
      }),
    );
  });

  it.each([
    [2 ** 32 - 1, [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]],
    [2 ** 32, [0, 0, 0, 0, 1, 0, 0, 0]],
    [2 ** 32 + 1, [1, 0, 0, 0, 1, 0, 0, 0]],
    [2 ** 53 - 1, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f, 0]],
  ])("%i is 64 bits, little endian", (value, bytes) => {
    const packet = new Uint8Array(8);
    writeCounter(packet, value);
    expect([...packet]).toStrictEqual(bytes);
    expect(readCounter(packet)).toBe(value);
  });

  it("there is no counter in a packet that is too short", () => {
    expect(readCounter(new Uint8Array(7))).toBeUndefined();
    expect(readCounter(new Uint8Array(10), 3)).toBeUndefined();
    expect(readCounter(new Uint8Array(10), 2)).toBe(0);
  });

  it.each([NaN, -1, 0.5, 2 ** 53, Infinity])("%s is no counter and no offset", (value) => {
    expect(() => {
      writeCounter(new Uint8Array(8), value);
    }).toThrow(InvalidRequestError);
    expect(() => {
      writeCounter(new Uint8Array(8), 0, value);
    }).toThrow(InvalidRequestError);
    expect(() => readCounter(new Uint8Array(8), value)).toThrow(InvalidRequestError);
  });

  it("a counter is not cut off where the packet ends", () => {
    expect(() => {
      writeCounter(new Uint8Array(7), 1);
    }).toThrow(InvalidRequestError);
  });
});

describe("the IN endpoint", () => {
  it.each([
    ["full", 1, 1023],
    ["full", 3, 400],
    ["high", 1, 3072],
    ["high", 3, 1024],
    ["super", 1, 49152],
    ["super", 3, 1024],
  ] as const)(
    "%s speed, alternate setting %i: %i bytes a frame, a counter in each",
    async (speed, alternate, bytes) => {
      const bus = new VirtualBus({ clock: unpacedClock(), devices: [counterDevice({ speed })] });
      const pipe = isochPipe(bus, { endpoint: inEndpoint, alternate });
      const results = await lastValueFrom(pipe.results({ frames: 5, queue: 2 }).pipe(take(4), toArray()));
      const frames = results.flatMap((each: IsochResults) => [...each]);
      expect(frames.map(({ actual }) => actual)).toStrictEqual(new Array<number>(20).fill(bytes));
      const counters = frames.map(({ data }) => readCounter(data) ?? NaN);
      expect(counters).toStrictEqual(counters.map((_, i) => (counters[0] ?? NaN) + i));
      // Behind the counter, its lowest byte: a frame that is mixed up shows.
      for (const { data } of frames) expect(data.subarray(8).every((byte) => byte === data[0])).toBe(true);
      expect(frames[0]?.data.length).toBe(bytes);
    },
  );

  it.each([
    [2, 3, 6144],
    [1, 1, 1024],
    [16, 1, 16384],
  ])("SuperSpeed with a burst of %i and a mult of %i: %i bytes a frame", async (burst, mult, bytes) => {
    const device = counterDevice({ speed: "super", burst, mult });
    const bus = new VirtualBus({ clock: unpacedClock(), devices: [device] });
    const results = await firstValueFrom(isochPipe(bus, { endpoint: inEndpoint, alternate: 1 }).results({ frames: 5 }));
    expect(Array.from(results, ({ actual }) => actual)).toStrictEqual(new Array<number>(5).fill(bytes));
    const { endpoint } = findIsochEndpoint(
      parseConfigurationDescriptor(device.configurationDescriptor),
      { endpoint: outEndpoint, alternate: 2 },
      "super",
    );
    expect(endpoint.companion).toMatchObject({ burst, mult, bytesPerInterval: bytes });
  });

  it("counts frames that nobody asked for", async () => {
    const bus = new VirtualBus({ clock: unpacedClock(), asapDelay: 7, devices: [counterDevice()] });
    const port = await RawPort.open(bus, {}, inEndpoint, 3);
    const counters: (number | undefined)[] = [];
    for (let i = 0; i < 3; i++) counters.push(readCounter((await port.submit({ lengths: 1024 }).completion).buffer));
    expect(counters[1]).toBeGreaterThan((counters[0] ?? NaN) + 6);
    await port.close();
  });

  it("goes on beyond 2^32", () => {
    const device = counterDevice();
    device.alternateSelected(0, 1, 0);
    const buffer = new Uint8Array(3072);
    inOf(device).produce(2 ** 32 + 5, buffer, 0, 3072);
    expect(readCounter(buffer)).toBe(2 ** 32 + 5);
  });

  it("begins at 0 with the selection of the alternate setting", () => {
    const device = counterDevice({ speed: "full" });
    device.alternateSelected(0, 1, 5_000_000);
    const buffer = new Uint8Array(1023);
    inOf(device).produce(5002, buffer, 0, 1023);
    expect(readCounter(buffer)).toBe(2);
  });

  it("writes no more than there is room for, and says how much there was", () => {
    const device = counterDevice({ speed: "full" });
    device.alternateSelected(0, 1, 0);
    const buffer = new Uint8Array(32).fill(0xee);
    expect(inOf(device).produce(1, buffer, 8, 12)).toBe(1023);
    expect([...buffer.subarray(0, 8), ...buffer.subarray(20)]).toStrictEqual(new Array(20).fill(0xee));
    expect(inOf(device).produce(1, buffer, 0, 4)).toBe(1023);
    expect([...buffer.subarray(0, 4)]).toStrictEqual([0, 0, 0, 0]);
  });
});

describe("the clock of the device", () => {
  const tenMinutes = 600_000;

  it("exact: every packet full, no counter skipped", () => {
    expect(packetsOf({ speed: "full" }, 3, 10_000)).toStrictEqual({
      bytes: 4_000_000,
      short: 0,
      skipped: 0,
      counter: 9999,
    });
  });

  it.each([
    // 600,000 frames × 400 bytes = 240,000,000 bytes, of which a clock that is slower makes less.
    [-1, 240],
    [-50, 12_000],
    [-100, 24_000],
    [-1000, 240_000],
  ])("%i ppm: over ten minutes exactly %i bytes less, and no counter is skipped", (clockPpm, missing) => {
    const { bytes, short, skipped } = packetsOf({ speed: "full", clockPpm }, 3, tenMinutes);
    expect(bytes).toBe(240_000_000 - missing);
    expect(short).toBe(missing);
    expect(skipped).toBe(0);
  });

  it.each([
    [1, 0],
    [50, 29],
    [100, 59],
    [1000, 599],
    // The last of them falls on the frame after the last.
  ])("%i ppm: over ten minutes exactly %i counters are skipped, and no packet is short", (clockPpm, skipped) => {
    expect(packetsOf({ speed: "full", clockPpm }, 3, tenMinutes)).toStrictEqual({
      bytes: 240_000_000,
      short: 0,
      skipped,
      counter: tenMinutes - 1 + skipped,
    });
  });

  it("is off by less than a byte at any time", () => {
    const device = counterDevice({ clockPpm: -333 });
    device.alternateSelected(0, 1, 0);
    const buffer = new Uint8Array(8);
    let bytes = 0;
    let most = 0;
    for (let frame = 0; frame < 20_000; frame++) {
      bytes += inOf(device).produce(frame, buffer, 0, 8);
      most = Math.max(most, Math.abs(bytes - (frame + 1) * 3072 * (1 - 333e-6)));
    }
    expect(most).toBeLessThan(1.001);
    expect(most).toBeGreaterThan(0.9);
  });
});

describe("the OUT endpoint", () => {
  function send(device: CounterDevice, counters: readonly number[]): void {
    const packet = new Uint8Array(16);
    counters.forEach((counter, frame) => {
      writeCounter(packet, counter, 4);
      outOf(device).consume(frame, packet, 4, 12);
    });
  }

  it("counts packets, and those that do not follow the one before", () => {
    const device = counterDevice();
    device.alternateSelected(0, 2, 0);
    send(device, [5, 6, 7, 9, 10, 10, 11, 2 ** 33, 2 ** 33 + 1]);
    expect(device.statistics).toStrictEqual({ packets: 9, mismatches: 3, short: 0 });
  });

  it("counts packets too short for a counter apart, and goes on after them", () => {
    const device = counterDevice();
    send(device, [1, 2]);
    outOf(device).consume(2, new Uint8Array(16), 0, 7);
    outOf(device).consume(3, new Uint8Array(16), 0, 0);
    send(device, [3]);
    expect(device.statistics).toStrictEqual({ packets: 3, mismatches: 0, short: 2 });
  });

  it("begins anew with its alternate setting, and keeps what it has seen when that is left", () => {
    const device = counterDevice();
    for (const alternate of [2, 3]) {
      device.alternateSelected(0, alternate, 0);
      expect(device.statistics.packets).toBe(0);
      send(device, [1, 2]);
      device.alternateSelected(0, 0, 0);
      expect(device.statistics.packets).toBe(2);
    }
  });
});

describe("vendor requests", () => {
  const vendor = { type: "vendor", recipient: "device", value: 0, index: 0 } as const;
  const statistics: ControlSetup = { ...vendor, direction: "in", request: counterProtocol.getStatistics };
  const reset: ControlSetup = { ...vendor, direction: "out", request: counterProtocol.reset };

  it("read the statistics as three 32-bit numbers, and set them to zero", async () => {
    const bus = new VirtualBus({ clock: unpacedClock(), devices: [counterDevice()] });
    const port = await RawPort.open(bus, {}, outEndpoint, 2);
    const buffer = new Uint8Array(300 * 8);
    for (let i = 0; i < 300; i++) writeCounter(buffer, i === 150 ? 1 : i, 8 * i);
    port.submit({ lengths: 8, frames: 300, buffer });
    port.submit({ lengths: 3 });
    await port.drained();
    const read = () => firstValueFrom(port.device.controlTransfer(statistics, 12));
    expect([...(await read())]).toStrictEqual([0x2c, 1, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0]);
    expect([...(await firstValueFrom(port.device.controlTransfer(statistics, 5)))]).toStrictEqual([0x2c, 1, 0, 0, 2]);
    await done(port.device.controlTransfer(reset, new Uint8Array(0)));
    expect([...(await read())]).toStrictEqual(new Array(12).fill(0));
    await port.close();
  });

  it.each([
    ["another request", { ...statistics, request: 9 }],
    ["the statistics as OUT", { ...statistics, direction: "out" }],
    ["the reset as IN", { ...reset, direction: "in" }],
    ["a class request", { ...statistics, type: "class" }],
    ["a request to an interface", { ...statistics, recipient: "interface" }],
  ] as const)("%s is refused", (_name, setup: ControlSetup) => {
    expect(counterDevice().control(setup)).toBeUndefined();
  });
});

describe("options", () => {
  it.each([NaN, Infinity, -100_001, 100_001])("clockPpm %s is refused", (clockPpm) => {
    expect(() => counterDevice({ clockPpm })).toThrow(InvalidRequestError);
  });

  it("a speed that is none is refused", () => {
    for (const speed of ["low", "warp", 3]) {
      expect(() => counterDevice({ speed } as unknown as CounterDeviceOptions)).toThrow(
        expect.objectContaining({ code: "invalid-option" }),
      );
    }
  });

  it.each([
    ["burst", 0],
    ["burst", 17],
    ["mult", 0],
    ["mult", 4],
    ["mult", 1.5],
  ])("%s %s is refused at SuperSpeed", (name, value) => {
    expect(() => counterDevice({ speed: "super", [name]: value })).toThrow(
      expect.objectContaining({ code: "invalid-number" }),
    );
  });

  it.each(["full", "high"] as const)("there is no burst and no mult at %s speed", (speed) => {
    for (const option of [{ burst: 1 }, { mult: 1 }]) {
      expect(() => counterDevice({ speed, ...option })).toThrow(expect.objectContaining({ code: "invalid-option" }));
    }
  });

  it("the serial number tells two devices from one another", () => {
    const bus = new VirtualBus();
    const { info } = bus.attach(counterDevice({ serialNumber: "another" }));
    expect(info).toMatchObject({ manufacturer: "rx-isoch", product: "counter", serialNumber: "another" });
  });
});

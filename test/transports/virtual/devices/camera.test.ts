import { firstValueFrom, lastValueFrom, take, toArray } from "rxjs";
import { describe, expect, it } from "vitest";
import {
  InvalidRequestError,
  isochPipe,
  maxBytesPerInterval,
  parseConfigurationDescriptor,
} from "../../../../src/index.js";
import {
  cameraDevice,
  cameraProtocol,
  testCard,
  testCardNumber,
  unpacedClock,
  VirtualBus,
  type CameraDevice,
  type CameraDeviceOptions,
  type CameraFormat,
  type VirtualInEndpoint,
} from "../../../../transports/virtual/index.js";
import { ClassRequests } from "./class-requests.js";

const { endpoint, streamingInterface, alternateSizes } = cameraProtocol;
const [setCurrent, getCurrent, getMinimum, getMaximum] = [0x01, 0x81, 0x82, 0x83];
const [getResolution, getLength, getInfo, getDefault] = [0x84, 0x85, 0x86, 0x87];
const [probe, commit] = [0x0100, 0x0200];
const requestError = 0x0200;

const formatIndexes: Readonly<Record<CameraFormat, number>> = { yuy2: 1, mjpeg: 2, nv12: 3 };
const frameIndexes = { 640: 1, 320: 2, 1280: 3 } as const;

const doubleWord = (value: number) => [0, 8, 16, 24].map((shift) => (value >> shift) & 0xff);

/** What a host sends to settle for a mode, in 26 bytes. */
function wish(format: number, frame: number, interval: number): number[] {
  return [1, 0, format, frame, ...doubleWord(interval), ...new Array<number>(18).fill(0)];
}

const streaming = (device: CameraDevice) => new ClassRequests(device, "interface", streamingInterface);

function sourceOf(device: CameraDevice): VirtualInEndpoint {
  const source = device.endpoint(endpoint);
  if (source?.direction !== "in") throw new Error("no IN endpoint");
  return source;
}

interface Payload {
  readonly frame: number;
  readonly bits: number;
  readonly presentation: number;
  readonly clock: number;
  readonly sof: number;
  readonly data: Uint8Array;
}

/** As UVC 1.5, 2.4.3.3 has it. */
function parsePayload(frame: number, packet: Uint8Array): Payload {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  expect(packet[0]).toBe(12);
  return {
    frame,
    bits: view.getUint8(1),
    presentation: view.getUint32(2, true),
    clock: view.getUint32(6, true),
    sof: view.getUint16(10, true),
    data: packet.subarray(12),
  };
}

/** Puts payloads together, as their FID and EOF say. */
function pictures(payloads: readonly Payload[]): Uint8Array[] {
  const found: Uint8Array[] = [];
  let parts: Uint8Array[] = [];
  let last: number | undefined;
  for (const { bits, data } of payloads) {
    if (parts.length > 0) expect(bits & 1).toBe(last);
    else if (data.length > 0 && last !== undefined) expect(bits & 1).not.toBe(last);
    last = bits & 1;
    if (data.length > 0) parts.push(data);
    if ((bits & 2) !== 0) {
      found.push(Buffer.concat(parts));
      parts = [];
    }
  }
  return found;
}

function settle(device: CameraDevice, format: CameraFormat, width: 320 | 640 | 1280, interval: number): void {
  const chosen = wish(formatIndexes[format], frameIndexes[width], interval);
  expect(streaming(device).set(setCurrent, commit, ...chosen)).toBe(true);
}

/** The packets of so many microframes from the one that the stream begins with. */
function stream(device: CameraDevice, alternate: number, microframes: number, first = 1000): Uint8Array[] {
  device.alternateSelected(streamingInterface, alternate);
  const source = sourceOf(device);
  const buffer = new Uint8Array(3072);
  return Array.from({ length: microframes }, (_, i) => {
    const length = source.produce(first + i, buffer, 0, buffer.length);
    return buffer.slice(0, length);
  });
}

describe("the descriptors", () => {
  it.each([0x0100, 0x0110, 0x0150] as const)(
    "of UVC %i can be parsed, each length being that of its parts",
    (version) => {
      const { configurationDescriptor } = cameraDevice({ uvcVersion: version });
      const { interfaces } = parseConfigurationDescriptor(configurationDescriptor);
      expect(interfaces.map(({ number, alternates }) => [number, alternates.length])).toStrictEqual([
        [0, 1],
        [1, 6],
      ]);
      const protocols = interfaces.flatMap(({ alternates }) => alternates.map((each) => each.interfaceProtocol));
      expect(new Set(protocols)).toStrictEqual(new Set([version === 0x0150 ? 1 : 0]));
      // The totals that the headers of both interfaces tell are those of the class descriptors behind them.
      const bytes = [...configurationDescriptor];
      let at = 9;
      const totals = new Map<number, { told: number; found: number }>();
      let number = -1;
      while (at < bytes.length) {
        const length = bytes[at] ?? 0;
        expect(length).toBeGreaterThan(2);
        if (bytes[at + 1] === 4) number = bytes[at + 2] ?? 0;
        if (bytes[at + 1] === 0x24) {
          const known = totals.get(number) ?? { told: 0, found: 0 };
          const total = (offset: number) => (bytes[at + offset] ?? 0) | ((bytes[at + offset + 1] ?? 0) << 8);
          if (bytes[at + 2] === 1) known.told = total(number === 0 ? 5 : 4);
          known.found += length;
          totals.set(number, known);
        }
        at += length;
      }
      expect(at).toBe(bytes.length);
      for (const { told, found } of totals.values()) expect(told).toBe(found);
      expect(totals.size).toBe(2);
    },
  );

  it("have alternate settings of growing size", () => {
    const { interfaces } = parseConfigurationDescriptor(cameraDevice().configurationDescriptor);
    const sizes = interfaces[1]?.alternates.flatMap(({ endpoints }) =>
      endpoints.map((each) => maxBytesPerInterval(each, "high")),
    );
    expect(sizes).toStrictEqual(alternateSizes);
  });
});

describe("the negotiation", () => {
  it.each([
    [0x0100, 26],
    [0x0110, 34],
    [0x0150, 48],
  ] as const)("with UVC %i goes in %i bytes", (uvcVersion, length) => {
    const requests = streaming(cameraDevice({ uvcVersion }));
    for (const control of [probe, commit]) {
      expect(requests.get(getLength, control)).toStrictEqual([length, 0]);
      expect(requests.get(getInfo, control)).toStrictEqual([3]);
      expect(requests.get(getCurrent, control)).toHaveLength(length);
    }
    for (const request of [getMinimum, getMaximum, getDefault, getResolution]) {
      expect(requests.get(request, probe)).toHaveLength(length);
      expect(requests.get(request, commit)).toBeUndefined();
    }
    expect(requests.get(getCurrent, probe)?.slice(26)).toStrictEqual(
      [...doubleWord(48_000_000), 3, 1, 1, 1, ...new Array<number>(14).fill(0)].slice(0, length - 26),
    );
  });

  it("a probe is answered with what comes closest", () => {
    const requests = streaming(cameraDevice());
    const probed = (format: number, frame: number, interval: number) => {
      expect(requests.set(setCurrent, probe, ...wish(format, frame, interval))).toBe(true);
      const answer = Uint8Array.from(requests.get(getCurrent, probe) ?? []);
      const view = new DataView(answer.buffer);
      return [answer[2], answer[3], view.getUint32(4, true), view.getUint32(18, true), view.getUint32(22, true)];
    };
    expect(probed(1, 1, 333_333)).toStrictEqual([1, 1, 333_333, 614_400, 2573]);
    expect(probed(1, 2, 700_000)).toStrictEqual([1, 2, 666_666, 153_600, 333]);
    // Of 1280 × 720 in YUY2, the bus has room for ten in a second.
    expect(probed(1, 3, 333_333)).toStrictEqual([1, 3, 1_000_000, 1_843_200, 2572]);
    expect(probed(2, 3, 0)).toStrictEqual([2, 3, 333_333, 231_424, 977]);
    expect(probed(9, 9, 1)).toStrictEqual([1, 1, 333_333, 614_400, 2573]);
  });

  it("only what is committed counts, and only what exists can be", () => {
    const device = cameraDevice();
    const requests = streaming(device);
    requests.set(setCurrent, probe, ...wish(2, 3, 333_333));
    expect(device.mode).toMatchObject({ format: "yuy2", width: 640 });
    expect(requests.set(setCurrent, commit, ...wish(2, 3, 333_333))).toBe(true);
    expect(device.mode).toMatchObject({ format: "mjpeg", width: 1280, height: 720, interval: 333_333 });
    expect(requests.set(setCurrent, commit, ...wish(4, 1, 333_333))).toBe(false);
    expect(requests.set(setCurrent, commit, ...wish(1, 4, 333_333))).toBe(false);
    expect(requests.set(setCurrent, commit, 1, 0, 1)).toBe(false);
    expect(device.mode.format).toBe("mjpeg");
  });

  it("what is not there stalls, and the request error code says why", () => {
    const device = cameraDevice();
    const requests = streaming(device);
    const control = new ClassRequests(device, "interface", 0);
    expect(control.get(getCurrent, requestError)).toStrictEqual([0]);
    expect(requests.get(getCurrent, 0x0300)).toBeUndefined();
    expect(control.get(getCurrent, requestError)).toStrictEqual([6]);
    expect(requests.get(0x99, probe)).toBeUndefined();
    expect(control.get(getCurrent, requestError)).toStrictEqual([7]);
    expect(requests.set(setCurrent, commit, ...wish(9, 1, 1))).toBe(false);
    expect(control.get(getCurrent, requestError)).toStrictEqual([4]);
    expect(requests.get(getInfo, probe)).toStrictEqual([3]);
    expect(control.get(getCurrent, requestError)).toStrictEqual([0]);
    expect(control.get(getInfo, requestError)).toStrictEqual([1]);
    expect(control.get(getLength, requestError)).toStrictEqual([1, 0]);
    expect(control.get(getCurrent, 0x0100)).toBeUndefined();
    expect(new ClassRequests(device, "endpoint", endpoint).get(getCurrent, probe)).toBeUndefined();
    const vendor = { type: "vendor", recipient: "device", direction: "in", request: 1, value: 0, index: 0 } as const;
    expect(device.control(vendor, 1)).toBeUndefined();
  });
});

describe("the stream", () => {
  it.each([
    ["yuy2", 640, 333_333, 5, 480],
    ["yuy2", 320, 333_333, 3, 240],
    ["mjpeg", 1280, 333_333, 3, 720],
    ["mjpeg", 320, 333_333, 1, 240],
    ["nv12", 640, 666_666, 3, 480],
  ] as const)("%s %i wide at an interval of %i: every picture whole", (format, width, interval, alternate, height) => {
    const device = cameraDevice();
    settle(device, format, width, interval);
    const packets = stream(device, alternate, 8000);
    const found = pictures(packets.map((packet, i) => parsePayload(i, packet)));
    // A tenth of the last picture is still to come.
    expect(found).toHaveLength(interval === 333_333 ? 30 : 15);
    found.forEach((picture, i) => {
      expect(testCardNumber(format, width, height, picture)).toBe(i);
      expect(Buffer.from(picture).equals(testCard(format, width, height, i))).toBe(true);
    });
    expect(device.statistics.skipped).toBe(0);
    expect(Math.max(...packets.map(({ length }) => length))).toBeLessThanOrEqual(alternateSizes[alternate - 1] ?? 0);
  });

  it("tells when each picture was taken, and what the clocks of device and bus are", () => {
    const device = cameraDevice({ clockPpm: 1000 });
    settle(device, "mjpeg", 320, 333_333);
    const payloads = stream(device, 5, 1500).map((packet, i) => parsePayload(1000 + i, packet));
    for (const { frame, bits, clock, sof } of payloads) {
      expect(bits & 0x8c).toBe(0x8c);
      expect(clock).toBe(Math.floor((frame - 1000) * 1250 * 1.001 * 4.8));
      expect(sof).toBe((frame >> 3) & 0x7ff);
    }
    const taken = payloads.filter(({ bits }) => (bits & 2) !== 0).map(({ presentation }) => presentation);
    expect(taken).toStrictEqual(Array.from({ length: taken.length }, (_, i) => Math.floor(i * 333_333 * 4.8)));
  });

  it.each([
    ["header", 12],
    ["empty", 0],
  ] as const)("between two pictures, packets with idle %s have %i bytes", (idle, length) => {
    const device = cameraDevice({ idle });
    settle(device, "mjpeg", 320, 2_000_000);
    const packets = stream(device, 5, 1600);
    expect(packets.at(-1)).toHaveLength(length);
    expect(pictures(packets.filter((each) => each.length > 0).map((each, i) => parsePayload(i, each)))).toHaveLength(1);
  });

  it.each([
    [0, 600],
    [1000, 601],
    [-100_000, 540],
    [100_000, 660],
  ])("with a clock of %i ppm, two minutes have %i pictures", (clockPpm, expected) => {
    const device = cameraDevice({ clockPpm, idle: "empty" });
    settle(device, "mjpeg", 320, 2_000_000);
    device.alternateSelected(streamingInterface, 5);
    const source = sourceOf(device);
    const buffer = new Uint8Array(3072);
    for (let frame = 0; frame < 960_000; frame++) source.produce(frame, buffer, 0, buffer.length);
    expect(device.statistics).toStrictEqual({ pictures: expected, skipped: 0 });
  });

  it("through too small an alternate setting skips pictures, and sends none in part", () => {
    const device = cameraDevice();
    settle(device, "yuy2", 320, 333_333);
    const found = pictures(stream(device, 1, 8000).map((packet, i) => parsePayload(i, packet)));
    const numbers = found.map((picture) => testCardNumber("yuy2", 320, 240, picture) ?? NaN);
    expect(numbers).toStrictEqual([0, 3, 6, 9, 12, 16, 19, 22, 25]);
    found.forEach((picture, i) => {
      expect(Buffer.from(picture).equals(testCard("yuy2", 320, 240, numbers[i] ?? 0))).toBe(true);
    });
  });

  it("keeps a picture back while nobody asks", () => {
    const device = cameraDevice();
    settle(device, "yuy2", 320, 333_333);
    device.alternateSelected(streamingInterface, 5);
    const source = sourceOf(device);
    const buffer = new Uint8Array(3072);
    const payloads: Payload[] = [];
    for (let frame = 0; frame < 8000; frame++) {
      // A quarter of a second of nothing, within the first picture.
      if (frame >= 100 && frame < 2100) continue;
      payloads.push(parsePayload(frame, buffer.slice(0, source.produce(frame, buffer, 0, 3072))));
    }
    const numbers = pictures(payloads).map((picture) => testCardNumber("yuy2", 320, 240, picture));
    expect(numbers.slice(0, 3)).toStrictEqual([0, 8, 9]);
    expect(device.statistics.skipped).toBe(7);
  });

  it("writes no more than there is room for, and says how much it would have been", () => {
    const device = cameraDevice();
    device.alternateSelected(streamingInterface, 5);
    const buffer = new Uint8Array(64).fill(0xaa);
    for (const capacity of [0, 5, 12, 40]) {
      expect(sourceOf(device).produce(0, buffer, 10, capacity)).toBe(2573);
      expect(buffer.subarray(10 + capacity).every((byte) => byte === 0xaa)).toBe(true);
    }
  });

  it("begins anew, at 0, with each alternate setting that is selected", () => {
    const device = cameraDevice();
    for (let i = 0; i < 2; i++) {
      const [first] = pictures(stream(device, 5, 300, i * 5000).map((packet, n) => parsePayload(n, packet)));
      expect(testCardNumber("yuy2", 640, 480, first ?? new Uint8Array(0))).toBe(0);
    }
  });

  it("goes through a bus and a pipe", async () => {
    const device = cameraDevice();
    const bus = new VirtualBus({ clock: unpacedClock(), devices: [device] });
    const opened = await firstValueFrom(bus.open({ productId: cameraProtocol.productId }));
    const setup = {
      ...({ type: "class", recipient: "interface", direction: "out" } as const),
      ...{ request: setCurrent, value: commit, index: streamingInterface },
    };
    await lastValueFrom(opened.controlTransfer(setup, Uint8Array.from(wish(2, 2, 333_333))), { defaultValue: 0 });
    await lastValueFrom(opened.close(), { defaultValue: undefined });
    const pipe = isochPipe(bus, { productId: cameraProtocol.productId, endpoint, alternate: 2 });
    const results = await lastValueFrom(pipe.results({ frames: 800, queue: 2 }).pipe(take(5), toArray()));
    const payloads = results.flatMap((each) => [...each]).map(({ frame, data }) => parsePayload(frame, data));
    const found = pictures(payloads);
    expect(found.length).toBeGreaterThan(10);
    found.forEach((picture, i) => {
      expect(Buffer.from(picture).equals(testCard("mjpeg", 320, 240, i))).toBe(true);
    });
  });
});

describe("options", () => {
  it.each([
    { formats: [] },
    { formats: ["yuy2", "yuy2"] },
    { formats: ["h264"] },
    { uvcVersion: 0x0200 },
    { clockPpm: NaN },
    { clockPpm: 100_001 },
    { idle: "silence" },
  ])("%j are refused", (options) => {
    expect(() => cameraDevice(options as unknown as CameraDeviceOptions)).toThrow(InvalidRequestError);
  });

  it("only the formats that were named are offered, the first by default", () => {
    const device = cameraDevice({ formats: ["mjpeg"], serialNumber: "another" });
    expect(device.mode).toMatchObject({ format: "mjpeg", width: 640, formatIndex: 1 });
    expect(streaming(device).set(setCurrent, commit, ...wish(2, 1, 333_333))).toBe(false);
    const { info } = new VirtualBus().attach(device);
    expect(info).toMatchObject({ manufacturer: "rx-isoch", product: "camera", serialNumber: "another" });
  });
});

import { describe, expect, it } from "vitest";
import { parseConfigurationDescriptor } from "../../../src/descriptors/configuration.js";
import { parseDeviceDescriptor } from "../../../src/descriptors/device.js";
import type {
  ConfigurationDescriptor,
  EndpointCompanion,
  SynchronizationType,
  UsageType,
} from "../../../src/descriptors/model.js";
import { findIsochEndpoint, isochEndpoints, maxBytesPerInterval, serviceInterval } from "../../../src/endpoint.js";
import * as fixtures from "../../fixtures/descriptors/index.js";
import type { DescriptorFixture } from "../../fixtures/descriptors/fixture.js";

/** interface, alternate, address, synchronization, usage, wMaxPacketSize, bytes per interval, bInterval, microseconds */
type Row = readonly [number, number, number, SynchronizationType, UsageType, number, number, number, number];

/** bRefresh and bSynchAddress of a nine-byte endpoint. */
type Audio = readonly [refresh: number, synchAddress: number];

interface Expected {
  readonly fixture: DescriptorFixture;
  /** Interface number and the alternate settings it has. */
  readonly interfaces: readonly (readonly [number: number, alternates: readonly number[]])[];
  readonly maxPower: number;
  readonly selfPowered: boolean;
  /** First interface, number of interfaces, class. */
  readonly associations?: readonly (readonly [number, number, number])[];
  readonly isochronous: readonly Row[];
  /** By endpoint address. */
  readonly audio?: Readonly<Record<number, Audio>>;
  readonly companions?: Readonly<Record<number, EndpointCompanion>>;
  /** Endpoint address, and the interface, alternate setting and size to be found for it. */
  readonly largest: readonly (readonly [address: number, interfaceNumber: number, alternate: number, bytes: number])[];
}

const devices: readonly Expected[] = [
  {
    fixture: fixtures.cmediaUsbSpeaker,
    interfaces: [
      [0, [0]],
      [1, [0, 1]],
    ],
    maxPower: 250,
    selfPowered: false,
    isochronous: [[1, 1, 0x06, "adaptive", "data", 192, 192, 1, 1000]],
    audio: { 0x06: [0, 0] },
    largest: [[0x06, 1, 1, 192]],
  },
  {
    fixture: fixtures.sonyPlaystationEye,
    interfaces: [
      [0, [0]],
      [1, [0]],
      [2, [0, 1]],
    ],
    maxPower: 250,
    selfPowered: false,
    isochronous: [[2, 1, 0x84, "asynchronous", "data", 768, 768, 4, 1000]],
    audio: { 0x84: [0, 0] },
    largest: [[0x84, 2, 1, 768]],
  },
  {
    fixture: fixtures.syntekStk1160,
    interfaces: [
      [0, [0, 1, 2, 3, 4, 5]],
      [1, [0]],
      [2, [0, 1]],
    ],
    maxPower: 250,
    selfPowered: false,
    isochronous: [
      [0, 0, 0x82, "none", "data", 0, 0, 1, 125],
      [0, 1, 0x82, "none", "data", 0x0300, 768, 1, 125],
      [0, 2, 0x82, "none", "data", 0x03fc, 1020, 1, 125],
      [0, 3, 0x82, "none", "data", 0x0400, 1024, 1, 125],
      [0, 4, 0x82, "none", "data", 0x0c00, 2048, 1, 125],
      [0, 5, 0x82, "none", "data", 0x1400, 3072, 1, 125],
      [2, 0, 0x84, "asynchronous", "data", 0, 0, 1, 125],
      [2, 1, 0x84, "asynchronous", "data", 256, 256, 4, 1000],
    ],
    largest: [
      [0x82, 0, 5, 3072],
      [0x84, 2, 1, 256],
    ],
  },
  {
    fixture: fixtures.focusriteScarlett2i2,
    interfaces: [
      [0, [0]],
      [1, [0, 1]],
      [2, [0, 1]],
      [3, [0]],
    ],
    maxPower: 250,
    selfPowered: false,
    associations: [[0, 3, 1]],
    isochronous: [
      [1, 1, 0x01, "synchronous", "data", 200, 200, 1, 125],
      [1, 1, 0x81, "none", "feedback", 4, 4, 4, 1000],
      [2, 1, 0x82, "asynchronous", "implicit-feedback", 200, 200, 1, 125],
    ],
    largest: [
      [0x01, 1, 1, 200],
      [0x81, 1, 1, 4],
      [0x82, 2, 1, 200],
    ],
  },
  {
    fixture: fixtures.rmeFirefaceUc,
    interfaces: [
      [0, [0, 1, 2, 3]],
      [1, [0]],
      [2, [0]],
      [3, [0]],
      [4, [0]],
    ],
    maxPower: 50,
    selfPowered: true,
    isochronous: [
      [0, 0, 0x01, "none", "data", 0, 0, 1, 125],
      [0, 0, 0x82, "none", "data", 0, 0, 1, 125],
      [0, 1, 0x01, "none", "data", 0x0214, 532, 1, 125],
      [0, 1, 0x82, "none", "data", 0x01fc, 508, 1, 125],
      [0, 2, 0x01, "none", "data", 0x030c, 780, 1, 125],
      [0, 2, 0x82, "none", "data", 0x02dc, 732, 1, 125],
      [0, 3, 0x01, "none", "data", 0x0a8c, 1304, 1, 125],
      [0, 3, 0x82, "none", "data", 0x0a5c, 1208, 1, 125],
    ],
    largest: [
      [0x01, 0, 3, 1304],
      [0x82, 0, 3, 1208],
    ],
  },
  {
    fixture: fixtures.microsoftKinect,
    interfaces: [[0, [0]]],
    maxPower: 8,
    selfPowered: true,
    isochronous: [
      [0, 0, 0x81, "none", "data", 0x0bc0, 1920, 1, 125],
      [0, 0, 0x82, "none", "data", 0x0bc0, 1920, 1, 125],
    ],
    largest: [
      [0x81, 0, 0, 1920],
      [0x82, 0, 0, 1920],
    ],
  },
  {
    fixture: fixtures.sonyDualsense,
    interfaces: [
      [0, [0]],
      [1, [0, 1]],
      [2, [0, 1]],
      [3, [0]],
    ],
    maxPower: 250,
    selfPowered: true,
    isochronous: [
      [1, 1, 0x01, "adaptive", "data", 392, 392, 4, 1000],
      [2, 1, 0x82, "asynchronous", "data", 196, 196, 4, 1000],
    ],
    audio: { 0x01: [0, 0], 0x82: [0, 0] },
    largest: [
      [0x01, 1, 1, 392],
      [0x82, 2, 1, 196],
    ],
  },
  {
    fixture: fixtures.macrosiliconMs210x,
    interfaces: [
      [0, [0]],
      [1, [0, 1]],
      [2, [0]],
      [3, [0, 1]],
      [4, [0]],
    ],
    maxPower: 250,
    selfPowered: false,
    associations: [
      [0, 2, 14],
      [2, 2, 1],
    ],
    isochronous: [
      [1, 1, 0x83, "asynchronous", "data", 0x1400, 3072, 1, 125],
      [3, 1, 0x82, "none", "data", 256, 256, 4, 1000],
    ],
    audio: { 0x82: [0, 0] },
    largest: [
      [0x83, 1, 1, 3072],
      [0x82, 3, 1, 256],
    ],
  },
  {
    fixture: fixtures.gadmeiUtv382,
    interfaces: [[0, [0, 1]]],
    maxPower: 250,
    selfPowered: false,
    isochronous: [
      [0, 0, 0x81, "none", "data", 0, 0, 1, 125],
      [0, 1, 0x81, "none", "data", 0x1400, 3072, 1, 125],
    ],
    largest: [[0x81, 0, 1, 3072]],
  },
  {
    fixture: fixtures.frescoFl2000,
    interfaces: [
      [0, [0, 1]],
      [1, [0, 1]],
      [2, [0]],
    ],
    maxPower: 135,
    selfPowered: false,
    associations: [[0, 3, 14]],
    isochronous: [
      [1, 1, 0x82, "adaptive", "feedback", 4, 4, 7, 8000],
      [1, 1, 0x02, "adaptive", "data", 0x1400, 3072, 1, 125],
    ],
    largest: [
      [0x82, 1, 1, 4],
      [0x02, 1, 1, 3072],
    ],
  },
  {
    fixture: fixtures.sonyPlaystationCamera,
    interfaces: [
      [0, [0]],
      [1, [0, 1]],
    ],
    maxPower: 0,
    selfPowered: false,
    associations: [[0, 2, 14]],
    isochronous: [[1, 1, 0x81, "asynchronous", "data", 1024, 49152, 1, 125]],
    companions: { 0x81: { burst: 16, mult: 3, bytesPerInterval: 49152 } },
    largest: [[0x81, 1, 1, 49152]],
  },
];

it("every fixture has its expectations", () => {
  expect(devices.map(({ fixture }) => fixture).sort(byName)).toEqual(Object.values(fixtures).sort(byName));
});

describe.each(devices.map((expected) => [expected.fixture.name, expected] as const))("%s", (_, expected) => {
  const { fixture } = expected;
  const configuration = parseConfigurationDescriptor(fixture.configuration);

  it("is the device that it says it is", () => {
    const device = parseDeviceDescriptor(fixture.device);
    expect(device).toMatchObject({ vendorId: fixture.vendorId, productId: fixture.productId });
    expect(device.maxPacketSize0).toBe({ low: 8, full: 8, high: 64, super: 512, "super-plus": 512 }[fixture.speed]);
  });

  it("has its interfaces, alternate settings and associations", () => {
    expect(configuration.value).toBe(1);
    expect(configuration).toMatchObject({ maxPower: expected.maxPower, selfPowered: expected.selfPowered });
    expect(configuration.remoteWakeup).toBe(false);
    expect(configuration.extra).toEqual([]);
    expect(
      configuration.interfaces.map(({ number, alternates }) => [number, alternates.map((a) => a.alternateSetting)]),
    ).toEqual(expected.interfaces);
    expect(configuration.associations.map((a) => [a.firstInterface, a.interfaceCount, a.functionClass])).toEqual(
      expected.associations ?? [],
    );
  });

  it("has its isochronous endpoints, field by field", () => {
    const rows = isochEndpoints(configuration).map(({ interfaceNumber, alternate, endpoint }) => [
      interfaceNumber,
      alternate.alternateSetting,
      endpoint.address,
      endpoint.synchronizationType,
      endpoint.usageType,
      endpoint.maxPacketSize,
      maxBytesPerInterval(endpoint, fixture.speed),
      endpoint.interval,
      serviceInterval(endpoint, fixture.speed),
    ]);
    expect(rows).toEqual(expected.isochronous);
    for (const { endpoint } of isochEndpoints(configuration)) {
      expect(endpoint.direction).toBe(endpoint.address >= 0x80 ? "in" : "out");
      const [refresh, synchAddress] = expected.audio?.[endpoint.address] ?? [undefined, undefined];
      expect([endpoint.refresh, endpoint.synchAddress]).toEqual([refresh, synchAddress]);
      expect(endpoint.companion).toEqual(expected.companions?.[endpoint.address]);
    }
  });

  it("is opened at its largest alternate setting", () => {
    for (const [address, interfaceNumber, alternateSetting, bytes] of expected.largest) {
      const found = findIsochEndpoint(configuration, { endpoint: address }, fixture.speed);
      expect(found.interfaceNumber).toBe(interfaceNumber);
      expect(found.alternate.alternateSetting).toBe(alternateSetting);
      expect(maxBytesPerInterval(found.endpoint, fixture.speed)).toBe(bytes);
    }
  });

  it("loses no byte", () => {
    expect(accountedFor(configuration)).toBe(fixture.configuration.length);
  });
});

describe("what the parser has no field for stays where it stood", () => {
  it("in a UVC grabber: behind its interface, and behind the audio endpoint", () => {
    const { interfaces } = parseConfigurationDescriptor(fixtures.macrosiliconMs210x.configuration);
    expect(interfaces[0]?.alternates[0]?.extra.map(({ bytes }) => bytes.length)).toEqual([13, 18, 11, 9]);
    expect(interfaces[1]?.alternates[0]?.extra.map(({ bytes }) => bytes[2])).toEqual([1, 6, 7, 7, 7, 13, 4, 5, 13]);
    expect(interfaces[3]?.alternates[1]?.endpoints[0]?.extra).toEqual([
      { type: 0x25, bytes: Uint8Array.of(0x07, 0x25, 0x01, 0x00, 0x00, 0x00, 0x00) },
    ]);
    expect(interfaces[4]?.alternates[0]?.extra.map(({ type }) => type)).toEqual([0x21]);
  });

  it("in the FL2000: 17 descriptors of its own, and the endpoint that is there twice", () => {
    const { interfaces } = parseConfigurationDescriptor(fixtures.frescoFl2000.configuration);
    const alternate = interfaces[0]?.alternates[1];
    expect(alternate?.extra.map(({ type }) => type)).toEqual([
      0x21, 0x25, 0x25, 0x22, 0x25, 0x22, 0x23, 0x25, 0x26, 0x24, 0x25, 0x24, 0x25, 0x25, 0x25, 0x25, 0x27,
    ]);
    expect(alternate?.endpoints.map(({ address }) => address)).toEqual([0x81, 0x81]);
  });

  it("in a UAC2 interface: the endpoint's own block is with the endpoint, not with its feedback", () => {
    const { interfaces } = parseConfigurationDescriptor(fixtures.focusriteScarlett2i2.configuration);
    const endpoints = interfaces[1]?.alternates[1]?.endpoints ?? [];
    expect(endpoints.map(({ extra }) => extra.length)).toEqual([1, 0]);
  });
});

/** The bytes of every descriptor that the model holds or stands for. */
function accountedFor(configuration: ConfigurationDescriptor): number {
  const rawLength = (extra: readonly { bytes: Uint8Array }[]) =>
    extra.reduce((sum, { bytes }) => sum + bytes.length, 0);
  let sum = 9 + rawLength(configuration.extra) + 8 * configuration.associations.length;
  for (const { alternates } of configuration.interfaces) {
    for (const { endpoints, extra } of alternates) {
      sum += 9 + rawLength(extra);
      for (const endpoint of endpoints) {
        sum += endpoint.refresh === undefined ? 7 : 9;
        sum += (endpoint.companion === undefined ? 0 : 6) + rawLength(endpoint.extra);
      }
    }
  }
  return sum;
}

function byName(a: DescriptorFixture, b: DescriptorFixture): number {
  return a.name.localeCompare(b.name);
}

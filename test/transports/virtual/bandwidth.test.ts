import { describe, expect, it } from "vitest";
import { firstValueFrom } from "rxjs";
import {
  BandwidthError,
  DescriptorError,
  parseConfigurationDescriptor,
  type AlternateSetting,
  type EndpointDescriptor,
  type Speed,
} from "../../../src/index.js";
import { Bandwidth } from "../../../transports/virtual/bandwidth.js";
import {
  encodeCompanion,
  encodeConfiguration,
  encodeIsochEndpoint,
  encodeVendorInterface,
} from "../../../transports/virtual/descriptors.js";
import { busTime, counterDevice, VirtualBus } from "../../../transports/virtual/index.js";
import { done } from "../../support/raw-port.js";

function alternateOf(...endpoints: readonly Uint8Array[]): AlternateSetting {
  const { interfaces } = parseConfigurationDescriptor(
    encodeConfiguration(1, encodeVendorInterface(0, 1, endpoints.length), ...endpoints),
  );
  const alternate = interfaces[0]?.alternates[0];
  if (alternate === undefined) throw new Error("no alternate setting");
  return alternate;
}

function endpointOf(...bytes: readonly Uint8Array[]): EndpointDescriptor {
  const endpoint = alternateOf(...bytes).endpoints[0];
  if (endpoint === undefined) throw new Error("no endpoint");
  return endpoint;
}

/** wMaxPacketSize of 1024 bytes in so many transactions of a microframe. */
const highSpeed = (transactions: number) => 1024 | ((transactions - 1) << 11);

describe("busTime", () => {
  // USB 2.0, 5.11.3, by hand. BitStuffTime(n) = 7/6 × 8 × n bits.
  it.each([
    // 7268 + 83.54 × floor(3.167 + 9548) = 7268 + 83.54 × 9551
    ["full speed, 1023 bytes IN", "full", 0x81, 1023, 1, 805.15854],
    // 6265 + 83.54 × floor(3.167 + 9548)
    ["full speed, 1023 bytes OUT", "full", 0x01, 1023, 1, 804.15554],
    // 7268 + 83.54 × floor(3.167 + 1792) = 7268 + 83.54 × 1795
    ["full speed, 192 bytes IN: stereo at 48 kHz", "full", 0x81, 192, 1, 157.2223],
    // 38 × 8 × 2.083 + 2.083 × floor(3.167 + 9557.33) = 633.232 + 2.083 × 9560
    ["high speed, 1 × 1024 bytes", "high", 0x81, highSpeed(1), 1, 20.546712],
    ["high speed, 3 × 1024 bytes", "high", 0x81, highSpeed(3), 1, 61.640136],
    // Every second microframe.
    ["high speed, 3 × 1024 bytes, bInterval 2", "high", 0x81, highSpeed(3), 2, 30.820068],
    ["high speed, 3 × 1024 bytes, bInterval 4", "high", 0x81, highSpeed(3), 4, 7.705017],
  ] as const)("%s", (_name, speed, address, size, interval, expected) => {
    expect(busTime(endpointOf(encodeIsochEndpoint(address, size, interval)), speed)).toBeCloseTo(expected, 6);
  });

  it("SuperSpeed, 49,152 bytes: 2 ns a byte, and 20 bytes around each of 48 packets", () => {
    const endpoint = endpointOf(encodeIsochEndpoint(0x81, 1024), encodeCompanion(16, 3, 49152));
    expect(busTime(endpoint, "super")).toBeCloseTo((49152 + 48 * 20) * 0.002, 6);
    expect(busTime(endpoint, "super-plus")).toBeCloseTo((49152 + 48 * 20) * 0.000825, 6);
  });

  it("grows with the bytes, and IN takes longer than OUT at full speed", () => {
    const time = (address: number, size: number) => busTime(endpointOf(encodeIsochEndpoint(address, size)), "full");
    expect(time(0x81, 200)).toBeGreaterThan(time(0x81, 199));
    expect(time(0x81, 200)).toBeGreaterThan(time(0x01, 200));
  });

  it("a bad bInterval is a bad descriptor", () => {
    expect(() => busTime(endpointOf(encodeIsochEndpoint(0x81, 8, 0)), "full")).toThrow(DescriptorError);
  });
});

describe("Bandwidth", () => {
  const full = alternateOf(encodeIsochEndpoint(0x81, 1023));
  const high = alternateOf(encodeIsochEndpoint(0x81, highSpeed(3)));
  const nothing = alternateOf();

  function refusal(act: () => void): BandwidthError {
    try {
      act();
    } catch (error) {
      if (BandwidthError.is(error)) return error;
      throw error;
    }
    throw new Error("was not refused");
  }

  it("two of 3 × 1024 bytes are more than 80 % of a microframe", () => {
    const bandwidth = new Bandwidth();
    bandwidth.reserve("a", high, "high");
    const { code, message } = refusal(() => {
      bandwidth.reserve("b", high, "high");
    });
    expect(code).toBe("bandwidth-exceeded");
    // 100 µs of 125 less what one takes.
    expect(message).toContain("takes 61.6 µs of each microframe, and 38.4 µs of 100 are free");
  });

  it("two of 1023 bytes are more than 90 % of a frame", () => {
    const bandwidth = new Bandwidth();
    bandwidth.reserve("a", full, "full");
    expect(
      refusal(() => {
        bandwidth.reserve("b", full, "full");
      }).message,
    ).toContain("takes 805.2 µs of each frame, and 94.8 µs of 900 are free");
  });

  it.each([
    // 900 µs: 83.54 × floor(3.167 + x) + 7268 twice, x = 28/3 × bytes: 562 bytes are 445.8 µs, 568 are 450.4 µs.
    ["full", alternateOf(encodeIsochEndpoint(0x81, 562)), alternateOf(encodeIsochEndpoint(0x81, 568))],
    // 100 µs: 20.55 µs for each of 1024 bytes: four fit (82.2), five do not (102.7).
    [
      "high",
      alternateOf(encodeIsochEndpoint(0x81, highSpeed(2))),
      alternateOf(encodeIsochEndpoint(0x81, highSpeed(2)), encodeIsochEndpoint(0x82, highSpeed(1))),
    ],
  ] as const)("%s speed: the last that fits, and the first that does not", (speed: Speed, fits, exceeds) => {
    const bandwidth = new Bandwidth();
    bandwidth.reserve("a", fits, speed);
    bandwidth.reserve("b", fits, speed);
    expect(
      refusal(() => {
        bandwidth.reserve("a", exceeds, speed);
        bandwidth.reserve("b", exceeds, speed);
      }),
    ).toBeInstanceOf(BandwidthError);
  });

  it("a refused holder keeps what it held before", () => {
    const bandwidth = new Bandwidth();
    const one = alternateOf(encodeIsochEndpoint(0x81, highSpeed(1)));
    const two = alternateOf(encodeIsochEndpoint(0x81, highSpeed(2)));
    bandwidth.reserve("a", two, "high");
    bandwidth.reserve("b", two, "high");
    refusal(() => {
      bandwidth.reserve("b", high, "high");
    });
    // 41.1 + 41.1 are taken still: 17.8 are free, and one more takes 20.5.
    refusal(() => {
      bandwidth.reserve("c", one, "high");
    });
    bandwidth.release("b");
    bandwidth.reserve("c", one, "high");
  });

  it("a holder's new setting takes the place of its old one", () => {
    const bandwidth = new Bandwidth();
    bandwidth.reserve("a", high, "high");
    bandwidth.reserve("a", high, "high");
    bandwidth.reserve("a", nothing, "high");
    bandwidth.reserve("b", high, "high");
  });

  it("a setting that takes nothing is never refused", () => {
    const bandwidth = new Bandwidth();
    bandwidth.reserve("a", full, "full");
    bandwidth.reserve("b", nothing, "full");
  });

  it("each speed has a bus of its own", () => {
    const bandwidth = new Bandwidth();
    const large = alternateOf(encodeIsochEndpoint(0x81, 1024), encodeCompanion(16, 3, 49152));
    bandwidth.reserve("full", full, "full");
    bandwidth.reserve("high", high, "high");
    bandwidth.reserve("super", large, "super");
    bandwidth.reserve("plus", large, "super-plus");
    bandwidth.reserve("another plus", large, "super-plus");
    expect(
      refusal(() => {
        bandwidth.reserve("another", large, "super");
      }).message,
    ).toContain("112.5");
  });
});

describe("the bandwidth of a bus", () => {
  it.each(["full", "high", "super"] as const)(
    "%s speed: a second full pipe has to wait for the first",
    async (speed) => {
      const bus = new VirtualBus({
        devices: [counterDevice({ speed, serialNumber: "1" }), counterDevice({ speed, serialNumber: "2" })],
      });
      const [first, second] = await Promise.all(
        ["1", "2"].map((serialNumber) => firstValueFrom(bus.open({ serialNumber }))),
      );
      if (first === undefined || second === undefined) throw new Error("not open");
      for (const device of [first, second]) await done(device.claimInterface(0));
      await done(first.selectAlternate(0, 1));
      await expect(done(second.selectAlternate(0, 1))).rejects.toMatchObject({ code: "bandwidth-exceeded" });
      expect(() => second.openEndpoint(0x81)).toThrow(expect.objectContaining({ code: "not-in-alternate" }));
      await done(first.releaseInterface(0));
      await done(second.selectAlternate(0, 1));
      second.openEndpoint(0x81);
      // Closing gives back what was not released.
      await done(second.close());
      await done(first.claimInterface(0));
      await done(first.selectAlternate(0, 1));
      await done(first.close());
      expect(bus.audit()).toMatchObject({ openDevices: 0, claimedInterfaces: 0 });
    },
  );

  it("unplugging gives it back", async () => {
    const bus = new VirtualBus();
    const attachment = bus.attach(counterDevice({ serialNumber: "1" }));
    bus.attach(counterDevice({ serialNumber: "2" }));
    const first = await firstValueFrom(bus.open({ serialNumber: "1" }));
    const second = await firstValueFrom(bus.open({ serialNumber: "2" }));
    await done(first.selectAlternate(0, 1));
    attachment.detach();
    await done(second.selectAlternate(0, 1));
  });
});

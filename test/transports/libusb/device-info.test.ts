import { describe, expect, it } from "vitest";
import { parseConfigurationDescriptor, parseDeviceDescriptor } from "../../../src/index.js";
import type { NativeDeviceInfo } from "../../../transports/libusb/addon.js";
import { deviceId, toDeviceInfo } from "../../../transports/libusb/device-info.js";
import * as fixtures from "../../fixtures/descriptors/index.js";
import type { DescriptorFixture } from "../../fixtures/descriptors/fixture.js";

const speeds = { low: 1, full: 2, high: 3, super: 4, "super-plus": 5 };
const devices = Object.values(fixtures).filter(
  (each): each is DescriptorFixture => typeof each === "object" && "configuration" in each,
);

function native(fixture: DescriptorFixture, changes: Partial<NativeDeviceInfo> = {}): NativeDeviceInfo {
  return {
    bus: 3,
    address: 7,
    ports: [1, 4],
    speed: speeds[fixture.speed],
    descriptor: fixture.device,
    configurations: [fixture.configuration],
    manufacturer: undefined,
    product: fixture.name,
    serialNumber: "0001",
    ...changes,
  };
}

const [camera] = devices;
if (camera === undefined) throw new Error("no fixture");

describe("what is known of a device before it is opened", () => {
  it.each(devices)("holds the descriptors of $name", (fixture) => {
    expect(toDeviceInfo(native(fixture))).toStrictEqual({
      id: "3-1.4:7",
      speed: fixture.speed,
      descriptor: parseDeviceDescriptor(fixture.device),
      configurations: [parseConfigurationDescriptor(fixture.configuration)],
      manufacturer: undefined,
      product: fixture.name,
      serialNumber: "0001",
    });
  });

  it("leaves out a configuration that does not parse, and keeps the others", () => {
    const cut = camera.configuration.subarray(0, camera.configuration.length - 1);
    const configurations = [Uint8Array.of(9), cut, camera.configuration, new Uint8Array(0)];
    expect(toDeviceInfo(native(camera, { configurations }))?.configurations).toStrictEqual([
      parseConfigurationDescriptor(camera.configuration),
    ]);
  });

  it("leaves out a device whose descriptor does not parse", () => {
    expect(toDeviceInfo(native(camera, { descriptor: new Uint8Array(4) }))).toBeUndefined();
  });

  it.each([
    [0, "high"],
    [1, "low"],
    [2, "full"],
    [3, "high"],
    [4, "super"],
    [5, "super-plus"],
    [6, "super-plus"],
    [99, "high"],
  ])("reads the speed %i as %s", (speed, name) => {
    expect(toDeviceInfo(native(camera, { speed }))?.speed).toBe(name);
  });

  it("names a device by its port, and a root hub by port 0", () => {
    expect(deviceId({ bus: 1, address: 12, ports: [2, 3, 1] })).toBe("1-2.3.1:12");
    expect(deviceId({ bus: 2, address: 1, ports: [] })).toBe("2-0:1");
  });
});

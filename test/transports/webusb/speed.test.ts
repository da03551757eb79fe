import { describe, expect, it } from "vitest";
import { parseConfigurationDescriptor, parseDeviceDescriptor } from "../../../src/index.js";
import { counterDevice } from "../../../transports/virtual/index.js";
import { deduceSpeed } from "../../../transports/webusb/speed.js";
import * as fixtures from "../../fixtures/descriptors/index.js";

const deduced = (device: Uint8Array, configuration: Uint8Array, hasQualifier: boolean) =>
  deduceSpeed(parseDeviceDescriptor(device), [parseConfigurationDescriptor(configuration)], hasQualifier);

describe("the speed, from the descriptors", () => {
  it.each(Object.values(fixtures))("of $name: $speed", ({ device, configuration, speed }) => {
    expect(deduced(device, configuration, speed === "high")).toBe(speed);
  });

  it.each(["full", "high", "super"] as const)("of the counter device at %s speed", (speed) => {
    const { deviceDescriptor, configurationDescriptor } = counterDevice({ speed });
    expect(deduced(deviceDescriptor, configurationDescriptor, false)).toBe(speed);
  });

  it("of one whose endpoints could be of either: the qualifier says", () => {
    const { deviceDescriptor } = counterDevice({ speed: "high" });
    const configuration = Uint8Array.of(9, 2, 9, 0, 0, 1, 0, 0x80, 50);
    expect(deduced(deviceDescriptor, configuration, true)).toBe("high");
    expect(deduced(deviceDescriptor, configuration, false)).toBe("full");
  });

  it("of one that has more bytes in an interval than SuperSpeed's companion can say: super-plus", () => {
    const { deviceDescriptor, configurationDescriptor } = counterDevice({ speed: "super", burst: 1, mult: 1 });
    const bytes = configurationDescriptor.slice();
    const companion = bytes.findIndex((byte, i) => byte === 6 && bytes[i + 1] === 0x30);
    new DataView(bytes.buffer).setUint16(companion + 4, 4096, true);
    expect(deduced(deviceDescriptor, bytes, false)).toBe("super-plus");
  });
});

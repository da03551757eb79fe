import { describe, expect, it } from "vitest";
import { parseDeviceDescriptor } from "../../../src/descriptors/device.js";
import { DescriptorError } from "../../../src/errors.js";
import { hex } from "../../fixtures/descriptors/fixture.js";
import { focusriteScarlett2i2 } from "../../fixtures/descriptors/index.js";

describe("parseDeviceDescriptor", () => {
  it("reads every field", () => {
    expect(parseDeviceDescriptor(focusriteScarlett2i2.device)).toEqual({
      usbVersion: 0x0200,
      deviceClass: 0xef,
      deviceSubclass: 2,
      deviceProtocol: 1,
      maxPacketSize0: 64,
      vendorId: 0x1235,
      productId: 0x8202,
      deviceVersion: 0x041b,
      manufacturerIndex: 1,
      productIndex: 3,
      serialNumberIndex: 0,
      configurationCount: 2,
    });
  });

  it("leaves the configurations behind it alone, and works on a view", () => {
    const { device, configuration } = focusriteScarlett2i2;
    const file = Uint8Array.of(0xff, ...device, ...configuration);
    expect(parseDeviceDescriptor(file.subarray(1))).toEqual(parseDeviceDescriptor(device));
  });

  it.each([
    ["3.00, 9: two to the power of nine", "00 03", "09", 512],
    ["3.20, 9", "20 03", "09", 512],
    ["3.00, 64, as some say at high speed", "00 03", "40", 64],
    ["2.10, 9", "10 02", "09", 9],
  ])("resolves the packet size of endpoint zero at %s", (_, version, size, expected) => {
    const bytes = hex(`12 01 ${version} 00 00 00 ${size} 01 00 02 00 00 01 00 00 00 01`);
    expect(parseDeviceDescriptor(bytes).maxPacketSize0).toBe(expected);
  });

  it.each([
    ["nothing", "", /byte 0 is cut off after 0 of its bytes/],
    ["one byte", "12", /byte 0 is cut off after 1/],
    ["a cut", "12 01 00 02 00 00 00 40 15 14 00 20 00 02 01 02 00", /18 bytes long, and 17 are left/],
    ["a bLength of 0", "00 01 00 02 00 00 00 40 15 14 00 20 00 02 01 02 00 01", /says it is 0 bytes long/],
    ["a bLength of 8", "08 01 00 02 00 00 00 40", /device descriptor at byte 0 is 8 bytes long, and 18/],
    ["a configuration", "09 02 09 00 00 01 00 80 fa", /has type 0x1, and the one at byte 0 has 0x2/],
  ])("refuses %s", (_, bytes, message) => {
    const parse = () => parseDeviceDescriptor(hex(bytes));
    expect(parse).toThrow(DescriptorError);
    expect(parse).toThrow(message);
    expect(parse).toThrow(expect.objectContaining({ code: "bad-descriptor" }));
  });
});

import { describe, expect, test } from "vitest";
import {
  findIsochEndpoint,
  maxBytesPerInterval,
  parseConfigurationDescriptor,
  parseDeviceDescriptor,
  serviceInterval,
} from "../../../src/index.js";
import { devices } from "../devices.js";
import { parseCapture } from "./support/capture.js";
import { readCapture } from "./support/share.js";
import { deviceWithSerial } from "./support/sysfs.js";

describe.each(Object.values(devices))("usb-audio on $controller.model", (device) => {
  const { descriptors, controllerDriver, ...sysfs } = snapshot(device.id);

  test("is driven by the kernel's own driver of that controller", () => {
    expect(controllerDriver).toBe(device.controller.driver);
    expect(sysfs.speed).toBe("12");
  });

  test("has the device descriptor that sysfs shows field by field", () => {
    expect(parseDeviceDescriptor(descriptors)).toMatchObject({
      vendorId: sysfs.vendorId,
      productId: sysfs.productId,
      deviceClass: 0,
      configurationCount: 1,
    });
  });

  test("has an isochronous OUT endpoint of 192 bytes per millisecond", () => {
    const configuration = parseConfigurationDescriptor(descriptors.subarray(18));
    expect(configuration.interfaces.map(({ number }) => number)).toStrictEqual([0, 1]);

    const found = findIsochEndpoint(configuration, { endpoint: 0x01 }, "full");
    expect(found.interfaceNumber).toBe(1);
    expect(found.alternate.alternateSetting).toBe(1);
    expect(found.endpoint).toMatchObject({ address: 0x01, direction: "out", transferType: "isochronous" });
    expect(maxBytesPerInterval(found.endpoint, "full")).toBe(192);
    expect(serviceInterval(found.endpoint, "full")).toBe(1000);
  });

  test("was seen by the capture to say the same of itself", () => {
    const answers = parseCapture(readCapture(device))
      .filter(({ event, endpoint }) => event === "complete" && endpoint === 0x80)
      .map(({ data }) => Buffer.from(data).toString("hex"));
    expect(answers).toContain(Buffer.from(descriptors.subarray(0, 18)).toString("hex"));
    expect(answers).toContain(Buffer.from(descriptors.subarray(18)).toString("hex"));
  });
});

function snapshot(serial: string) {
  const device = deviceWithSerial(serial);
  return {
    descriptors: device.descriptors,
    controllerDriver: device.controllerDriver,
    speed: device.read("speed"),
    vendorId: parseInt(device.read("idVendor"), 16),
    productId: parseInt(device.read("idProduct"), 16),
  };
}

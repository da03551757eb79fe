import { readFileSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import { devices } from "../devices.js";
import { isLoaded, load, unload } from "./support/kernel.js";
import { deviceWithSerial } from "./support/sysfs.js";

// They take the devices away from the other tests.
afterEach(() => unload("snd-usb-audio", "uvcvideo"));

test.each([
  "xhci-hcd",
  "xhci-pci",
  "ehci-hcd",
  "ehci-pci",
  "uhci-hcd",
  "usbmon",
  "usbip-core",
  "usbip-host",
  "vhci-hcd",
  "uvcvideo",
  "snd-usb-audio",
  "snd-usbmidi-lib",
])("the kernel has %s", (module) => {
  load(module);
  expect(isLoaded(module)).toBe(true);
});

test("snd-usb-audio takes the devices, and gives them back", () => {
  const drivers = () => Object.values(devices).map(({ id }) => deviceWithSerial(id).interfaceDriver(1));

  load("snd-usb-audio");
  expect(drivers()).toStrictEqual(["snd-usb-audio", "snd-usb-audio"]);
  expect(readFileSync("/proc/asound/cards", "utf8").match(/QEMU USB Audio/g)?.length).toBeGreaterThanOrEqual(2);

  unload("snd-usb-audio");
  expect(drivers()).toStrictEqual([undefined, undefined]);
});

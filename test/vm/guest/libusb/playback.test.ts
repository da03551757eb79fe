import { readFileSync } from "node:fs";
import { firstValueFrom, lastValueFrom, tap } from "rxjs";
import { isochPipe } from "rx-isoch";
import { libusb, libusbCounters } from "rx-isoch/transports/libusb";
import { afterEach, describe, expect, test } from "vitest";
import { devices, type Device } from "../../devices.js";
import { load, unload } from "../support/kernel.js";
import { deviceWithSerial } from "../support/sysfs.js";
import { audioStreaming, playTone } from "../support/tone.js";

const play = (device: Device, seconds: number): Promise<void> =>
  playTone(libusb(), { serialNumber: device.id }, device, seconds);

afterEach(() => {
  const { buffers: _, ...inUse } = libusbCounters();
  expect(Object.values(inUse).filter((count) => count !== 0)).toHaveLength(0);
});

describe.each(Object.values(devices))("a tone on $controller.model", (device) => {
  // A guest that stands still for longer than is in flight plays nothing meanwhile.
  test("arrives sample for sample, for ten seconds", { timeout: 150_000, retry: 2 }, async () => {
    await play(device, 10);
  });
});

describe("a tone on a device that the kernel's driver has", () => {
  const device = devices.audioOnXhci;
  const drivers = () => [0, 1].map((number) => deviceWithSerial(device.id).interfaceDriver(number));

  const cards = () => readFileSync("/proc/asound/cards", "utf8").match(/^.*QEMU USB Audio$/gm)?.length;

  afterEach(() => {
    unload("snd-usb-audio");
  });

  test("arrives sample for sample, and the driver gets the device back", async () => {
    load("snd-usb-audio");
    expect(drivers()).toStrictEqual(["snd-usb-audio", "snd-usb-audio"]);
    const cardsBefore = cards();
    expect(cardsBefore).toBeGreaterThan(0);
    const pipe = isochPipe(libusb(), { serialNumber: device.id, ...audioStreaming });
    await firstValueFrom(
      pipe.open().pipe(
        tap(() => {
          expect(drivers()).toStrictEqual(["snd-usb-audio", "usbfs"]);
        }),
      ),
    );
    await lastValueFrom(pipe.closing, { defaultValue: undefined });
    expect(drivers()).toStrictEqual(["snd-usb-audio", "snd-usb-audio"]);
    expect(cards()).toBe(cardsBefore);

    await play(device, 1);
    expect(drivers()).toStrictEqual(["snd-usb-audio", "snd-usb-audio"]);
  });
});

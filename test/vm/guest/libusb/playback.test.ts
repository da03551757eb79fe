import { readFileSync } from "node:fs";
import { firstValueFrom, lastValueFrom, of, tap, toArray } from "rxjs";
import { isochPipe, statusCodes } from "rx-isoch";
import { close, issue, packetize } from "rx-isoch/operators";
import { libusb, libusbCounters } from "rx-isoch/transports/libusb";
import { afterEach, describe, expect, test } from "vitest";
import { devices, type Device } from "../../devices.js";
import { parseCapture } from "../support/capture.js";
import { load, unload } from "../support/kernel.js";
import { readCapture } from "../support/share.js";
import { deviceWithSerial } from "../support/sysfs.js";

const sampleRate = 48_000;
const sampleSize = 4;
const frameLength = 192;
const streaming = { endpoint: 0x01, interfaceNumber: 1, alternate: 1 };

/** A tone on each side, of 16 bits, in pieces that are no whole number of frames. */
function* tone(seconds: number): Generator<Uint8Array> {
  const samples = new Int16Array(seconds * sampleRate * 2);
  const [left, right] = [440, 659.26].map((hertz) => (2 * Math.PI * hertz) / sampleRate) as [number, number];
  for (let i = 0; i < samples.length / 2; i++) {
    samples[2 * i] = Math.round(32_000 * Math.sin(i * left));
    samples[2 * i + 1] = Math.round(32_000 * Math.sin(i * right));
  }
  const bytes = new Uint8Array(samples.buffer);
  for (let at = 0; at < bytes.length; at += 10_000) yield bytes.subarray(at, at + 10_000);
}

/** The isochronous packets that QEMU has seen arrive at the device. */
function arrivedAt(device: Device): Uint8Array[] {
  return parseCapture(readCapture(device))
    .filter(({ event, transferType, endpoint }) => {
      return event === "submit" && transferType === "isochronous" && endpoint === streaming.endpoint;
    })
    .map(({ data }) => data);
}

/** Plays the tone, and compares what was sent with what the device got. */
async function play(device: Device, seconds: number): Promise<void> {
  const before = arrivedAt(device).length;
  const sent = Buffer.concat([...tone(seconds)]);
  const pipe = isochPipe(libusb(), { serialNumber: device.id, ...streaming });
  const results = await lastValueFrom(
    of(tone(seconds)).pipe(
      packetize({ sampleRate, sampleSize, frames: 100 }),
      issue(pipe, { queue: 8 }),
      close(),
      toArray(),
    ),
  );
  await lastValueFrom(pipe.closing, { defaultValue: undefined });

  expect(results.flatMap(({ statuses }) => [...statuses]).filter((status) => status !== statusCodes.ok)).toHaveLength(
    0,
  );
  expect(results.reduce((sum, { bytesTransferred }) => sum + bytesTransferred, 0)).toBe(sent.length);
  const packets = arrivedAt(device).slice(before);
  expect(packets.filter(({ length }) => length !== frameLength)).toHaveLength(0);
  const arrived = Buffer.concat(packets);
  expect(arrived.length / sampleSize).toBe(seconds * sampleRate);
  const differing = arrived.findIndex((byte, i) => byte !== sent[i]);
  expect(differing, "the first byte that differs").toBe(-1);
  const gaps = results.filter(({ lost }) => lost > 0).length;
  console.log(`${device.id}: ${packets.length} packets, ${gaps} gaps between transfers`);
}

afterEach(() => {
  const { buffers: _, ...inUse } = libusbCounters();
  expect(Object.values(inUse).filter((count) => count !== 0)).toHaveLength(0);
});

describe.each(Object.values(devices))("a tone on $controller.model", (device) => {
  test("arrives sample for sample, for ten seconds", { timeout: 150_000 }, async () => {
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
    const pipe = isochPipe(libusb(), { serialNumber: device.id, ...streaming });
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

import { expect } from "vitest";
import { lastValueFrom, of, toArray } from "rxjs";
import { isochPipe, statusCodes, type DeviceSelector, type IsochTransport } from "rx-isoch";
import { close, issue, packetize } from "rx-isoch/operators";
import type { Device } from "../../devices.js";
import { parseCapture } from "./capture.js";
import { readCapture } from "./share.js";

const sampleRate = 48_000;
const sampleSize = 4;
const frameLength = 192;

/** Where usb-audio takes sound: stereo, 48,000 samples of 16 bits a second. */
export const audioStreaming = { endpoint: 0x01, interfaceNumber: 1, alternate: 1 };

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
      return event === "submit" && transferType === "isochronous" && endpoint === audioStreaming.endpoint;
    })
    .map(({ data }) => data);
}

/** Plays the tone through a transport, and compares what was sent with what the device got. */
export async function playTone(
  transport: IsochTransport,
  selector: DeviceSelector,
  device: Device,
  seconds: number,
): Promise<void> {
  const before = arrivedAt(device).length;
  const sent = Buffer.concat([...tone(seconds)]);
  const pipe = isochPipe(transport, { ...selector, ...audioStreaming });
  const results = await lastValueFrom(
    of(tone(seconds)).pipe(
      packetize({ sampleRate, sampleSize, frames: 100 }),
      issue(pipe, { queue: 8 }),
      close(),
      toArray(),
    ),
  );
  await lastValueFrom(pipe.closing, { defaultValue: undefined });

  const flawed = results.flatMap(({ statuses }) => [...statuses]).filter((status) => status !== statusCodes.ok);
  expect(flawed).toHaveLength(0);
  expect(results.reduce((sum, { bytesTransferred }) => sum + bytesTransferred, 0)).toBe(sent.length);
  const packets = arrivedAt(device).slice(before);
  expect(packets.filter(({ length }) => length !== frameLength)).toHaveLength(0);
  const arrived = Buffer.concat(packets);
  expect(arrived.length / sampleSize).toBe(seconds * sampleRate);
  const differing = arrived.findIndex((byte, i) => byte !== sent[i]);
  expect(differing, "the first byte that differs").toBe(-1);
  const gaps = results.filter(({ lost }) => lost > 0).length;
  console.log(`${device.id}, ${transport.name}: ${packets.length} packets, ${gaps} gaps between transfers`);
}

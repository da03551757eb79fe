import { Chalk } from "chalk";
import { describe, expect, it } from "vitest";
import { descriptionText } from "../../../../src/cli/info/description-text.js";
import { describeDevice, type DeviceDescription } from "../../../../src/cli/info/description.js";
import { deviceInfo } from "../../../../src/cli/info/device-info.js";
import { info } from "../../../../src/cli/info/info.js";
import type { DeviceInfo } from "../../../../src/index.js";
import {
  cameraDevice,
  counterDevice,
  microphoneDevice,
  VirtualBus,
  type VirtualDevice,
} from "../../../../transports/virtual/index.js";
import { cmediaUsbSpeaker, focusriteScarlett2i2 } from "../../../fixtures/descriptors/index.js";
import { infoOf, plainDevice } from "../device-infos.js";
import { capturePrinted } from "../printed.js";

const printed = capturePrinted();
const plain = new Chalk({ level: 0 });
const text = (device: DeviceInfo) => descriptionText(describeDevice(device), plain).split("\n");
const speaker = infoOf(cmediaUsbSpeaker, { id: "1-1:4" });

describe("info", () => {
  const bus = new VirtualBus({ devices: [plainDevice(), counterDevice()] });
  const patience = { first: 1 };

  it("prints everything about one device", async () => {
    expect(await info(deviceInfo(bus, "counter", patience), { json: false })).toBe(0);
    expect(printed.stdout).toContain("high speed");
    expect(printed.stdout).toContain(
      "OUT 0x01: asynchronous isochronous, 3,072 bytes every 125 µs, 24.58 MB/s at most",
    );
    expect(bus.audit().openDevices).toBe(0);
  });

  it("prints it as JSON, and nothing else", async () => {
    expect(await info(deviceInfo(bus, undefined, patience), { json: true })).toBe(0);
    expect(printed.json).toMatchObject({ id: "virtual-2", vendorId: 0x1209, productId: 1, speed: "high" });
    const { configurations } = printed.json as unknown as DeviceDescription;
    expect(configurations[0]?.interfaces[0]?.alternates.map(({ endpoints }) => endpoints.length)).toStrictEqual([
      0, 1, 1, 2,
    ]);
    expect(configurations[0]?.interfaces[0]?.alternates[1]?.endpoints[0]).toMatchObject({
      endpoint: 0x81,
      type: "isochronous",
      frameLength: 3072,
      frameDuration: 125,
      bytesPerSecond: 24_576_000,
    });
  });

  it("says that there is no such device", async () => {
    expect(await info(deviceInfo(bus, "camera", patience), { json: true })).toBe(1);
    expect(printed.stdout).toBe("");
    expect(printed.stderr).toMatch(/^rx-isoch: no-such-device: .*command list shows$/);
  });
});

describe("descriptionText", () => {
  it("says classes, endpoints and power in words", () => {
    const lines = text(speaker);
    expect(lines[0]).toBe("1-1:4  0d8c:0001  full speed");
    expect(lines).toContain("    interface 1, alternate 0: audio streaming (01/02/00), no endpoints");
    expect(lines).toContainEqual(
      expect.stringMatching(/^ {6}OUT 0x06: .*isochronous, 192 bytes every 1 ms, 0\.19 MB\/s at most$/),
    );
    expect(lines).toContainEqual(expect.stringMatching(/^ {2}configuration 1: at most \d+ mA/));
    expect(lines).toContainEqual(expect.stringMatching(/^ {6}descriptor 0[0-9a-f] 24 /));
  });

  it("marks feedback endpoints, and says what functions there are", () => {
    const lines = text(infoOf(focusriteScarlett2i2, { id: "1-1:5" }));
    expect(lines).toContainEqual(expect.stringContaining("isochronous feedback"));
    expect(lines).toContainEqual(expect.stringMatching(/^ {4}function: audio/));
  });

  it("goes on where a descriptor is wrong, and says what is", () => {
    expect(text({ ...speaker, speed: "low" })).toContainEqual(expect.stringContaining("(low speed has no isochronous"));
  });

  it("passes no control characters of a device on to the terminal", () => {
    expect(text({ ...speaker, product: "\u001b[2J" })).toContain("  product       ?[2J");
  });
});

describe("what classes say", () => {
  const virtual = (device: VirtualDevice) => text(new VirtualBus().attach(device).info);

  it("has the formats, sizes and rates of a camera, once", () => {
    const lines = virtual(cameraDevice({ formats: ["mjpeg"] })).filter((line) => line.includes("pictures/s"));
    expect(lines).toStrictEqual([
      "      mjpeg: 640 × 480 at 30, 15, 10, 5 pictures/s",
      "      mjpeg: 320 × 240 at 30, 15, 10, 5 pictures/s",
      "      mjpeg: 1280 × 720 at 30, 15, 10, 5 pictures/s",
    ]);
  });

  it("has the channels and rates of a microphone, and of a real speaker", () => {
    expect(virtual(microphoneDevice({ channels: 1 }))).toContain(
      "      1 channel of 16 bits (pcm) at 48000, 44100 Hz, from microphone",
    );
    expect(text(speaker)).toContainEqual(expect.stringMatching(/^ {6}2 channels of 16 bits \(pcm\) at .* Hz, to /));
  });
});

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { NEVER, throwError } from "rxjs";
import { afterAll, describe, expect, it } from "vitest";
import { capture, type CaptureOptions } from "../../../../src/cli/capture/capture.js";
import { captureFormat } from "../../../../src/cli/capture/formats.js";
import { pcapngWithin } from "../../../../src/cli/capture/pcapng.js";
import { deviceTarget } from "../../../../src/cli/device-target.js";
import { UsageError } from "../../../../src/cli/outcome.js";
import { AccessError, isochPipe, type IsochTransport } from "../../../../src/index.js";
import {
  counterDevice,
  readCounter,
  VirtualBus,
  type VirtualDevice,
  type VirtualFault,
} from "../../../../transports/virtual/index.js";
import { eventually } from "../../../support/eventually.js";
import { Scratch } from "../../../support/pack.js";
import { capturePrinted, interrupt } from "../printed.js";

const printed = capturePrinted();
const scratch = new Scratch();
let files = 0;
const idle = { openDevices: 0, claimedInterfaces: 0, inFlight: 0 };

afterAll(() => {
  scratch[Symbol.dispose]();
});

/** A full-speed counter device, and what goes wrong, from the frame in which its stream begins. */
function busWith(faults: (frame: number) => VirtualFault[] = () => []): VirtualBus {
  const bus = new VirtualBus();
  const device = counterDevice({ speed: "full" });
  const attachment = bus.attach({
    ...devicePart(device),
    alternateSelected: (interfaceNumber, alternate, time) => {
      device.alternateSelected(interfaceNumber, alternate, time);
      if (alternate === 1) attachment.inject(...faults(Math.floor(time / 1000)));
    },
  });
  return bus;
}

/** A device as it is, but for what is put over it. */
function devicePart(device: VirtualDevice): VirtualDevice {
  const { speed, deviceDescriptor, configurationDescriptor, strings } = device;
  return { speed, deviceDescriptor, configurationDescriptor, strings, endpoint: (address) => device.endpoint(address) };
}

/** Captures from a full-speed counter device: 1023 bytes a millisecond. */
async function captured(transport: IsochTransport, options: Partial<CaptureOptions> = {}) {
  const file = join(scratch.path, `capture-${files++}.raw`);
  const status = await capture(
    deviceTarget(transport, { device: undefined, direction: "in", patience: { first: 1 } }),
    {
      output: file,
      format: captureFormat(undefined, file),
      duration: undefined,
      frames: undefined,
      transfer: undefined,
      queue: 8,
      badFrames: "skip",
      picture: {},
      count: undefined,
      sound: {},
      force: false,
      json: true,
      ...options,
    },
  );
  return { status, file };
}

/** The counters in a file of whole packets. */
const countersOf = (file: string, length = 1023) => {
  const bytes = readFileSync(file);
  return Array.from({ length: bytes.length / length }, (_, i) => readCounter(bytes, i * length));
};

describe("capture", () => {
  it("writes as many frames as are asked for, every byte of them", async () => {
    const bus = busWith();
    const { status, file } = await captured(bus, { frames: 100 });
    expect(status).toBe(0);
    expect(printed.json).toStrictEqual({
      file,
      format: "raw",
      written: 102_300,
      device: "counter 1209:0001 on the virtual bus",
      frames: 100,
      lost: expect.any(Number) as number,
      failed: 0,
      bytes: 102_300,
      milliseconds: expect.any(Number) as number,
      end: "finished",
    });
    const counters = countersOf(file);
    expect(counters).toHaveLength(100);
    const missing = (counters.at(-1) ?? NaN) - (counters[0] ?? NaN) - 99;
    // What was lost is missing, and nothing else.
    expect(missing).toBe(printed.json["lost"]);
    expect(printed.stderr).toBe("");
    expect(bus.audit()).toMatchObject(idle);
  });

  it("says it in a line for people", async () => {
    const { file } = await captured(busWith(), { frames: 20, json: false });
    expect(printed.stdout.replace(file, "file")).toMatch(/^file: 0\.02 MB, 20 frames, \d+ lost/);
  });

  it("ends after the time that was asked for", async () => {
    const { status, file } = await captured(busWith(), { duration: 100 });
    expect(status).toBe(0);
    const { written, bytes } = printed.json;
    expect(readFileSync(file)).toHaveLength(Number(written));
    expect(written).toBe(bytes);
    expect(Number(bytes)).toBeGreaterThan(0);
  });

  it("keeps what had come at a Ctrl-C, and closes the device", async () => {
    const bus = busWith();
    const running = captured(bus);
    setTimeout(interrupt, 100);
    const { status, file } = await running;
    expect(status).toBe(130);
    expect(printed.json).toMatchObject({ end: "interrupted" });
    expect(readFileSync(file)).toHaveLength(Number(printed.json["written"]));
    expect(bus.audit()).toMatchObject(idle);
  });

  it.each(["skip", "zero"] as const)("treats failed frames as asked: %s", async (badFrames) => {
    const bus = busWith((frame) => [{ type: "packet", endpoint: 0x81, frame, frames: 10_000, status: "crc" }]);
    const { file } = await captured(bus, { frames: 100, badFrames });
    const { frames, failed, lost } = printed.json;
    expect([frames, failed]).toStrictEqual([100, 100]);
    expect(readFileSync(file)).toStrictEqual(Buffer.alloc(badFrames === "skip" ? 0 : (100 + Number(lost)) * 1023));
  });

  it("fills what was lost with zeros where it is to", async () => {
    const bus = busWith((frame) => [{ type: "host-stall", frame: frame + 50, frames: 1100 }]);
    const { file } = await captured(bus, { frames: 200, badFrames: "zero" });
    const lost = Number(printed.json["lost"]);
    expect(lost).toBeGreaterThan(0);
    const counters = countersOf(file);
    expect(counters).toHaveLength(200 + lost);
    // Zeros keep the time: the last counter is as far from the first as the frames are.
    expect((counters.at(-1) ?? NaN) - (counters[0] ?? NaN)).toBe(counters.length - 1);
  });

  it("keeps what had come when the device is unplugged", async () => {
    const { status, file } = await captured(busWith((frame) => [{ type: "unplug", frame: frame + 60 }]));
    expect(status).toBe(1);
    expect(printed.json).toMatchObject({ end: "failed", error: { code: "device-gone" } });
    expect(readFileSync(file)).toHaveLength(Number(printed.json["bytes"]));
    expect(printed.stderr).toMatch(/^rx-isoch: device-gone: /);
  });

  it("leaves no file where the device cannot be opened", async () => {
    const bus = busWith();
    const { name, capabilities } = bus;
    const open = () => throwError(() => new AccessError("access-denied", "write a rule"));
    const { status, file } = await captured({ name, capabilities, devices: () => bus.devices(), open });
    expect(status).toBe(1);
    expect(printed.stderr).toBe("rx-isoch: access-denied: write a rule");
    expect(existsSync(file)).toBe(false);
  });

  it("leaves an old file as it was where the device cannot be opened, whatever the format notes of that", async () => {
    const output = join(scratch.path, "old.pcapng");
    writeFileSync(output, "old");
    const bus = busWith();
    const other = isochPipe(bus, { endpoint: 0x81 }).open().subscribe();
    const format = captureFormat("pcapng", output);
    expect((await captured(bus, { output, format, force: true })).status).toBe(1);
    expect(printed.stderr).toContain("interface-busy");
    expect(readFileSync(output, "utf8")).toBe("old");
    other.unsubscribe();
  });

  it("ends at a Ctrl-C while the device is being opened, and leaves no file", async () => {
    const bus = busWith();
    const { name, capabilities } = bus;
    const open = () => {
      setTimeout(interrupt);
      return NEVER;
    };
    const { status, file } = await captured({ name, capabilities, devices: () => bus.devices(), open });
    expect(status).toBe(130);
    expect(printed.json).toMatchObject({ end: "interrupted", frames: 0, written: 0 });
    expect(existsSync(file)).toBe(false);
  });

  it("ends where a capture of the bus waits too long for its file", async () => {
    const bus = busWith();
    const { status, file } = await captured(bus, { format: pcapngWithin(5000) });
    expect(status).toBe(1);
    expect(printed.stderr).toMatch(/^rx-isoch: overflow: /);
    expect(existsSync(file)).toBe(false);
    await eventually(() => {
      expect(bus.audit()).toMatchObject(idle);
    });
  });

  it("counts the frame that ends it, under the policy error", async () => {
    const bus = busWith((frame) => [{ type: "packet", endpoint: 0x81, frame, frames: 10_000, status: "crc" }]);
    const { status } = await captured(bus, { badFrames: "error", transfer: 8 });
    expect(status).toBe(1);
    expect(printed.json).toMatchObject({ frames: 8, failed: 8, end: "failed", error: { code: "bad-frame" } });
  });

  it("looks for the device before it touches the file", async () => {
    const { status, file } = await captured(new VirtualBus());
    expect(status).toBe(1);
    expect(printed.stderr).toContain("no-such-device");
    expect(existsSync(file)).toBe(false);
  });

  it("does not replace a file unasked", async () => {
    const output = join(scratch.path, "mine.raw");
    writeFileSync(output, "mine");
    const bus = busWith();
    expect((await captured(bus, { output, frames: 10 })).status).toBe(3);
    expect(printed.stderr).toMatch(/^rx-isoch: file-exists: .*--force$/);
    expect(readFileSync(output, "utf8")).toBe("mine");
    expect((await captured(bus, { output, frames: 10, force: true })).status).toBe(0);
    expect(readFileSync(output)).toHaveLength(10_230);
  });

  it.runIf(process.platform === "linux")("ends where the disk is full, and closes the device", async () => {
    const bus = busWith();
    expect((await captured(bus, { output: "/dev/full" })).status).toBe(3);
    expect(printed.stderr).toMatch(/^rx-isoch: no-space: \/dev\/full: .*$/);
    expect(printed.json).toMatchObject({ written: 0, end: "failed", error: { code: "no-space" } });
    expect(bus.audit()).toMatchObject(idle);
  });

  it("does not mix the summary with the bytes", async () => {
    await expect(captured(busWith(), { output: "-" })).rejects.toBeInstanceOf(UsageError);
  });
});

describe("captureFormat", () => {
  it("does not take one for another", () => {
    expect(() => captureFormat(undefined, "film.mp4")).toThrow(UsageError);
    expect(captureFormat("raw", "film.mp4").name).toBe("raw");
  });

  it("goes by the name that is given, then by that of the file, and is raw else", () => {
    expect(captureFormat("raw", "x.wav").name).toBe("raw");
    expect(captureFormat(undefined, "x.BIN").name).toBe("raw");
    expect(captureFormat(undefined, "x").name).toBe("raw");
  });
});

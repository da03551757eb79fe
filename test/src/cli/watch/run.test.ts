import { Observable, throwError } from "rxjs";
import { describe, expect, it } from "vitest";
import { deviceTarget } from "../../../../src/cli/device-target.js";
import { FileSystemError } from "../../../../src/cli/files/errors.js";
import type { Keepsakes } from "../../../../src/cli/video/keepsakes.js";
import { run } from "../../../../src/cli/watch/run.js";
import { AccessError, isochPipe, type IsochTransport } from "../../../../src/index.js";
import { counterDevice, VirtualBus } from "../../../../transports/virtual/index.js";
import { capturePrinted } from "../printed.js";

const printed = capturePrinted();
const patience = { first: 1 };
const duration = 600;
const runOn = (transport: IsochTransport) =>
  run(deviceTarget(transport, { device: "counter", patience }), { duration, queue: 8, json: true });
const runKeeping = (finish: Keepsakes["finish"]) =>
  run(deviceTarget(new VirtualBus({ devices: [counterDevice()] }), { device: "counter", patience }), {
    duration: 100,
    queue: 64,
    json: true,
    keep: { take: () => undefined, finish },
  });

describe("run, on a device that was found", () => {
  it("streams", async () => {
    const bus = new VirtualBus({ devices: [counterDevice()] });
    expect(await runOn(bus)).toBe(0);
    expect(printed.json).toMatchObject({ device: "counter 1209:0001", checks: { conserved: true } });
    expect(printed.stderr).toBe("");
    expect(bus.audit()).toMatchObject({ openDevices: 0, claimedInterfaces: 0, inFlight: 0 });
  });

  it("ends at a Ctrl-C while the device is being opened", async () => {
    const bus = new VirtualBus({ devices: [counterDevice()] });
    let opening = 0;
    const open = () =>
      new Observable<never>(() => {
        opening++;
        setTimeout(() => process.emit("SIGINT"));
        return () => opening--;
      });
    const { name, capabilities } = bus;
    expect(await runOn({ name, capabilities, devices: () => bus.devices(), open })).toBe(130);
    expect(opening).toBe(0);
    expect(printed.stdout + printed.stderr).toBe("");
  });

  it("says in its JSON which files it left", async () => {
    expect(await runKeeping(() => Promise.resolve({ files: ["a.png"], missing: 0 }))).toBe(0);
    expect(printed.json).toMatchObject({ end: "finished", files: ["a.png"] });
  });

  it("says what went well, and that it could leave no file", async () => {
    expect(await runKeeping(() => Promise.reject(new FileSystemError("no-space", "a.png: full")))).toBe(3);
    expect(printed.json).toMatchObject({ end: "finished" });
    expect(printed.stderr).toBe("rx-isoch: no-space: a.png: full");
  });

  it("says that it may not open it", async () => {
    const bus = new VirtualBus({ devices: [counterDevice()] });
    const transport: IsochTransport = {
      name: "locked",
      capabilities: bus.capabilities,
      devices: () => bus.devices(),
      open: () => throwError(() => new AccessError("access-denied", "could not open it: write a rule")),
    };
    expect(await runOn(transport)).toBe(1);
    expect(printed.stderr).toBe("rx-isoch: access-denied: could not open it: write a rule");
    expect(printed.stdout).toBe("");
  });

  it("says that somebody else has it", async () => {
    const bus = new VirtualBus({ devices: [counterDevice()] });
    const other = isochPipe(bus, { endpoint: 0x01, alternate: 2 }).open().subscribe();
    expect(await runOn(bus)).toBe(1);
    expect(printed.stderr).toMatch(/^rx-isoch: interface-busy: [^\n]*$/);
    expect(bus.audit()).toMatchObject({ openDevices: 1, claimedInterfaces: 1 });
    other.unsubscribe();
    expect(bus.audit()).toMatchObject({ openDevices: 0, claimedInterfaces: 0 });
  });

  it("says that it is not there", async () => {
    expect(await runOn(new VirtualBus())).toBe(1);
    expect(printed.stderr).toBe(
      "rx-isoch: no-such-device: no USB device is 'counter': plug it in, or see what the command list shows",
    );
  });

  it("blames the bus, not itself, for packets that went missing unseen", async () => {
    const devices = [counterDevice({ clockPpm: 1000 })];
    const hidden = new VirtualBus({ devices, capabilities: { frameNumber: false, startFrame: false } });
    expect(await runOn(hidden)).toBe(1);
    expect(printed.stderr).toMatch(/^rx-isoch: packets are missing that no loss accounts for/);
    expect(printed.stderr).not.toContain("bug");
  });

  it("does not hide an error that is a bug", async () => {
    const bug = new TypeError("undefined is not a function");
    await expect(
      run(
        throwError(() => bug),
        { duration, queue: 8, json: true },
      ),
    ).rejects.toBe(bug);
  });
});

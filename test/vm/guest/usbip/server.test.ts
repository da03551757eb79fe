import { existsSync } from "node:fs";
import { afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { counterProtocol, type CounterDeviceOptions } from "../../../../transports/virtual/index.js";
import { CounterBus } from "../support/counter-devices.js";
import { run } from "../support/kernel.js";
import { until, withSerial } from "../support/sysfs.js";
import { UsbfsProgram, type Streaming } from "../support/usbfs.js";

const nothing = { openDevices: 0, claimedInterfaces: 0, inFlight: 0, dmaBuffers: 0, clients: 0 };
const { vendorId, productId } = counterProtocol;

/** Alternate settings of the counter device. */
const inOnly = 1;
const outOnly = 2;

type Case = readonly [name: string, options: CounterDeviceOptions, streaming: Omit<Streaming, "alternate">];

const cases: readonly Case[] = [
  ["full speed", { speed: "full" }, { length: 1023, packets: 32, depth: 16, count: 64 }],
  ["high speed", { speed: "high" }, { length: 3072, packets: 32, depth: 32, count: 500 }],
  [
    "SuperSpeed, a burst of 2 and a mult of 3",
    { speed: "super", burst: 2, mult: 3 },
    { length: 6144, packets: 32, depth: 32, count: 500 },
  ],
  [
    "SuperSpeed, a burst of 16 and a mult of 3",
    { speed: "super" },
    { length: 49152, packets: 32, depth: 8, count: 100 },
  ],
];

let program: UsbfsProgram;
let bus: CounterBus;

beforeAll(() => {
  program = new UsbfsProgram();
});

beforeEach(async () => {
  bus = await CounterBus.open();
});

afterEach(() => bus.close());

describe("a kernel that imports from our server", () => {
  it.each(cases)(
    "streams in at %s, every packet of a transfer in the frame behind the one before",
    async (_name, options, streaming) => {
      const { sysfs } = await bus.attach(options);
      const { length, packets, count } = streaming;
      const streamed = await program.stream(sysfs.node, "in", { ...streaming, alternate: inOnly });
      expect(streamed).toMatchObject({ bytes: packets * length * count, bad: 0, misplaced: 0 });
    },
  );

  it.each(cases)("streams out at %s, every packet in order", async (_name, options, streaming) => {
    const counter = await bus.attach(options);
    const { length, packets, count } = streaming;
    const streamed = await program.stream(counter.sysfs.node, "out", { ...streaming, alternate: outOnly });
    expect(streamed).toMatchObject({ bytes: packets * length * count, bad: 0 });
    expect(await counter.statistics()).toStrictEqual({ packets: packets * count, mismatches: 0, short: 0 });
  });

  it.each([
    ["full", "12", "1.10"],
    ["high", "480", "2.00"],
    ["super", "5000", "3.00"],
  ] as const)("has the device at %s speed, as its descriptors say", async (speed, megabits, version) => {
    const { sysfs } = await bus.attach({ speed, serialNumber: "told" });
    expect(sysfs.controllerDriver).toBe("vhci_hcd");
    expect(["speed", "version", "serial", "product"].map((file) => sysfs.read(file))).toStrictEqual([
      megabits,
      version,
      "told",
      "counter",
    ]);
    expect([sysfs.read("idVendor"), sysfs.read("idProduct")].map((id) => parseInt(id, 16))).toStrictEqual([
      vendorId,
      productId,
    ]);
    expect(existsSync(sysfs.node)).toBe(true);
  });

  it("keeps the packets that had moved when a transfer is taken back", async () => {
    const { sysfs } = await bus.attach();
    const streaming = { alternate: inOnly, packets: 128, length: 3072, depth: 1, count: 1 };
    const cancelled = await program.cancel(sysfs.node, streaming);
    // -ENOENT, which usbfs has for a transfer that its program took back.
    expect(cancelled).toMatchObject({ status: -2, contiguous: 1 });
    expect(cancelled.moved).toBeGreaterThan(0);
    expect(cancelled.moved + cancelled.after).toBe(128);
  });

  it("has two devices at a time, and keeps the other when one is unplugged", async () => {
    const one = await bus.attach({ serialNumber: "A" });
    const other = await bus.attach({ serialNumber: "B", speed: "full" });
    const streaming = { alternate: inOnly, packets: 32, length: 1023, depth: 8, count: 32 };
    const streamed = program.stream(other.sysfs.node, "in", streaming);
    await one.unplug();
    expect(withSerial("A")).toStrictEqual([]);
    expect(await streamed).toMatchObject({ bytes: 32 * 32 * 1023, bad: 0, misplaced: 0 });
    expect(withSerial("B")).toHaveLength(1);
  });

  it("loses a device that is unplugged while it streams, and leaves nothing of it", async () => {
    const counter = await bus.attach();
    const streaming = { alternate: inOnly, packets: 32, length: 3072, depth: 16, count: 100_000 };
    const streamed = program.stream(counter.sysfs.node, "in", streaming);
    const failed = expect(streamed).rejects.toThrow("No such device");
    await expect.poll(async () => (await bus.audit()).completed, { timeout: 10_000 }).toBeGreaterThan(0);
    await counter.unplug();
    await failed;
    await expect.poll(() => bus.audit()).toMatchObject({ ...nothing, failures: [] });
  });

  it("detaches, and attaches again", async () => {
    const counter = await bus.attach();
    await counter.detach();
    expect(await bus.audit()).toMatchObject({ ...nothing, failures: [] });
    await counter.attach();
    const streaming = { alternate: inOnly, packets: 8, length: 3072, depth: 2, count: 8 };
    expect(await program.stream(counter.sysfs.node, "in", streaming)).toMatchObject({ bad: 0, misplaced: 0 });
  });

  it("attaches and detaches ten times, and says how long it takes", async () => {
    const counter = await bus.attach();
    const times: number[] = [];
    for (let i = 0; i < 10; i++) {
      const start = performance.now();
      await counter.detach();
      const detached = performance.now();
      await counter.attach();
      times.push(detached - start, performance.now() - detached);
    }
    const mean = (from: number): string =>
      (times.filter((_, i) => i % 2 === from).reduce((sum, time) => sum + time, 0) / 10).toFixed(0);
    console.log(`detach ${mean(0)} ms, attach ${mean(1)} ms`);
    expect(await bus.audit()).toMatchObject({ clients: 1, failures: [] });
  });
});

describe("the program usbip", () => {
  const usbip = (port: number, ...args: string[]): string => run("usbip", "--tcp-port", String(port), ...args);

  it("lists what is exported, attaches it, is refused what another has, and detaches it", async () => {
    const { host, port, busId } = await bus.plug({ serialNumber: "by usbip" });
    expect(usbip(port, "list", "--remote", host)).toMatch(/1-1: .*\(1209:0001\)/s);

    // By itself, once the bus is closed, whatever fails here.
    onTestFinished(() => until("the kernel let it go", () => withSerial("by usbip").length === 0));
    usbip(port, "attach", "--remote", host, "--busid", busId);
    await until("the kernel has it", () => withSerial("by usbip").length === 1);
    expect(() => usbip(port, "attach", "--remote", host, "--busid", busId)).toThrow(/busy/i);

    usbip(port, "detach", "--port", "0");
    await until("the kernel let it go", () => withSerial("by usbip").length === 0);
    await expect.poll(() => bus.audit()).toMatchObject(nothing);
  });
});

import { execFile, execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { lastValueFrom, type Subscription } from "rxjs";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { UsbipServer } from "rx-isoch/transports/usbip";
import { listenTcp } from "rx-isoch/transports/usbip/tcp";
import { counterDevice, VirtualBus, type Attachment, type CounterDevice } from "rx-isoch/transports/virtual";

const run = promisify(execFile);
const directory = mkdtempSync(join(tmpdir(), "usbfs-"));
const program = join(directory, "usbfs-isoch");
const usbDevices = "/sys/bus/usb/devices";
const nothing = { openDevices: 0, claimedInterfaces: 0, inFlight: 0, dmaBuffers: 0 };

let bus: VirtualBus;
let server: UsbipServer;
let listening: Subscription;
let port: string;
let attachments: Attachment[];

beforeAll(() => {
  execFileSync("modprobe", ["vhci-hcd"]);
  const source = join(import.meta.dirname, "support/usbfs-isoch.c");
  execFileSync("gcc", ["-O2", "-Wall", "-o", program, source]);
});

beforeEach(async () => {
  bus = new VirtualBus();
  attachments = [];
  server = new UsbipServer({ transports: [bus] });
  const address = await new Promise<number>((resolve, reject) => {
    listening = listenTcp(server, { port: 0 }).subscribe({ next: ({ port }) => resolve(port), error: reject });
  });
  port = String(address);
});

afterEach(async () => {
  listening.unsubscribe();
  await lastValueFrom(server.close(), { defaultValue: undefined });
  await until("the kernel let go", () => nodes().length === 0);
  expect(bus.audit()).toMatchObject(nothing);
});

/** The device files of what the kernel attached of ours, by serial number. */
function nodes(): { readonly serial: string; readonly node: string; readonly name: string }[] {
  return readdirSync(usbDevices).flatMap((name) => {
    const read = (file: string): string => {
      const path = join(usbDevices, name, file);
      return existsSync(path) ? readFileSync(path, "utf8").trim() : "";
    };
    if (read("idVendor") !== "1209") return [];
    const number = (file: string): string => read(file).padStart(3, "0");
    return [{ serial: read("serial"), name, node: `/dev/bus/usb/${number("busnum")}/${number("devnum")}` }];
  });
}

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if (holds()) return;
    await sleep(50);
  }
  throw new Error(`in vain: ${what}`);
}

async function usbip(...args: string[]): Promise<string> {
  const { stdout, stderr } = await run("usbip", ["--tcp-port", port, ...args]);
  return stdout + stderr;
}

async function attach(device: CounterDevice, serial: string): Promise<string> {
  const attachment = bus.attach(device);
  attachments.push(attachment);
  const { info } = attachment;
  const busId = server.exports.find(({ device: { id } }) => id === info.id)?.busId ?? "";
  await usbip("attach", "--remote", "127.0.0.1", "--busid", busId);
  await until(`${serial} is there`, () => nodes().some((each) => each.serial === serial && existsSync(each.node)));
  return nodes().find((each) => each.serial === serial)?.node ?? "";
}

async function usbfs(...args: (string | number)[]): Promise<Record<string, number | string>> {
  const { stdout } = await run(program, args.map(String));
  console.log(args.slice(1).join(" "), stdout.trim());
  return JSON.parse(stdout) as Record<string, number | string>;
}

describe("a kernel that imports from our server", () => {
  it("lists the devices", async () => {
    bus.attach(counterDevice());
    expect(await usbip("list", "--remote", "127.0.0.1")).toMatch(/1-1: .*\(1209:0001\)/s);
  });

  it.each([
    ["full", 1023, 32, 16, 64],
    ["high", 3072, 32, 32, 250],
  ] as const)("streams in at %s speed, every packet in its frame", async (speed, length, packets, depth, count) => {
    const node = await attach(counterDevice({ speed }), "0001");
    const result = await usbfs(node, "in", 1, packets, length, depth, count);
    expect(result).toMatchObject({ bytes: packets * length * count, bad: 0, misplaced: 0 });
  });

  it.each([
    ["full", 1023, 32, 16, 64],
    ["high", 3072, 32, 32, 250],
  ] as const)("streams out at %s speed, every packet in order", async (speed, length, packets, depth, count) => {
    const device = counterDevice({ speed });
    const node = await attach(device, "0001");
    let statistics = device.statistics;
    const streaming = usbfs(node, "out", 2, packets, length, depth, count);
    const watching = setInterval(() => {
      // Closing the file puts the alternate setting back, which clears the device's.
      if (device.statistics.packets > 0) statistics = device.statistics;
    }, 1);
    const result = await streaming;
    clearInterval(watching);
    expect(result).toMatchObject({ bytes: packets * length * count, bad: 0 });
    expect(statistics).toMatchObject({ mismatches: 0, short: 0 });
    expect(statistics.packets).toBeGreaterThan(0);
  });

  it("keeps the packets that had moved when a transfer is taken back", async () => {
    const node = await attach(counterDevice(), "0001");
    const result = await usbfs(node, "cancel", 1, 128, 3072, 1, 1);
    expect(result).toMatchObject({ status: -2, contiguous: 1 });
    expect(Number(result["moved"]) + Number(result["after"])).toBe(128);
  });

  it("has two devices at a time, and loses the one that is unplugged", async () => {
    await attach(counterDevice({ serialNumber: "A" }), "A");
    const other = await attach(counterDevice({ serialNumber: "B", speed: "full" }), "B");
    await expect(usbip("attach", "--remote", "127.0.0.1", "--busid", "1-2")).rejects.toThrow();
    const streaming = usbfs(other, "in", 1, 32, 1023, 8, 32);
    attachments[0]?.detach();
    await until("A is gone", () => nodes().every(({ serial }) => serial !== "A"));
    expect(await streaming).toMatchObject({ bad: 0, misplaced: 0 });
  });

  it("detaches, and attaches again", async () => {
    const device = counterDevice();
    await attach(device, "0001");
    await usbip("detach", "--port", "0").catch(() => usbip("detach", "--port", "00"));
    await until("it is gone", () => nodes().length === 0);
    await until("it is free", () => server.exports.every(({ isImported }) => !isImported));
    expect(bus.audit()).toMatchObject(nothing);
    await usbip("attach", "--remote", "127.0.0.1", "--busid", "1-1");
    await until("it is back", () => nodes().length === 1);
  });
});

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { devices } from "../devices.js";
import { load, run } from "./support/kernel.js";
import { deviceWithSerial, until, withSerial } from "./support/sysfs.js";

const { id } = devices.audioOnXhci;

beforeAll(() => load("usbip-host", "vhci-hcd"));

test("usbip lists the devices of this machine", () => {
  const listed = run("usbip", "list", "--local");
  for (const device of Object.values(devices)) expect(listed).toContain(`busid ${deviceWithSerial(device.id).name} `);
});

test("vhci_hcd offers ports at high speed and at SuperSpeed", () => {
  const status = readFileSync("/sys/devices/platform/vhci_hcd.0/status", "utf8");
  // 004: nothing is attached there.
  expect(status).toMatch(/^hs +\d+ +004 /m);
  expect(status).toMatch(/^ss +\d+ +004 /m);
  expect(run("usbip", "port")).toContain("Imported USB devices");
});

test("what usbip-host exports is attached through vhci_hcd", async () => {
  const { name, descriptors } = deviceWithSerial(id);
  const daemon = spawn("usbipd", ["--ipv4"], { stdio: "ignore" });
  onTestFinished(() => void daemon.kill());
  try {
    run("usbip", "bind", "--busid", name);
    await until("usbipd serves", () => exported().includes(name));
    run("usbip", "attach", "--remote", "127.0.0.1", "--busid", name);
    await until("vhci_hcd has the device", () => withSerial(id).length === 2);
    const attached = withSerial(id).find((device) => device.controllerDriver === "vhci_hcd");
    expect(attached?.descriptors).toStrictEqual(descriptors);
  } finally {
    undo("detach", "--port", "0");
    await until("vhci_hcd let it go", () => withSerial(id).length <= 1);
    undo("unbind", "--busid", name);
  }
  expect(withSerial(id).map((device) => device.name)).toStrictEqual([name]);
  expect(exported()).not.toContain(name);
});

/** Of what failed on the way there is nothing to undo, and that failure is the one to hear of. */
function undo(...args: readonly string[]): void {
  try {
    run("usbip", ...args);
  } catch (error) {
    console.log(String(error));
  }
}

function exported(): string {
  try {
    return run("usbip", "list", "--remote", "127.0.0.1");
  } catch {
    return "";
  }
}

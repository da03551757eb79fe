import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { interfaceHolder, programsWithOpen, sysfsPath } from "../../../transports/libusb/interface-holder.js";

// Who does hold an interface is asked of a real kernel, in test/vm: sysfs and /proc are the subject.
describe("the holder of an interface", () => {
  it("is not known of a device that is not there", () => {
    expect(interfaceHolder({ bus: 999, address: 999, ports: [1] }, 1, 0)).toBeUndefined();
  });

  it("is looked for where the system describes the device", () => {
    expect(sysfsPath({ bus: 1, address: 5, ports: [2, 3] })).toBe("/sys/bus/usb/devices/1-2.3");
    expect(sysfsPath({ bus: 1, address: 1, ports: [] })).toBe("/sys/bus/usb/devices/usb1");
  });

  it.runIf(process.platform === "linux")("is a program that has the device open, this one only if twice", async () => {
    const directory = mkdtempSync(join(tmpdir(), "rx-isoch-"));
    const node = join(directory, "node");
    const opened = [openSync(node, "w")];
    onTestFinished(() => {
      opened.forEach(closeSync);
      rmSync(directory, { recursive: true });
    });
    expect(programsWithOpen(node)).toStrictEqual([]);

    const child = spawn("cat", { stdio: ["pipe", "ignore", opened[0]] });
    await once(child, "spawn");
    expect(programsWithOpen(node)).toStrictEqual([`process ${String(child.pid)} (cat)`]);
    child.stdin?.end();
    await once(child, "exit");

    opened.push(openSync(node, "r"));
    expect(programsWithOpen(node)).toStrictEqual([`this program (process ${process.pid})`]);
  });
});

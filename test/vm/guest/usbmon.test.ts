import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { devices } from "../devices.js";
import { parseCapture } from "./support/capture.js";
import { readCapture } from "./support/share.js";
import { deviceWithSerial, until } from "./support/sysfs.js";

const device = devices.audioOnXhci;
const setConfiguration = "0009010000000000";

const captured = (): number =>
  parseCapture(readCapture(device)).filter(
    ({ event, setup }) => event === "submit" && setup && Buffer.from(setup).toString("hex") === setConfiguration,
  ).length;

test("usbmon and the capture see the same request", async () => {
  const { bus, path } = deviceWithSerial(device.id);
  const before = captured();
  const usbmon = spawn("cat", [`/sys/kernel/debug/usb/usbmon/${bus}u`], { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  usbmon.stdout.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  try {
    await once(usbmon, "spawn");
    // Until cat reads, usbmon keeps nothing.
    await until("usbmon shows a request", () => {
      writeFileSync(`${path}/bConfigurationValue`, "1");
      return text.includes("s 00 09 0001 0000 0000");
    });
    expect(captured()).toBeGreaterThan(before);
  } finally {
    usbmon.kill();
  }
});

import { existsSync, rmSync } from "node:fs";
import { expect, test } from "vitest";
import { captureFile, devices } from "../devices.js";
import { monitor } from "./support/monitor.js";
import { setting } from "./support/share.js";
import { deviceWithSerial, until, withSerial } from "./support/sysfs.js";

const { id, model, controller } = devices.audioOnUhci;

test("QEMU's monitor answers over the guest's network", async () => {
  expect(await monitor("query-status")).toMatchObject({ status: "running" });
});

test("the monitor says what it refuses", async () => {
  await expect(monitor("device_del", { id: "nobody" })).rejects.toThrow("'nobody' not found");
});

test("a device is unplugged and plugged in again", async () => {
  const before = deviceWithSerial(id);
  const number = before.read("devnum");

  await monitor("device_del", { id });
  await until(`${id} is gone`, () => withSerial(id).length === 0);

  // The same capture, begun anew: other tests look there.
  const pcap = captureFile(devices.audioOnUhci);
  rmSync(`${setting("VM_SHARE")}/${pcap}`);
  await monitor("device_add", { driver: model, id, serial: id, bus: `${controller.id}.0`, audiodev: "silence", pcap });
  await until(`${id} is back`, () => withSerial(id).length === 1);
  expect(deviceWithSerial(id).read("devnum")).not.toBe(number);
  expect(existsSync(`${setting("VM_SHARE")}/${pcap}`)).toBe(true);
});

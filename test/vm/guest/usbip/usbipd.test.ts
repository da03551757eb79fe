import { readFileSync } from "node:fs";
import { firstValueFrom, lastValueFrom, take, timeout } from "rxjs";
import { usbip } from "rx-isoch/transports/usbip";
import { connectTcp } from "rx-isoch/transports/usbip/tcp";
import { beforeAll, describe, expect, test } from "vitest";
import { devices } from "../../devices.js";
import { load, run } from "../support/kernel.js";
import { deviceWithSerial, until, withSerial } from "../support/sysfs.js";
import { playTone } from "../support/tone.js";
import { UsbipDaemon } from "../support/usbip-daemon.js";

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
  await using daemon = await UsbipDaemon.start();
  await daemon.bind(name);
  run("usbip", "attach", "--remote", "127.0.0.1", "--busid", name);
  try {
    await until("vhci_hcd has the device", () => withSerial(id).length === 2);
    const attached = withSerial(id).find((device) => device.controllerDriver === "vhci_hcd");
    expect(attached?.descriptors).toStrictEqual(descriptors);
  } finally {
    run("usbip", "detach", "--port", "0");
    await until("vhci_hcd let it go", () => withSerial(id).length <= 1);
  }
  await daemon.unbind(name);
  expect(withSerial(id).map((device) => device.name)).toStrictEqual([name]);
});

describe("our client, of what usbip-host exports", () => {
  const remote = usbip({ connect: connectTcp({ host: "127.0.0.1" }) });

  test("a tone arrives sample for sample at the device, for ten seconds", { timeout: 150_000 }, async () => {
    const { name } = deviceWithSerial(id);
    await using daemon = await UsbipDaemon.start();
    await daemon.bind(name);
    await playTone(remote, { id: name }, devices.audioOnXhci, 10);
    // It was given back: another tone can be played.
    await playTone(remote, { id: name }, devices.audioOnXhci, 1);
  });

  test("the list says what is bound, and no more; what is not cannot be had", async () => {
    const { name } = deviceWithSerial(id);
    await using daemon = await UsbipDaemon.start();
    const listed = () => firstValueFrom(remote.devices().pipe(take(1), timeout(1000)));
    await expect(listed()).rejects.toThrow();
    await daemon.bind(name);
    expect(await listed()).toMatchObject({ type: "attach", device: { id: name, speed: "full" } });
    await daemon.unbind(name);
    await expect(lastValueFrom(remote.open({ id: name }))).rejects.toMatchObject({ code: "no-such-device" });
  });
});

import { captureFile, type Controller } from "../../devices.js";
import { monitor } from "./monitor.js";
import { deviceWithSerial, sysfsDevices, until, withSerial, type SysfsDevice } from "./sysfs.js";

/**
 * Plugs one more usb-audio in. With `multi` it has alternate settings for 5.1 and 7.1 as well; with
 * `capture` QEMU writes what arrives at it, as it does for those in `devices`.
 */
export async function plugAudio(
  id: string,
  { controller, multi = false, capture = false }: AudioPlace,
): Promise<SysfsDevice> {
  const options = { driver: "usb-audio", id, serial: id, bus: `${controller.id}.0`, audiodev: "silence" };
  // QEMU runs in the directory that host and guest share.
  const pcap = capture ? { pcap: captureFile({ id }) } : {};
  await monitor("device_add", { ...options, multi, ...pcap });
  await until(`${id} is there`, () => withSerial(id)[0]?.isConfigured === true);
  return deviceWithSerial(id);
}

/** What usb-audio is plugged into, and what it can do. */
export interface AudioPlace {
  readonly controller: Controller;
  readonly multi?: boolean;
  readonly capture?: boolean;
}

/** Plugs a hub in, of which the ports are the next that are used on that controller. */
export async function plugHub(id: string, controller: Controller): Promise<void> {
  const before = new Set(sysfsDevices().map(({ name }) => name));
  const plugged = () => sysfsDevices().find(({ name, isConfigured }) => !before.has(name) && isConfigured);
  await monitor("device_add", { driver: "usb-hub", id, bus: `${controller.id}.0` });
  await until(`${id} is there`, () => plugged() !== undefined);
  // An empty hub goes to sleep, and may miss what is plugged in at that moment.
  plugged()?.write("power/control", "on");
}

/** Unplugs what QEMU has by that id, if it is there, and waits until the kernel has given it up. */
export async function unplug(id: string): Promise<void> {
  const before = sysfsDevices().length;
  try {
    await monitor("device_del", { id });
  } catch (error) {
    if (error instanceof Error && error.message.includes("not found")) return;
    throw error;
  }
  await until(`${id} is gone`, () => sysfsDevices().length < before);
}

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Speed } from "../../../../src/index.js";
import { importDevice, type UsbipAddress } from "./import-device.js";
import { load } from "./kernel.js";
import { SysfsDevice, until } from "./sysfs.js";

const controller = "/sys/devices/platform/vhci_hcd.0";

/** Ports of the two hubs of the controller, which are of USB 2 and USB 3. */
type Hub = "hs" | "ss";

interface VhciPort {
  readonly hub: Hub;
  readonly number: number;
  readonly isFree: boolean;
  /** The device that the kernel has there, once it has given it an address. */
  readonly device: string | undefined;
}

/** Numbers of enum usbip_device_status (include/uapi/linux/usbip.h). */
const portFree = 4;
const portUsed = 6;

/** Numbers of enum usb_device_speed (include/uapi/linux/usb/ch9.h). */
const speedNumbers: Readonly<Record<Speed, number>> = { low: 1, full: 2, high: 3, super: 5, "super-plus": 6 };

/**
 * USB_PORT_QUIRK_OLD_SCHEME and USB_PORT_QUIRK_FAST_ENUM (Documentation/ABI/testing/sysfs-bus-usb): one
 * reset instead of two, and 10 ms instead of 50 ms after it.
 */
const quickEnumeration = "3";

/** Loads vhci_hcd, unless it is, and has its ports enumerate quickly. */
export function loadVhci(): void {
  if (existsSync(controller)) return;
  load("vhci-hcd");
  for (const root of readdirSync(controller).filter((name) => /^usb\d+$/.test(name))) {
    const hub = join(controller, root, `${root.slice(3)}-0:1.0`);
    for (const port of readdirSync(hub).filter((name) => name.startsWith(`${root}-port`))) {
      writeFileSync(join(hub, port, "quirks"), quickEnumeration);
    }
  }
}

/** A device of a USB/IP server at a port of vhci_hcd. */
export class VhciAttachment {
  readonly #port: number;
  readonly device: SysfsDevice;

  private constructor(port: number, device: SysfsDevice) {
    this.#port = port;
    this.device = device;
  }

  /** Has the kernel import a device, and waits until it has configured it. */
  static async attach(address: UsbipAddress, speed: Speed): Promise<VhciAttachment> {
    const port = await handOver(address, speed);
    let name: string | undefined;
    try {
      await until(`the kernel has configured ${address.busId}`, () => {
        name = findPort(port).device;
        return name !== undefined && existsSync(new SysfsDevice(`${name}:1.0`).path);
      });
    } catch (error) {
      tellToDetach(port);
      throw error;
    }
    return new VhciAttachment(port, new SysfsDevice(name ?? ""));
  }

  /** Has the kernel let go of the device, and waits until it has. */
  async detach(): Promise<void> {
    if (!this.#isGone) tellToDetach(this.#port);
    await this.gone();
  }

  /** Waits until the kernel has let go of the device by itself. */
  async gone(): Promise<void> {
    await until(`the kernel lets go of ${this.device.name}`, () => this.#isGone);
  }

  get #isGone(): boolean {
    const { device } = findPort(this.#port);
    return device !== this.device.name && !existsSync(this.device.path);
  }
}

/** Gives a free port the connection to the server. */
async function handOver(address: UsbipAddress, speed: Speed): Promise<number> {
  const imported = await importDevice(address);
  try {
    const port = freePort(speed);
    if (port === undefined) throw new Error(`no port of vhci_hcd is free at ${speed} speed`);
    const { descriptor, deviceId } = imported;
    writeFileSync(join(controller, "attach"), `${port.number} ${descriptor} ${deviceId} ${speedNumbers[speed]}`);
    return port.number;
  } finally {
    // The kernel holds the connection by itself.
    imported.close();
  }
}

/**
 * High-speed devices come from the first port on and slower ones from the last: a port that had a
 * high-speed device says for ever that it has one (6.1, vhci_hcd.c: nothing takes
 * USB_PORT_STAT_HIGH_SPEED back).
 */
function freePort(speed: Speed): VhciPort | undefined {
  const hub: Hub = speed === "super" || speed === "super-plus" ? "ss" : "hs";
  const free = ports().filter((each) => each.hub === hub && each.isFree);
  return speed === "full" || speed === "low" ? free.at(-1) : free[0];
}

function tellToDetach(port: number): void {
  try {
    writeFileSync(join(controller, "detach"), String(port));
  } catch (error) {
    // It may have gone in the meantime.
    if (!findPort(port).isFree) throw error;
  }
}

function findPort(number: number): VhciPort {
  const port = ports().find((each) => each.number === number);
  if (port === undefined) throw new Error(`vhci_hcd has no port ${number}`);
  return port;
}

/** The lines after the heading are `hs  0000 006 003 00010002 000003 3-1`. */
function ports(): VhciPort[] {
  const [, ...lines] = readFileSync(join(controller, "status"), "utf8").trim().split("\n");
  return lines.map((line) => {
    const [hub, number, status, , , , device] = line.split(/\s+/);
    return {
      hub: hub as Hub,
      number: Number(number),
      isFree: Number(status) === portFree,
      device: Number(status) === portUsed ? device : undefined,
    };
  });
}

import { existsSync, readdirSync, readFileSync, readlinkSync, realpathSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const root = "/sys/bus/usb/devices";

/** A USB device as the kernel shows it in sysfs. */
export class SysfsDevice {
  /** For example `1-1`, what usbip calls the bus id. */
  readonly name: string;
  readonly path: string;

  constructor(name: string) {
    this.name = name;
    this.path = join(root, name);
  }

  read(file: string): string {
    return readFileSync(join(this.path, file), "utf8").trim();
  }

  write(file: string, value: string): void {
    writeFileSync(join(this.path, file), value);
  }

  /** The device descriptor, and the configurations after it. */
  get descriptors(): Uint8Array {
    return new Uint8Array(readFileSync(join(this.path, "descriptors")));
  }

  /** The bus number. */
  get bus(): number {
    return Number(this.read("busnum"));
  }

  /** The device's number on its bus. */
  get number(): number {
    return Number(this.read("devnum"));
  }

  /** Its file in usbfs. */
  get node(): string {
    return `/dev/bus/usb/${String(this.bus).padStart(3, "0")}/${String(this.number).padStart(3, "0")}`;
  }

  /** Whether the kernel has configured the device, and has it ready for use. */
  get isConfigured(): boolean {
    return existsSync(join(root, `${this.name}:1.0`)) && existsSync(this.node);
  }

  /** The kernel driver of the host controller. */
  get controllerDriver(): string {
    const path = realpathSync(this.path);
    return driverOf(dirname(path.slice(0, path.indexOf(`/usb${this.bus}/`) + 2))) ?? "";
  }

  /** The kernel driver that holds an interface of configuration 1. */
  interfaceDriver(number: number): string | undefined {
    return driverOf(join(root, `${this.name}:1.${number}`));
  }
}

function driverOf(path: string): string | undefined {
  const link = join(path, "driver");
  return existsSync(link) ? basename(readlinkSync(link)) : undefined;
}

/** The devices that the kernel has now, without hubs' ports and interfaces. */
export function sysfsDevices(): SysfsDevice[] {
  return readdirSync(root)
    .filter((name) => /^\d+-[\d.]+$/.test(name))
    .map((name) => new SysfsDevice(name));
}

/** The devices with a serial number, which is QEMU's id of those in `devices`. */
export function withSerial(serial: string): SysfsDevice[] {
  return sysfsDevices().filter(({ path }) => {
    const file = join(path, "serial");
    return existsSync(file) && readFileSync(file, "utf8").trim() === serial;
  });
}

/** The only device with that serial number. */
export function deviceWithSerial(serial: string): SysfsDevice {
  const [device, ...more] = withSerial(serial);
  if (device === undefined || more.length > 0) throw new Error(`${more.length + 1} or no devices are ${serial}`);
  return device;
}

/** Waits until a condition holds, and says after ten seconds what did not. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`not within 10 s: ${what}`);
    await sleep(10);
  }
}

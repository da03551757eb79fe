import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { basename, join } from "node:path";

const devices = "/sys/bus/usb/devices";

/** Where a device is, as the system numbers it. */
export interface DeviceLocation {
  readonly bus: number;
  readonly address: number;
  /** Ports from the root hub to the device. */
  readonly ports: readonly number[];
}

/**
 * Who holds an interface: a driver of the kernel, or the programs that have the device open.
 * `undefined` where the system does not tell.
 */
export function interfaceHolder(
  location: DeviceLocation,
  configuration: number,
  interfaceNumber: number,
): string | undefined {
  if (process.platform !== "linux") return undefined;
  // A root hub's interfaces are named by port 0, which the hub itself is not.
  const device = location.ports.length === 0 ? `${devices}/${location.bus}-0` : sysfsPath(location);
  const driver = attempt(() => basename(readlinkSync(`${device}:${configuration}.${interfaceNumber}/driver`)));
  if (driver === undefined) return undefined;
  // usbfs stands for programs like this one.
  if (driver !== "usbfs") return `the kernel driver ${driver}`;
  const pad = (value: number) => String(value).padStart(3, "0");
  const programs = programsWithOpen(`/dev/bus/usb/${pad(location.bus)}/${pad(location.address)}`);
  return programs.length === 0 ? "another program" : programs.join(" or ");
}

/** Where the system describes a device. */
export function sysfsPath({ bus, ports }: DeviceLocation): string {
  return `${devices}/${ports.length === 0 ? `usb${bus}` : `${bus}-${ports.join(".")}`}`;
}

/**
 * The processes that may hold something of a device, as far as this user may see them: those that have
 * its node open. Who asks has it open as well, and is one of them only with another handle.
 */
export function programsWithOpen(node: string): string[] {
  const own = String(process.pid);
  const processes = attempt(() => readdirSync("/proc").filter((name) => /^\d+$/.test(name))) ?? [];
  return processes
    .filter((pid) => {
      const files = attempt(() => readdirSync(join("/proc", pid, "fd"))) ?? [];
      const opened = files.filter((file) => attempt(() => readlinkSync(join("/proc", pid, "fd", file))) === node);
      return opened.length > (pid === own ? 1 : 0);
    })
    .map((pid) => {
      const name = attempt(() => readFileSync(join("/proc", pid, "comm"), "utf8").trim()) ?? "?";
      return pid === own ? `this program (process ${pid})` : `process ${pid} (${name})`;
    });
}

/** What is looked at can go away meanwhile. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

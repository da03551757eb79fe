import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { basename, join } from "node:path";

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
  // The root hub is at port 0.
  const device = `${location.bus}-${location.ports.join(".") || "0"}`;
  const link = `/sys/bus/usb/devices/${device}:${configuration}.${interfaceNumber}/driver`;
  const driver = attempt(() => basename(readlinkSync(link)));
  if (driver === undefined) return undefined;
  // usbfs stands for programs like this one.
  if (driver !== "usbfs") return `the kernel driver ${driver}`;
  const programs = programsWithOpen(location);
  return programs.length === 0 ? "another program" : programs.join(" or ");
}

/** The processes that have a device open, as far as this user may see them. */
function programsWithOpen({ bus, address }: DeviceLocation): string[] {
  const pad = (value: number) => String(value).padStart(3, "0");
  const node = `/dev/bus/usb/${pad(bus)}/${pad(address)}`;
  const processes = attempt(() => readdirSync("/proc").filter((name) => /^\d+$/.test(name))) ?? [];
  return processes
    .filter((pid) => {
      const files = attempt(() => readdirSync(join("/proc", pid, "fd"))) ?? [];
      return files.some((file) => attempt(() => readlinkSync(join("/proc", pid, "fd", file))) === node);
    })
    .map((pid) => {
      const name = attempt(() => readFileSync(join("/proc", pid, "comm"), "utf8").trim()) ?? "?";
      return pid === String(process.pid) ? `this program (process ${pid})` : `process ${pid} (${name})`;
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

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { captureFile, type Device } from "../../devices.js";

type SettingName =
  | "VM_SHARE"
  | "VM_MONITOR_PORT"
  | "VM_DEVICE_PORT"
  | "VM_HOST_SPEED"
  | "VM_STREAM"
  | "BENCH_WARM_UP"
  | "BENCH_SECONDS"
  | "BENCH_ROUNDS";

/** What the host says to the guest; only there in the guest. */
export function setting(name: SettingName): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: this runs in the guest, by npm run test:vm`);
  return value;
}

/** What QEMU captured at a device so far. */
export const readCapture = (device: Pick<Device, "id">): Uint8Array =>
  new Uint8Array(readFileSync(join(setting("VM_SHARE"), captureFile(device))));

import { readFileSync, writeFileSync } from "node:fs";
import { onTestFinished } from "vitest";

/** The file with the limit of the memory that all of usbfs may use, in MiB. */
export const usbfsMemoryLimit = "/sys/module/usbcore/parameters/usbfs_memory_mb";

/** Sets the limit until the test is over. */
export function limitUsbfsMemory(mebibytes: number): void {
  const before = readFileSync(usbfsMemoryLimit, "utf8").trim();
  onTestFinished(() => {
    writeFileSync(usbfsMemoryLimit, before);
  });
  writeFileSync(usbfsMemoryLimit, String(mebibytes));
}

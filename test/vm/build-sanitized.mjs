// Builds the addon with a sanitizer, `address` unless it is told another, in .cache: beside the one that is used.
import { spawnSync } from "node:child_process";
import { cpSync, rmSync } from "node:fs";
import { basename, join } from "node:path";

const [, , sanitizer = "address"] = process.argv;
const root = join(import.meta.dirname, "../..");
const target = join(root, ".cache", sanitizer, "native");

rmSync(target, { recursive: true, force: true });
cpSync(join(root, "transports/libusb/native"), target, {
  recursive: true,
  filter: (path) => !["build", "node_modules"].includes(basename(path)),
});
const { status } = spawnSync(process.execPath, [join(target, "build.mjs"), `--sanitize=${sanitizer}`], {
  stdio: "inherit",
});
process.exitCode = status ?? 1;

// Builds the addon with a sanitizer, `address` unless it is told another, in .cache/<sanitizer>: a package of the same
// name, so that what runs there takes its addon.
import { spawnSync } from "node:child_process";
import { copyFileSync, cpSync, rmSync } from "node:fs";
import { basename, join } from "node:path";

const [, , sanitizer = "address"] = process.argv;
const root = join(import.meta.dirname, "../..");
const source = "transports/libusb/native";
const target = join(root, ".cache", sanitizer, source);

rmSync(join(root, ".cache", sanitizer), { recursive: true, force: true });
cpSync(join(root, source), target, {
  recursive: true,
  filter: (path) => !["build", "node_modules"].includes(basename(path)),
});
copyFileSync(join(root, "package.json"), join(root, ".cache", sanitizer, "package.json"));
const { status } = spawnSync(process.execPath, [join(target, "build.mjs"), `--sanitize=${sanitizer}`], {
  stdio: "inherit",
  // libusb, too, which has a target of its own.
  env: { ...process.env, CFLAGS: `-fsanitize=${sanitizer} -fno-omit-frame-pointer -g` },
});
process.exitCode = status ?? 1;

// The pump alone, for a sanitizer that Node itself cannot run with.
if (status === 0 && sanitizer === "thread") {
  const objects = join(target, "build/Release/obj.target");
  const parts = ["buffer_pool", "canceller", "context", "handle", "isoch_stream", "request_queue"];
  const linked = spawnSync(
    "g++",
    [
      ...["-std=c++17", "-g", "-O1", "-fsanitize=thread", "-pthread"],
      ...[`-I${target}`, `-I${join(root, "node_modules/usb/libusb/libusb")}`],
      ...["-o", join(root, ".cache/thread/pump"), join(root, "test/vm/native/pump.cc")],
      ...parts.map((part) => join(objects, "rx_isoch", `${part}.o`)),
      join(target, "build/Release/usb.a"),
    ],
    { stdio: "inherit" },
  );
  process.exitCode = linked.status ?? 1;
}

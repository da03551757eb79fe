import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { findProgram, type Kernel } from "./requirements.js";

/** What the guest needs before it sees the host's file system; the rest it loads from there. */
const bootModules = ["virtio_pci", "virtio_console", "virtio_net", "9pnet_virtio", "9p", "overlay"];

/** Builds the initramfs unless it is there, and newer than what it is made of. Returns its path. */
export function initramfs(cache: string, kernel: Kernel, init: string, modules = bootModules): string {
  const image = join(cache, "initramfs.cpio");
  const tree = join(cache, "initramfs");
  const busybox = findProgram("busybox") ?? "";
  const files = inLoadOrder(kernel.modules, modules);
  const order = files.map((file) => `${basename(file)}\n`).join("");
  const orderFile = join(tree, "modules/order");
  const isCurrent =
    [image, orderFile].every((path) => existsSync(path)) &&
    [init, busybox, kernel.image].every((path) => changed(path) < changed(image)) &&
    readFileSync(orderFile, "utf8") === order;
  if (isCurrent) return image;

  // First, so that what is interrupted is not taken for what the tree says.
  rmSync(image, { force: true });
  rmSync(tree, { recursive: true, force: true });
  for (const directory of ["bin", "modules", "proc", "sys", "dev"])
    mkdirSync(join(tree, directory), { recursive: true });
  copyFileSync(busybox, join(tree, "bin/busybox"));
  copyFileSync(init, join(tree, "init"));
  chmodSync(join(tree, "init"), 0o755);
  for (const file of files) copyFileSync(join(kernel.modules, file), join(tree, "modules", basename(file)));
  writeFileSync(orderFile, order);

  const names = execFileSync("find", [".", "-print0"], { cwd: tree });
  const archive = execFileSync("cpio", ["--null", "--create", "--format=newc", "--quiet"], {
    cwd: tree,
    input: names,
    maxBuffer: 2 ** 28,
  });
  writeFileSync(`${image}.part`, archive);
  renameSync(`${image}.part`, image);
  return image;
}

// ctime: a copied or unpacked file may carry an old mtime.
const changed = (path: string): number => statSync(path).ctimeMs;

/** The files of the modules and of all they depend on, dependencies first. */
function inLoadOrder(modules: string, names: readonly string[]): string[] {
  const lines = readFileSync(join(modules, "modules.dep"), "utf8").trim().split("\n");
  const dependencies = new Map(
    lines.map((line): [string, string[]] => {
      const [file = "", rest = ""] = line.split(":");
      return [file, rest.trim().split(" ").filter(Boolean)];
    }),
  );
  const found = new Set<string>();
  for (const name of names) {
    const file = [...dependencies.keys()].find((path) => basename(path).split(".")[0]?.replaceAll("-", "_") === name);
    // Built into the kernel.
    if (file === undefined) continue;
    // depmod lists them from the module outwards.
    for (const dependency of dependencies.get(file)?.toReversed() ?? []) found.add(dependency);
    found.add(file);
  }
  return [...found];
}

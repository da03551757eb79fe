import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, onTestFinished, vi } from "vitest";

const hasCpio = ["/usr/bin/cpio", "/bin/cpio"].some((path) => existsSync(path));

async function setUp() {
  const cache = mkdtempSync(join(tmpdir(), "initramfs-"));
  const file = (name: string, text = name): string => {
    const path = join(cache, name);
    writeFileSync(path, text);
    return path;
  };
  mkdirSync(join(cache, "bin"));
  file("bin/busybox");
  const init = file("init.sh");
  const kernel = { release: "6", image: file("vmlinuz"), modules: cache };
  for (const name of ["overlay.ko", "9p.ko", "9pnet.ko"]) file(name);
  file("modules.dep", "overlay.ko:\n9pnet.ko:\n9p.ko: 9pnet.ko\n");
  // The path is read when the module is.
  vi.resetModules();
  vi.stubEnv("PATH", `${join(cache, "bin")}:${process.env["PATH"] ?? ""}`);
  onTestFinished(() => {
    vi.unstubAllEnvs();
    rmSync(cache, { recursive: true });
  });
  const { initramfs } = await import("./initramfs.js");
  /** Builds it where that is due, and tells when it was built. */
  const build = async (modules: string[] = ["overlay"]) => {
    // Later than whatever was written before.
    await sleep(10);
    const image = initramfs(cache, kernel, init, modules);
    await sleep(10);
    return { image, builtAt: statSync(image).mtimeMs };
  };
  return { build, file, cache };
}

it.runIf(hasCpio)("builds the initramfs once", async () => {
  const { build } = await setUp();
  const { image, builtAt } = await build();
  const names = execFileSync("cpio", ["--list", "--quiet"], { input: execFileSync("cat", [image]), encoding: "utf8" });
  expect(names.split("\n")).toEqual(expect.arrayContaining(["init", "bin/busybox", "modules/overlay.ko"]));
  expect((await build()).builtAt).toBe(builtAt);
});

it.runIf(hasCpio).each(["init.sh", "vmlinuz", "bin/busybox"])("builds it anew when %s has changed", async (name) => {
  const { build, file } = await setUp();
  const { builtAt } = await build();
  file(name, "changed");
  expect((await build()).builtAt).toBeGreaterThan(builtAt);
});

it.runIf(hasCpio)("builds it anew for other modules, or when its tree is gone", async () => {
  const { build, cache } = await setUp();
  const first = await build();
  const second = await build(["overlay", "9p"]);
  expect(second.builtAt).toBeGreaterThan(first.builtAt);
  expect((await build(["overlay", "9p"])).builtAt).toBe(second.builtAt);
  rmSync(join(cache, "initramfs"), { recursive: true });
  expect((await build(["overlay", "9p"])).builtAt).toBeGreaterThan(second.builtAt);
});

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";

export const isLoaded = (module: string): boolean => existsSync(`/sys/module/${module.replaceAll("-", "_")}`);

/** Loads kernel modules, and what they need. */
export function load(...modules: readonly string[]): void {
  run("modprobe", "--all", ...modules);
}

/** Unloads kernel modules and what nothing else needs. */
export function unload(...modules: readonly string[]): void {
  run("modprobe", "--remove", ...modules);
}

/** Runs a program to its end, and returns what it printed. */
export function run(program: string, ...args: readonly string[]): string {
  return execFileSync(program, args, { encoding: "utf8", timeout: 30_000 });
}

import { spawnSync } from "node:child_process";
import { onPath } from "../support/programs.js";

/**
 * A program of this machine, or what `variable` names. Where there is none it is installed, as root on Debian,
 * else the error says how to get it.
 *
 * @param debian the package that has it
 */
export function prepareTool(name: string, debian: string, variable: string): string {
  const found = find(name, variable);
  if (found !== undefined) return found;
  const command = `apt-get install --no-install-recommends ${debian}`;
  if (process.getuid?.() !== 0) {
    throw new Error(`no ${name} on PATH: name one in ${variable}, or, as root on Debian: ${command}`);
  }
  console.log(`tools: installing ${debian}`);
  apt("update", "--quiet", "--quiet");
  apt("install", "--yes", "--quiet", "--no-install-recommends", debian);
  const installed = find(name, variable);
  if (installed === undefined) throw new Error(`not installed even so: ${debian}`);
  return installed;
}

function find(name: string, variable: string): string | undefined {
  return process.env[variable] ?? onPath(name);
}

function apt(...args: string[]): void {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const { status } = spawnSync("apt-get", args, { env, stdio: ["ignore", "ignore", "inherit"] });
  if (status !== 0) throw new Error(`failed: apt-get ${args.join(" ")}`);
}

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { onPath } from "./programs.js";

/** A program that tests need of the machine. */
interface Program {
  /** What it is called, by one distribution or the other. */
  readonly names: readonly string[];
  /** The package of Debian that has it. */
  readonly debian: string;
  /** The environment variable that can name another. */
  readonly variable: string;
}

/**
 * A program of this machine, or the one that its variable names. Where there is none it is installed, as root on
 * Debian, else the error says how to get it.
 */
export function prepareProgram(program: Program): string {
  const found = findProgram(program);
  if (found !== undefined) return found;
  const { names, debian, variable } = program;
  const command = `apt-get install --no-install-recommends ${debian}`;
  if (process.getuid?.() !== 0) {
    throw new Error(`no ${names.join(", no ")} on PATH: name one in ${variable}, or, as root on Debian: ${command}`);
  }
  console.log(`tests: installing ${debian}`);
  apt("update", "--quiet", "--quiet");
  apt("install", "--yes", "--quiet", "--no-install-recommends", debian);
  const installed = findProgram(program);
  if (installed === undefined) throw new Error(`not installed even so: ${debian}`);
  return installed;
}

function findProgram({ names, variable }: Program): string | undefined {
  const named = process.env[variable];
  if (named === undefined) return names.map(onPath).find((path) => path !== undefined);
  const path = named.includes("/") ? named : onPath(named);
  if (path === undefined || !existsSync(path)) throw new Error(`${variable} names ${named}, which is not there`);
  return path;
}

function apt(...args: string[]): void {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const { status } = spawnSync("apt-get", args, { env, stdio: ["ignore", "ignore", "inherit"] });
  if (status !== 0) throw new Error(`failed: apt-get ${args.join(" ")}`);
}

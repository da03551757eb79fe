import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { root } from "./entries.js";

/** Runs a program to its end; a failure throws with all its output. Returns what it printed to stdout. */
export function run(directory: string, program: string, ...args: string[]): string {
  return runWith({}, directory, program, ...args).stdout;
}

/** {@link run} with changes to the environment, where `undefined` takes a variable away. */
export function runWith(
  changes: NodeJS.ProcessEnv,
  directory: string,
  program: string,
  ...args: string[]
): { readonly stdout: string; readonly stderr: string } {
  const { status, error, stdout, stderr } = spawnSync(program, args, {
    cwd: directory,
    encoding: "utf8",
    env: { ...process.env, ...changes },
    stdio: ["ignore", "pipe", "pipe"],
    // An installation compiles the addon.
    timeout: 240_000,
    maxBuffer: 64 * 1024 * 1024,
  });
  if (status === 0) return { stdout, stderr };
  const end = error?.message ?? `ended with ${status}`;
  throw new Error(`${program} ${args.join(" ")}: ${end}\n${stdout}\n${stderr}`);
}

/** A directory outside the repository, gone at the end of a `using` block or with `[Symbol.dispose]()`. */
export class Scratch {
  readonly path = mkdtempSync(join(tmpdir(), "rx-isoch-"));
  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** What compiling the addon leaves behind. */
const native = "transports/libusb/native";
const compiled = ["build", "node_modules", "prebuilds"].map((name) => join(native, name));

/**
 * Builds and packs a copy of what is shipped, so that neither a stale `dist` nor a concurrent build
 * gets into the package, nor an addon that was compiled here. Returns the path of the tarball.
 */
export function pack(destination: string): string {
  const copy = join(root, ".cache/package");
  rmSync(copy, { recursive: true, force: true });
  mkdirSync(copy, { recursive: true });
  const shipped = ["package.json", "tsconfig.json", "tsconfig.build.json", "README.md", "LICENSE", "CHANGELOG.md"];
  for (const name of [...shipped, "src", "operators", "transports"]) {
    const filter = (source: string): boolean => !compiled.includes(relative(root, source));
    cpSync(join(root, name), join(copy, name), { recursive: true, filter });
  }
  run(copy, "npm", "run", "--silent", "build");
  const output = run(copy, "npm", "pack", "--json", "--ignore-scripts", "--pack-destination", destination);
  const [{ filename }] = JSON.parse(output) as [{ filename: string }];
  return join(destination, filename);
}

export const readRoot = (file: string): string => readFileSync(join(root, file), "utf8");

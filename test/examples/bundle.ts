import { execFile } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { entries, root } from "../support/entries.js";

/** An example as a program that runs from the sources: what it imports by the name of the package is them. */
export async function bundleExample(name: string): Promise<string> {
  const directory = join(root, ".cache/examples");
  mkdirSync(directory, { recursive: true });
  const outfile = join(directory, `${name}.mjs`);
  await build({
    entryPoints: [join(root, `examples/${name}.ts`)],
    outfile,
    alias: Object.fromEntries(entries.map(({ name: entry, source }) => [entry, join(root, source)])),
    external: ["rxjs", "ws", "fast-png", "usb", "node-gyp-build"],
    platform: "node",
    format: "esm",
    bundle: true,
    logLevel: "silent",
  });
  return outfile;
}

/**
 * Runs an example to its end.
 *
 * @param cwd where it finds and leaves its files
 * @returns what it printed
 */
export async function runExample(
  cwd: string,
  name: string,
  args: readonly string[] = [],
  env = process.env,
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const program = await bundleExample(name);
  return promisify(execFile)(process.execPath, [program, ...args], { cwd, env, timeout: 50_000 });
}

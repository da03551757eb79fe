import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./entries.js";

/** Runs a program to its end; a failure throws with all its output. */
export function run(directory: string, program: string, ...args: string[]): string {
  try {
    return execFileSync(program, args, {
      cwd: directory,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
      timeout: 120_000,
    });
  } catch (error) {
    const { message, stdout } = error as Error & { stdout?: string };
    // Without a cause: it would print the same output twice more.
    throw new Error(`${message}\n${stdout ?? ""}`);
  }
}

/** A directory outside the repository, gone at the end of a `using` block or with `[Symbol.dispose]()`. */
export class Scratch {
  readonly path = mkdtempSync(join(tmpdir(), "rx-isoch-"));
  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/**
 * Builds and packs a copy of what is shipped, so that neither a stale `dist` nor a concurrent build
 * gets into the package. Returns the path of the tarball.
 */
export function pack(destination: string): string {
  const copy = join(root, ".cache/package");
  rmSync(copy, { recursive: true, force: true });
  mkdirSync(copy, { recursive: true });
  const shipped = ["package.json", "tsconfig.json", "tsconfig.build.json", "README.md", "LICENSE", "CHANGELOG.md"];
  for (const name of [...shipped, "src", "operators", "transports"]) {
    cpSync(join(root, name), join(copy, name), { recursive: true });
  }
  run(copy, "npm", "run", "--silent", "build");
  const output = run(copy, "npm", "pack", "--json", "--ignore-scripts", "--pack-destination", destination);
  const [{ filename }] = JSON.parse(output) as [{ filename: string }];
  return join(destination, filename);
}

export const readRoot = (file: string): string => readFileSync(join(root, file), "utf8");

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";
import { entries, root } from "../../../support/entries.js";

const program = join(root, "test/vm/guest/support/life/main.ts");
const minutes = 60_000;

/** What `npm run build:sanitized` makes, with the sources beside it. */
const sanitized = join(root, ".cache/address");
const defaultCycles = 150;

const cycles = Number(process.env["LIFE_CYCLES"] ?? defaultCycles);

/** Bundles the program, which starts in a tenth of the time; the addon is looked for beside it first. */
async function bundle(outfile: string): Promise<string> {
  await build({
    entryPoints: [program],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    logLevel: "warning",
    alias: Object.fromEntries(entries.map(({ name, source }) => [name, join(root, source)])),
  });
  return outfile;
}

/** Its exit status, or the signal that ended it. What it says goes where the lab's output goes. */
async function run(path: string, count: number, env: NodeJS.ProcessEnv = {}): Promise<number | string> {
  const child = spawn(process.execPath, ["--expose-gc", path], {
    env: { ...process.env, ...env, LIFE_CYCLES: String(count) },
    stdio: ["ignore", "inherit", "inherit"],
  });
  const [status, signal] = (await once(child, "exit")) as [number | null, string | null];
  return signal ?? status ?? "unknown";
}

describe("random lives of the libusb transport", () => {
  it(
    `leave nothing behind in ${cycles} cycles`,
    async () => {
      expect(await run(await bundle(join(root, ".cache/life/plain/main.js")), cycles)).toBe(0);
    },
    30 * minutes,
  );

  const few = Math.ceil(Number(process.env["LIFE_CYCLES_ADDRESS"] ?? cycles / 5));
  it.skipIf(!existsSync(join(sanitized, "native/build")) && !process.env["CI"])(
    `touch no memory that is not theirs, in ${few} cycles with AddressSanitizer`,
    async () => {
      const preload = execFileSync("g++", ["-print-file-name=libasan.so"], { encoding: "utf8" }).trim();
      const status = await run(await bundle(join(sanitized, "main.js")), few, {
        LD_PRELOAD: preload,
        // V8 leaves at the end what it has; the addon counts by itself.
        ASAN_OPTIONS: "detect_leaks=0:exitcode=99",
      });
      expect(status).toBe(0);
    },
    30 * minutes,
  );
});

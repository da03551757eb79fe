import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { root } from "../../../support/entries.js";

/** The program, bundled; the addon that it takes is that of the package it is in. */
const program = join(root, ".cache/vm/bundles/life.js");
const native = "transports/libusb/native/build/Release/rx_isoch.node";
const minutes = 60_000;

/** What `npm run build:sanitized` makes: as much of the package as the program needs, and the program. */
const sanitized = join(root, ".cache/address");
const defaultCycles = 150;

const cycles = Number(process.env["LIFE_CYCLES"] ?? defaultCycles);

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
      expect(await run(program, cycles, { LIFE_ADDON: join(root, native) })).toBe(0);
    },
    30 * minutes,
  );

  const few = Math.ceil(Number(process.env["LIFE_CYCLES_ADDRESS"] ?? cycles / 5));
  it.skipIf(!existsSync(join(sanitized, "life.js")) && !process.env["CI"])(
    `touch no memory that is not theirs, in ${few} cycles with AddressSanitizer`,
    async () => {
      const preload = execFileSync("g++", ["-print-file-name=libasan.so"], { encoding: "utf8" }).trim();
      const status = await run(join(sanitized, "life.js"), few, {
        LD_PRELOAD: preload,
        LIFE_ADDON: join(sanitized, native),
        // V8 leaves at the end what it has; the addon counts by itself.
        ASAN_OPTIONS: "detect_leaks=0:exitcode=99",
      });
      expect(status).toBe(0);
    },
    30 * minutes,
  );
});

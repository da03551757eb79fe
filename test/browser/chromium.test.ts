import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { Scratch } from "../support/pack.js";
import { launchChromium } from "./chromium.js";

const scratch = new Scratch();
const silent = join(scratch.path, "silent");
writeFileSync(silent, "#!/bin/sh\nexec sleep 60\n");
chmodSync(silent, 0o755);

afterAll(() => {
  scratch[Symbol.dispose]();
});

it.each([
  ["ends at once", "/bin/false", 30_000],
  ["is not there", "/nowhere/chromium", 30_000],
  ["says nothing", silent, 1000],
])("a browser that %s: an error that names it, and says what to try", async (_what, path, patience) => {
  const launching = launchChromium(path, patience);
  await expect(launching).rejects.toThrow(`${path} does not start as a headless Chromium`);
  await expect(launching).rejects.toThrow("CHROMIUM");
});

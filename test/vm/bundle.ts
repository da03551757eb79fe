import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build, type BuildOptions } from "esbuild";
import { entries, root } from "../support/entries.js";

/** Where the sources are, and where their bundles go, from the root of the checkout. */
const sources = "test/vm";
const bundles = ".cache/vm/bundles";

/**
 * Bundles what runs in the guest, where reading and transforming one small file after the other would
 * take longer than the tests.
 */
export async function bundleForGuest(): Promise<void> {
  const common: BuildOptions = {
    absWorkingDir: root,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    packages: "external",
    logLevel: "warning",
    alias: Object.fromEntries(entries.map(({ name, source }) => [name, join(root, source)])),
  };
  rmSync(join(root, bundles), { recursive: true, force: true });
  await build({
    ...common,
    entryPoints: [`${sources}/guest/**/*.test.ts`, `${sources}/vitest.config.ts`],
    outbase: sources,
    outdir: bundles,
    splitting: true,
    sourcemap: "linked",
  });
  // Whole, as it is started again and again. It takes the addon of the package that it is in: the checkout's, and the
  // one with AddressSanitizer.
  const life: BuildOptions = { ...common, packages: "bundle", entryPoints: [`${sources}/guest/support/life/main.ts`] };
  await build({ ...life, outfile: `${bundles}/life.js` });
  if (existsSync(join(root, ".cache/address"))) await build({ ...life, outfile: ".cache/address/life.js" });
}

/** The bundle of a source file; what is none stays as it is. */
export const bundleOf = (argument: string): string =>
  argument.startsWith(sources) ? argument.replace(sources, bundles).replace(/\.ts$/, ".js") : argument;

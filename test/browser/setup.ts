import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build, type BuildOptions } from "esbuild";
import type { TestProject } from "vitest/node";
import { root } from "../support/entries.js";
import { run } from "../support/pack.js";
import { prepareChromium } from "./chromium.js";

declare module "vitest" {
  export interface ProvidedContext {
    readonly chromium: string;
    /** The built example. */
    readonly site: string;
    /** The bundle of bridge.ts. */
    readonly bridge: string;
    /** The bundle of page-usb.ts. */
    readonly pageUsb: string;
    /** The bundle of page-codecs.ts. */
    readonly pageCodecs: string;
    /** The bundle of mojo-usb.ts. */
    readonly mojoUsb: string;
  }
}

const example = join(root, "examples/angular");

/** Gets Chromium, builds the package and the example against it, and bundles the bridge and what runs in the page. */
export default async function setup({ provide }: TestProject): Promise<void> {
  provide("chromium", prepareChromium());
  run(root, "npm", "run", "--silent", "link:example");
  installExample();
  run(example, "npm", "run", "--silent", "build");
  provide("site", join(example, "dist/browser"));
  provide("bridge", await bundle("bridge", { platform: "node", format: "esm", packages: "external" }));
  provide("pageUsb", await bundle("page-usb", { platform: "browser", format: "iife" }));
  provide("pageCodecs", await bundle("page-codecs", { platform: "browser", format: "iife" }));
  provide("mojoUsb", await bundle("mojo-usb", { platform: "browser", format: "iife" }));
}

/** Returns where the bundle is. */
async function bundle(name: string, options: BuildOptions): Promise<string> {
  const outfile = join(root, `.cache/browser/${name}.js`);
  const entryPoints = [join(root, `test/browser/${name}.ts`)];
  await build({ entryPoints, bundle: true, logLevel: "warning", outfile, ...options });
  return outfile;
}

/** `npm ci`, where the lockfile is another than that of what is installed. */
function installExample(): void {
  const stamp = join(example, "node_modules/.installed");
  const lock = readFileSync(join(example, "package-lock.json"), "utf8");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  // None of the packages needs its script; that of rx-isoch would compile the addon.
  run(example, "npm", "ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund");
  mkdirSync(join(example, "node_modules"), { recursive: true });
  writeFileSync(stamp, lock);
}

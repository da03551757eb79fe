// Compiles the addon: `node build.mjs`. At the installation (`--if-needed`) only if no prebuilt binary
// fits, and a failure there is no failure of the installation: all but libusb works without it.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);
const directory = import.meta.dirname;
const ifNeeded = process.argv.includes("--if-needed");

function isThere() {
  try {
    require("node-gyp-build")(directory);
    return true;
  } catch {
    return false;
  }
}

/** npm's own node-gyp, where npm runs this; else one that is installed. */
function nodeGyp() {
  const npms = process.env.npm_config_node_gyp;
  if (npms !== undefined && existsSync(npms)) return npms;
  const npm = process.env.npm_execpath;
  const bundled = npm === undefined ? "" : join(dirname(npm), "../node_modules/node-gyp/bin/node-gyp.js");
  return existsSync(bundled) ? bundled : require.resolve("node-gyp/bin/node-gyp.js");
}

function build() {
  // netlink instead of udev needs no header package.
  const args = [
    "rebuild",
    "--jobs=max",
    "--use_udev=0",
    ...process.argv.slice(2).filter((arg) => arg !== "--if-needed"),
  ];
  // A Node that brings its headers along needs no download.
  const prefix = dirname(dirname(process.execPath));
  if (existsSync(join(prefix, "include/node/node_api.h"))) args.push(`--nodedir=${prefix}`);
  const { status, error, stdout, stderr } = spawnSync(process.execPath, [nodeGyp(), ...args], {
    cwd: directory,
    stdio: ifNeeded ? "pipe" : "inherit",
    encoding: "utf8",
  });
  if (status === 0) return;
  throw error ?? new Error(`node-gyp ended with ${status}\n${(stdout ?? "") + (stderr ?? "")}`.trimEnd());
}

if (!ifNeeded) build();
else if (!isThere()) {
  try {
    build();
  } catch (error) {
    console.warn(
      `rx-isoch: the libusb transport is not available, everything else is: ${error.message}\n` +
        "rx-isoch: install a C++ compiler, make and Python, then run: npm rebuild rx-isoch --foreground-scripts",
    );
  }
}

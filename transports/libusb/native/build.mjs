// Compiles the addon, by itself: `node build.mjs`. What else is on the command line goes to node-gyp.
// --if-needed: at the installation; only if no binary fits, and a failure is no failure of the installation.
// --prebuild: into prebuilds/, for publishing.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, realpathSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";

const require = createRequire(import.meta.url);
const directory = import.meta.dirname;
const flags = ["--if-needed", "--prebuild"];
const [ifNeeded, prebuild] = flags.map((flag) => process.argv.includes(flag));
const rest = process.argv.slice(2).filter((argument) => !flags.includes(argument));

/** For node-gyp, which reads options from the environment too. */
const env = { ...process.env, npm_config_jobs: "max" };
// netlink instead of udev needs no header package.
env.npm_config_use_udev = "0";
// A Node that brings its headers along needs no download.
const prefix = dirname(dirname(process.execPath));
if (existsSync(join(prefix, "include/node/node_api.h"))) env.npm_config_nodedir ??= prefix;

function isThere() {
  try {
    require("node-gyp-build")(directory);
    return true;
  } catch {
    return false;
  }
}

/** The node-gyp of the npm that runs this, else of the npm that is installed, else one that is itself installed. */
function nodeGyp() {
  const { npm_config_node_gyp: given, npm_execpath: runner, PATH = "" } = process.env;
  if (given !== undefined && existsSync(given)) return given;
  const bins = [dirname(process.execPath), ...PATH.split(delimiter)].filter((bin) => bin !== "");
  const npms = bins.flatMap((bin) => [join(bin, "npm"), join(bin, "node_modules/npm/bin/npm-cli.js")]);
  const places = [runner, ...npms, import.meta.filename].filter((place) => place !== undefined && existsSync(place));
  for (const place of places) {
    try {
      return createRequire(realpathSync(place)).resolve("node-gyp/bin/node-gyp.js");
    } catch {
      // The next one.
    }
  }
  throw new Error("there is no node-gyp: it comes with npm, or with npm install node-gyp");
}

function run(program, args) {
  const { status, error, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    cwd: directory,
    env,
    stdio: ifNeeded ? "pipe" : "inherit",
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(reason(`${stdout ?? ""}${stderr ?? ""}`) ?? `it ended with ${status}`);
}

/** The first thing that a compiler, or node-gyp, complains of. */
function reason(output) {
  const complaints = [/\berror: .*/, /(?<=gyp ERR! stack Error: ).*/];
  return complaints.map((complaint) => complaint.exec(output)?.[0]).find((found) => found !== undefined);
}

function isInstalled(name) {
  try {
    require.resolve(`${name}/package.json`);
    return true;
  } catch {
    return false;
  }
}

const missing = ["node-addon-api", "node-gyp-build", "usb"].filter((name) => !isInstalled(name));

/** A copy of libusb's sources: what gyp makes of sources elsewhere, it would write to elsewhere too. */
function copyLibusb() {
  const usb = dirname(require.resolve("usb/package.json"));
  const sources = join(directory, "build-sources");
  rmSync(sources, { recursive: true, force: true });
  for (const part of ["libusb.gypi", "libusb_config", "libusb/libusb", "libusb/Xcode", "libusb/msvc"]) {
    cpSync(join(usb, part), join(sources, part), { recursive: true });
  }
}

function build() {
  if (missing.length > 0) throw new Error(`not installed: ${missing.join(", ")}`);
  copyLibusb();
  if (prebuild) {
    const target = `--target=${process.versions.node}`;
    run(require.resolve("prebuildify/bin.js"), [
      "--napi",
      "--strip",
      "--tag-libc",
      target,
      "--cwd",
      directory,
      ...rest,
    ]);
  } else {
    run(nodeGyp(), ["rebuild", ...rest]);
  }
}

try {
  if (!ifNeeded || !isThere()) build();
} catch (error) {
  const [line] = error.message.split("\n");
  console.warn(
    `rx-isoch: no libusb addon, everything else works (${line}). To get it: ` +
      (missing.length > 0 ? "npm install --include=optional, " : "") +
      `install a C++ compiler, make and Python 3, then run: node "${import.meta.filename}"`,
  );
  if (!ifNeeded) process.exitCode = 1;
}

import { cpSync, existsSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { entries, peers, root } from "../support/entries.js";
import { pack, run, runWith, Scratch } from "../support/pack.js";

const scratch = new Scratch();
const native = "node_modules/rx-isoch/transports/libusb/native";
const none = { contexts: 0, threads: 0, handles: 0, transfers: 0, inFlight: 0, buffers: 0, dmaBuffers: 0 };
const quietly = ["--prefer-offline", "--no-audit", "--no-fund"];
/** The lines that the installation has for people, on this machine or on a bare one. */
const advice = /^rx-isoch: .*$/gm;
/** A PATH on which there is npm, and neither a compiler nor Python. */
const bare = join(scratch.path, "bin");
/** Nothing of the npm that runs this test: a person at a prompt. */
const atPrompt = Object.fromEntries(
  Object.keys(process.env)
    .filter((name) => /^npm_/i.test(name))
    .map((name) => [name, undefined]),
);
let tarball: string;

beforeAll(() => {
  tarball = pack(scratch.path);
  mkdirSync(bare);
  for (const program of ["node", "npm", "sh"]) symlinkSync(found(program), join(bare, program));
});

afterAll(() => {
  scratch[Symbol.dispose]();
});

/** Where a program is. */
function found(program: string): string {
  const places = (process.env["PATH"] ?? "").split(delimiter).map((directory) => join(directory, program));
  const place = places.find((each) => existsSync(each));
  if (place === undefined) throw new Error(`${program} is not on PATH`);
  return realpathSync(place);
}

/** An empty project outside the repository. */
function project(name: string): string {
  const directory = join(scratch.path, name);
  mkdirSync(directory);
  writeFileSync(join(directory, "package.json"), JSON.stringify({ name, private: true, type: "module" }));
  return directory;
}

function evaluate(directory: string, code: string): unknown {
  return JSON.parse(run(directory, "node", "--input-type=module", "--eval", code));
}

/** What comes of using libusb: an error's class, code and message, or the counters. */
function used(directory: string, expression: string): unknown {
  return evaluate(
    directory,
    `import { libusb, libusbCounters } from "rx-isoch/transports/libusb";
     import { UnsupportedError } from "rx-isoch";
     import { lastValueFrom } from "rxjs";
     const result = await (async () => ${expression})().catch((error) => ({
       isOurs: UnsupportedError.is(error), code: error.code, message: error.message,
     }));
     console.log(JSON.stringify(result));`,
  );
}

/** The message of the error that counters, devices() and open() all give. */
function messageWithoutAddon(directory: string): string {
  const counters = used(directory, "libusbCounters()") as { message: string };
  expect(counters).toEqual({ isOurs: true, code: "no-addon", message: expect.any(String) as string });
  expect(used(directory, "lastValueFrom(libusb().open({ vendorId: 0x1209 }))")).toStrictEqual(counters);
  expect(used(directory, "lastValueFrom(libusb().devices())")).toStrictEqual(counters);
  return counters.message;
}

/** All but what needs a package that nobody has to have. */
function importsEverything(directory: string): void {
  const names = entries.map(({ name }) => name).filter((name) => peers[name] === undefined);
  const code = `const names = ${JSON.stringify(names)};
    const modules = await Promise.all(names.map((name) => import(name)));
    console.log(JSON.stringify(modules.map((module) => Object.keys(module).length > 0)));`;
  expect(evaluate(directory, code)).toStrictEqual(names.map(() => true));
}

describe("an installation with a compiler", { timeout: 5 * 60_000 }, () => {
  // npm 11 warns of scripts that were not approved and runs them, npm 12 does not run them.
  const approved = ["--dangerously-allow-all-scripts", "--foreground-scripts"];

  it("has the addon, and a prebuilt binary serves in its place", () => {
    const consumer = project("compiled");
    run(consumer, "npm", "install", ...quietly, ...approved, tarball, "rxjs@7.8.2");
    expect(used(consumer, "libusbCounters()")).toStrictEqual(none);

    const prebuilt = join(consumer, native, `prebuilds/${process.platform}-${process.arch}`);
    cpSync(join(consumer, native, "build/Release/rx_isoch.node"), join(prebuilt, "node.napi.node"));
    run(consumer, "node", "-e", `fs.rmSync("${native}/build", { recursive: true })`);
    expect(used(consumer, "libusbCounters()")).toStrictEqual(none);

    const { stderr } = runWith({ PATH: bare }, consumer, "npm", "rebuild", "rx-isoch", ...approved);
    expect(stderr.match(advice)).toBeNull();
    expect(existsSync(join(consumer, native, "build"))).toBe(false);
  });

  it("gets the addon later, by what the error says, after scripts and optional packages were refused", () => {
    const consumer = project("refused");
    const refusing = ["--ignore-scripts", "--omit=optional"];
    run(consumer, "npm", "install", ...quietly, ...refusing, tarball, "rxjs@7.8.2");
    importsEverything(consumer);
    const message = messageWithoutAddon(consumer);
    const parts = /run (npm install --include=optional) \(without: (.+?)\),.* then run: (node "[^"]+");/.exec(message);
    const [, install = "", without, compile = ""] = parts ?? [];
    expect(without).toBe("node-addon-api, node-gyp-build, usb");

    runWith(atPrompt, consumer, "sh", "-c", `${install} --ignore-scripts --prefer-offline`);
    expect(messageWithoutAddon(consumer)).not.toContain("npm install");
    runWith(atPrompt, consumer, "sh", "-c", compile);
    expect(used(consumer, "libusbCounters()")).toStrictEqual(none);
  });

  it("says that a binary does not load, and how to get one that does", () => {
    const consumer = project("damaged");
    run(consumer, "npm", "install", ...quietly, "--ignore-scripts", tarball, "rxjs@7.8.2");
    mkdirSync(join(consumer, native, "build/Release"), { recursive: true });
    writeFileSync(join(consumer, native, "build/Release/rx_isoch.node"), "no library");
    expect(messageWithoutAddon(consumer)).toMatch(/does not load \(.+\); install a C\+\+ compiler/);
  });
});

describe("an installation without a compiler and without a prebuilt binary", () => {
  const scripts = ["--dangerously-allow-all-scripts", "--foreground-scripts"];

  it("succeeds for a consumer, with one line of advice; all but libusb works", () => {
    const consumer = project("bare");
    const install = ["install", ...quietly, ...scripts, tarball, "rxjs@7.8.2"];
    for (const command of [install, ["ci", ...quietly, ...scripts]]) {
      const { stdout, stderr } = runWith({ PATH: bare }, consumer, "npm", ...command);
      expect(`${stdout}\n${stderr}`.match(advice)).toEqual([
        expect.stringMatching(/no libusb addon, everything else works \(.+\)\. .* C\+\+ compiler.*build\.mjs"$/),
      ]);
      importsEverything(consumer);
      expect(messageWithoutAddon(consumer)).toMatch(
        /^the libusb addon is not there for \w+-\w+; install a C\+\+ compiler.*; all else works without it$/,
      );
    }
  });

  it("succeeds on a clone of the repository", () => {
    const clone = join(scratch.path, "clone");
    for (const file of ["package.json", "package-lock.json", "transports/libusb/native"]) {
      const filter = (source: string): boolean => !/native.(build|prebuilds|build-sources)$/.test(source);
      cpSync(join(root, file), join(clone, file), { recursive: true, filter });
    }
    // What is developed with takes its time and has no part in this.
    const { stdout, stderr } = runWith({ PATH: bare }, clone, "npm", "ci", "--omit=dev", ...quietly);
    expect(`${stdout}\n${stderr}`.match(advice)).toEqual([expect.stringContaining("no libusb addon")]);
  });
});

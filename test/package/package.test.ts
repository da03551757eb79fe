import { mkdirSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { markdownBlocks } from "../support/code-blocks.js";
import { entries, peers, root } from "../support/entries.js";
import { onPath } from "../support/programs.js";
import { pack, readRoot, run, Scratch } from "../support/pack.js";

const scratch = new Scratch();
const unpacked = join(scratch.path, "package");
/** Entries that only Node has a use for: they need its types, the others must not. */
const nodeEntries = [
  "rx-isoch/operators/node",
  "rx-isoch/transports/libusb",
  "rx-isoch/transports/usbip/serve",
  "rx-isoch/transports/usbip/tcp",
];
/** What each example prints. */
const printed: Readonly<Record<string, RegExp>> = {
  "instrument-to-csv.ts": /^counters\.csv: 2884 frames good, 12 bad, 1104 lost\n$/,
  "loss-report.ts": /^ok {4}6868\ncrc {3}12\nlost {2}1120\n$/,
  "marble-test.ts": /^the bus did what the diagram says\n$/,
  "microphone-to-wav.ts": /^microphone\.wav: 4\d{4} samples, 1\.0\d\d s, 0 of them lost\n$/,
  "paced-output.ts": /^sent (\d+) packets\nthe device took \1, 0 of them out of order\nclosed\n$/,
  "remote-device.ts": /^remote\.png: \d+ bytes, \d+ frames of the bus lost\nclosed\n$/,
  "wav-to-speaker.ts": /^tone\.wav: 48000 samples played, \d+ of silence between, \d+ frames without a packet\n$/,
  "webcam-to-ffmpeg.ts": /^webcam\.mp4: 60 pictures, \d+ dropped\n$/,
  "webcam-to-file.ts": /^webcam\.png: \d+ bytes\nwebcam\.avi: 60 pictures, 30\.0 a second, \d+ dropped\n$/,
};
/** Programs of others that an example runs: where they are not, it is compiled all the same. */
const needs: Readonly<Record<string, string>> = { "webcam-to-ffmpeg.ts": "ffmpeg" };
const examples = readdirSync(join(root, "examples")).filter((file) => file.endsWith(".ts"));
let tarball: string;
let files: string[];

beforeAll(() => {
  tarball = pack(scratch.path);
  run(scratch.path, "tar", "-xzf", tarball);
  files = ts.sys.readDirectory(unpacked).map((file) => relative(unpacked, file));
});

afterAll(() => {
  scratch[Symbol.dispose]();
});

describe("the tarball", () => {
  it("holds the licence, the README, the change log and every entry with its types", () => {
    const expected = entries.flatMap(({ source }) => {
      const built = `dist/${source.replace(/\.ts$/, "")}`;
      return [source, `${built}.js`, `${built}.js.map`, `${built}.d.ts`, `${built}.d.ts.map`];
    });
    expect(files).toEqual(
      expect.arrayContaining(["LICENSE", "README.md", "CHANGELOG.md", "package.json", ...expected]),
    );
  });

  it("holds nothing else: no tests, no tooling", () => {
    const shipped = /^((dist\/)?(src|operators|transports)\/|(LICENSE|README\.md|CHANGELOG\.md|package\.json)$)/;
    const unwanted = /\.(test|test-d|spec)\.|(^|\/)(__tests__\/|\.)/;
    const stray = files.filter((file) => !shipped.test(file) || unwanted.test(file));
    expect(stray).toStrictEqual([]);
  });

  it("holds what the addon is compiled from, and the licence of what is linked into it", () => {
    const native = "transports/libusb/native";
    const sources = readdirSync(join(root, native)).filter((name) => /\.(cc|h|gyp|mjs|md|txt)$/.test(name));
    expect(sources).toEqual(expect.arrayContaining(["addon.cc", "binding.gyp", "build.mjs", "libusb-COPYING.txt"]));
    const shipped = files.filter((file) => file.startsWith(`${native}/`)).map((file) => relative(native, file));
    expect(shipped.sort()).toStrictEqual(sources.sort());
  });

  it("holds prebuilt binaries, but nothing of a build on the machine that packs it", () => {
    const native = join(scratch.path, "packed/transports/libusb/native");
    const made = ["build/Release/rx_isoch.node", "build-sources/libusb.gypi", "prebuilds/linux-x64/node.glibc.node"];
    for (const file of made) {
      mkdirSync(dirname(join(native, file)), { recursive: true });
      writeFileSync(join(native, file), "");
    }
    writeFileSync(join(scratch.path, "packed/package.json"), readRoot("package.json"));
    writeFileSync(join(scratch.path, "packed/.gitignore"), readRoot(".gitignore"));
    const output = run(join(scratch.path, "packed"), "npm", "pack", "--dry-run", "--json", "--ignore-scripts");
    const [{ files }] = JSON.parse(output) as [{ files: { path: string }[] }];
    expect(files.map(({ path }) => path).filter((path) => path.includes("native"))).toStrictEqual([
      "transports/libusb/native/prebuilds/linux-x64/node.glibc.node",
    ]);
  });

  it("names the libusb that is linked, with the licence that came with it", () => {
    const read = (file: string): string => readFileSync(join(root, "node_modules/usb", file), "utf8");
    const [major, minor, micro] = ["MAJOR", "MINOR", "MICRO"].map(
      (name) => new RegExp(`#define LIBUSB_${name} (\\d+)`).exec(read("libusb/libusb/version.h"))?.[1],
    );
    const { version } = JSON.parse(read("package.json")) as { version: string };
    const notice = readFileSync(join(unpacked, "transports/libusb/native/NOTICE.md"), "utf8");
    expect(notice).toContain(`**${major}.${minor}.${micro}**`);
    expect(notice).toContain(`**${version}**`);
    expect(notice).toContain(`npm install usb@${version}`);
    expect(readFileSync(join(unpacked, "transports/libusb/native/libusb-COPYING.txt"), "utf8")).toBe(
      read("libusb/COPYING"),
    );
  });

  it("ships every source that a map points to", () => {
    const maps = files.filter((file) => file.endsWith(".map"));
    expect(maps).not.toStrictEqual([]);
    const dangling = maps.flatMap((file) => {
      const { sources } = JSON.parse(readFileSync(join(unpacked, file), "utf8")) as { sources: string[] };
      return sources.filter((source) => !existsSync(join(unpacked, dirname(file), source)));
    });
    expect(dangling).toStrictEqual([]);
  });

  it("passes publint, strictly", async () => {
    const { messages, pkg } = await publint({ pkgDir: unpacked, pack: false, strict: true, level: "suggestion" });
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toStrictEqual([]);
  });

  it("resolves with its types everywhere ESM does", () => {
    const attw = join(root, "node_modules/.bin/attw");
    run(scratch.path, attw, tarball, "--profile", "esm-only", "--no-definitely-typed", "--no-emoji", "--no-color");
  });
});

/** The version of a package that is installed here. */
function versionOf(name: string): string {
  return (JSON.parse(readRoot(`node_modules/${name}/package.json`)) as { version: string }).version;
}

describe("a consumer outside the repository", () => {
  const consumer = join(scratch.path, "consumer");
  const write = (file: string, text: string): void => {
    writeFileSync(join(consumer, file), text);
  };
  const node = (code: string): string => run(consumer, "node", "--input-type=module", "--eval", code);

  beforeAll(() => {
    mkdirSync(consumer);
    write("package.json", JSON.stringify({ name: "consumer", private: true, type: "module" }));
    const installed = Object.values(peers).map((name) => `${name}@${versionOf(name)}`);
    const packages = [tarball, "rxjs@7.8.2", `typescript@${ts.version}`, "@types/node@20", ...installed];
    // How an addon gets there is the subject of installation.test.ts.
    const quietly = ["--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts"];
    run(consumer, "npm", "install", ...quietly, ...packages);
    write(
      "tsconfig.json",
      JSON.stringify({
        compilerOptions: {
          target: "es2022",
          module: "nodenext",
          strict: true,
          skipLibCheck: false,
          types: [],
          outDir: "out",
        },
        files: ["readme.ts", "entries.ts"],
      }),
    );
    const exported = (names: readonly string[]) =>
      names.map((name, i) => `export * as entry${i} from "${name}";\n`).join("");
    const names = entries.map(({ name }) => name);
    write("entries.ts", exported(names.filter((name) => !nodeEntries.includes(name))));
    write("node-entries.ts", exported(nodeEntries));
  });

  it("compiles and runs the first program of the README", () => {
    const [program] = markdownBlocks("README.md", readRoot("README.md"));
    if (!program) throw new Error("README.md has no TypeScript block");
    write("readme.ts", program.code);
    run(consumer, "npx", "--no-install", "tsc", "-p", ".");
    expect(run(consumer, "node", "out/readme.js").trim()).not.toBe("");
  });

  const compileForNode = (file: string): void => {
    const options = ["--module", "nodenext", "--target", "es2022", "--strict", "--types", "node", "--outDir", "out"];
    run(consumer, "npx", "--no-install", "tsc", "--ignoreConfig", ...options, file);
  };

  it("compiles the entries for Node, with Node's types", () => {
    compileForNode("node-entries.ts");
  });

  it.for(examples)("compiles and runs examples/%s", (example, { skip }) => {
    write(example, readRoot(`examples/${example}`));
    compileForNode(example);
    const program = needs[example];
    skip(program !== undefined && onPath(program) === undefined, `no ${program ?? ""} on PATH: not run`);
    expect(run(consumer, "node", `out/${example.replace(/\.ts$/, ".js")}`)).toMatch(
      printed[example] ?? /^an example says here what it prints$/,
    );
  });

  it.each(entries.map(({ name }) => name))("imports %s", (name) => {
    expect(node(`console.log(Object.keys(await import("${name}")).length > 0)`)).toBe("true\n");
  });

  it("has the command, which runs", () => {
    const { version } = JSON.parse(readRoot("package.json")) as { version: string };
    const command = (...args: string[]) => run(consumer, "npx", "--no-install", "rx-isoch", ...args);
    expect(command("--version")).toBe(`${version}\n`);
    expect(command("list", "--virtual", "counter")).toContain("IN  0x81");
    expect(JSON.parse(command("--duration", "0.2", "--json"))).toMatchObject({ end: "finished" });
    const captured = command("capture", "--output", "counters.raw", "--frames", "100", "--json");
    expect(JSON.parse(captured)).toMatchObject({ frames: 100, written: 307_200 });
    expect(JSON.parse(command("play", "counters.raw", "--json"))).toMatchObject({ frames: 100, bytes: 307_200 });
  });

  it.each(["dist/src/index.js", "src/index.ts", "dist/src/errors.js", "operators/compact", "operators/index.js"])(
    "cannot import rx-isoch/%s",
    (path) => {
      const code = `console.log(await import("rx-isoch/${path}").then(() => "imported", (error) => error.code))`;
      expect(node(code)).toBe("ERR_PACKAGE_PATH_NOT_EXPORTED\n");
    },
  );
});

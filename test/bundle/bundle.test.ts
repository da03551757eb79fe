import { join } from "node:path";
import { createContext, runInContext } from "node:vm";
import { gzipSync } from "node:zlib";
import { build, type BuildResult } from "esbuild";
import { describe, expect, it } from "vitest";
import { entries, root } from "../support/entries.js";

const page = ["rx-isoch", "rx-isoch/operators", "rx-isoch/transports/webusb"];
const exported = (names: readonly string[]) =>
  names.map((name, i) => `export * as entry${i} from "${name}";`).join("\n");
const everything = exported([
  ...page,
  "rx-isoch/operators/media",
  "rx-isoch/class/uac",
  "rx-isoch/operators/streams",
  "rx-isoch/class/uvc",
  "rx-isoch/transports/virtual",
  "rx-isoch/transports/replay",
  "rx-isoch/transports/usbip",
  "rx-isoch/transports/usbip/websocket",
]);

/**
 * What a page loads at most for the model, all operators and WebUSB, minified, beside rxjs, which it has
 * itself. It is a tenth above what it was when WebUSB came, so that growth is a decision and no accident; and
 * 27,000 bytes take an eighth of a second at 1.6 Mbit/s, which nobody notices before a camera starts.
 */
const budget = { bytes: 83_000, gzipped: 27_000 } as const;

type Bundle = BuildResult<{ write: false; metafile: true }>;

function bundle(contents: string, format: "esm" | "iife", external: string[] = []): Promise<Bundle> {
  return build({
    stdin: { contents, loader: "ts", resolveDir: join(root, "test/bundle") },
    alias: Object.fromEntries(entries.map(({ name, source }) => [name, join(root, source)])),
    platform: "browser",
    target: "es2022",
    bundle: true,
    minify: true,
    metafile: true,
    write: false,
    logLevel: "silent",
    format,
    external,
    ...(format === "iife" && { globalName: "smoke" }),
  });
}

const text = ({ outputFiles }: Bundle): string => outputFiles[0]?.text ?? "";
const size = (code: string): string => `${code.length} bytes, ${gzipSync(code).length} gzipped`;

describe("a browser bundle of the model, the operators, WebUSB, the virtual bus, captures and USB/IP", () => {
  it("pulls in nothing of Node", async () => {
    const result = await bundle(everything, "esm");
    const { inputs, outputs } = result.metafile;
    const foreign = Object.keys(inputs).filter(
      (file) =>
        !/^(<stdin>|(src(?!\/cli\/)|operators|transports\/(replay|virtual|webusb|usbip(?!\/((tcp|serve)\.|node\/)))|node_modules\/(rxjs|tslib))(\/|$))/.test(
          file,
        ),
    );
    expect(foreign).toStrictEqual([]);
    expect(Object.values(outputs).flatMap(({ imports }) => imports)).toStrictEqual([]);
    expect(text(result)).not.toMatch(/\brequire\s*\(|["']node:/);
  });

  it("has a size", async () => {
    const whole = text(await bundle(everything, "esm"));
    const own = text(await bundle(everything, "esm", ["rxjs", "rxjs/*"]));
    console.log(`bundle: ${size(whole)}; without rxjs: ${size(own)}`);
    expect(own.length).toBeGreaterThan(0);
    expect(own.length).toBeLessThan(whole.length);
  });

  it("of the model, the operators and WebUSB keeps to its budget", async () => {
    const whole = text(await bundle(exported(page), "esm"));
    const own = text(await bundle(exported(page), "esm", ["rxjs", "rxjs/*"]));
    console.log(`bundle for a page with WebUSB: ${size(whole)}; without rxjs: ${size(own)}`);
    expect(own.length).toBeLessThanOrEqual(budget.bytes);
    expect(gzipSync(own).length).toBeLessThanOrEqual(budget.gzipped);
  });

  it("streams frames with web globals only", async () => {
    const code = text(await bundle('export { run, runWebUsb } from "./smoke.js";', "iife"));
    const timers = { queueMicrotask, setTimeout, clearTimeout, setInterval, clearInterval };
    const web = { console, performance, DOMException, ...timers };
    for (const run of ["run", "runWebUsb"]) {
      const bytes: unknown = await runInContext(`${code}\nsmoke.${run}()`, createContext(web));
      expect(bytes).toBeGreaterThan(0);
    }
  });
});

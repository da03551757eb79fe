import { join } from "node:path";
import { createContext, runInContext } from "node:vm";
import { gzipSync } from "node:zlib";
import { build, type BuildResult } from "esbuild";
import { describe, expect, it } from "vitest";
import { entries, root } from "../support/entries.js";

const bundled = [
  "rx-isoch",
  "rx-isoch/operators",
  "rx-isoch/transports/virtual",
  "rx-isoch/transports/usbip",
  "rx-isoch/transports/usbip/websocket",
];
const everything = bundled.map((name, i) => `export * as entry${i} from "${name}";`).join("\n");

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

describe("a browser bundle of the model, the operators, the virtual bus and USB/IP", () => {
  it("pulls in nothing of Node", async () => {
    const result = await bundle(everything, "esm");
    const { inputs, outputs } = result.metafile;
    const foreign = Object.keys(inputs).filter(
      (file) =>
        !/^(<stdin>|(src(?!\/cli\/)|operators|transports\/(virtual|usbip(?!\/(tcp|serve|node\/)))|node_modules\/(rxjs|tslib))(\/|$))/.test(
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

  it("streams frames with web globals only", { timeout: 20_000 }, async () => {
    const code = text(await bundle('export { run } from "./smoke.js";', "iife"));
    const web = { console, performance, queueMicrotask, setTimeout, clearTimeout, setInterval, clearInterval };
    const bytes: unknown = await runInContext(`${code}\nsmoke.run()`, createContext(web));
    expect(bytes).toBeGreaterThan(0);
  });
});

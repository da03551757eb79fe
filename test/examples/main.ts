/**
 * Runs an example on the package as it is built, in the directory it is called from:
 * `npm run example webcam-to-file 046d:0825`.
 */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { root } from "../support/entries.js";

const [name = "", ...args] = process.argv.slice(2);
const examples = readdirSync(join(root, "examples"))
  .filter((file) => file.endsWith(".ts"))
  .map((file) => file.replace(/\.ts$/, ""));
if (!examples.includes(name)) {
  console.error(`npm run example <name> [arguments], of ${examples.join(", ")}`);
  process.exit(2);
}
const outfile = join(root, `.cache/built-examples/${name}.mjs`);
await build({
  entryPoints: [join(root, `examples/${name}.ts`)],
  outfile,
  packages: "external",
  platform: "node",
  format: "esm",
  bundle: true,
});
const { status } = spawnSync(process.execPath, [outfile, ...args], { cwd: process.env["INIT_CWD"], stdio: "inherit" });
process.exitCode = status ?? 1;

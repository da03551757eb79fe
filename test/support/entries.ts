import { readFileSync } from "node:fs";
import { join } from "node:path";

export const root = join(import.meta.dirname, "../..");

interface Manifest {
  readonly name: string;
  readonly exports: Readonly<Record<string, string | { readonly default: string }>>;
}

const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Manifest;

/** The names that programs import, each with the source it stands for, relative to the repository. */
export const entries: readonly { readonly name: string; readonly source: string }[] = Object.entries(
  manifest.exports,
).flatMap(([subpath, target]) =>
  typeof target === "string"
    ? []
    : [{ name: manifest.name + subpath.slice(1), source: target.default.replace(/^\.\/dist\/(.*)\.js$/, "$1.ts") }],
);

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** The checkout, by the package's own name: from a bundle in it too. */
export const root = dirname(createRequire(import.meta.url).resolve("rx-isoch/package.json"));

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

/** Entries that need an optional peer dependency, by which. */
export const peers: Readonly<Record<string, string>> = { "rx-isoch/angular": "@angular/core" };

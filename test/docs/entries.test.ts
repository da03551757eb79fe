import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { entries, root } from "../support/entries.js";

it("the API reference covers every entry of the package", () => {
  const typedoc = JSON.parse(readFileSync(join(root, "typedoc.json"), "utf8")) as { entryPoints: string[] };
  expect(typedoc.entryPoints.toSorted()).toStrictEqual(entries.map(({ source }) => source).toSorted());
});

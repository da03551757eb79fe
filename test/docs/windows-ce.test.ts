import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { describe, expect, it, vi } from "vitest";
import * as usbd from "../../src/usbd/index.js";
import { markdownBlocks } from "../support/code-blocks.js";
import { root } from "../support/entries.js";

const page = readFileSync(join(root, "docs/windows-ce.md"), "utf8");
const directory = join(root, "test/src/usbd");

/** The full names of the tests in a file: `suite > test`. */
function testsIn(file: string): string[] {
  const source = ts.createSourceFile(file, readFileSync(join(directory, file), "utf8"), ts.ScriptTarget.Latest, true);
  const names: string[] = [];
  const visit = (node: ts.Node, suite: string): void => {
    let inner = suite;
    if (ts.isCallExpression(node) && ts.isIdentifier(node.expression)) {
      const title = node.arguments[0];
      if (title !== undefined && ts.isStringLiteral(title)) {
        if (node.expression.text === "it") names.push(suite + title.text);
        if (node.expression.text === "describe") inner = `${suite}${title.text} > `;
      }
    }
    ts.forEachChild(node, (child) => {
      visit(child, inner);
    });
  };
  visit(source, "");
  return names;
}

const existing = new Map(
  readdirSync(directory)
    .filter((file) => file.endsWith(".test.ts"))
    .map((file) => [file, testsIn(file)]),
);
const rows = [...page.matchAll(/^\| *([^|]*?) *\| `([^`]+)` *\| (\S+\.test\.ts) *\|$/gm)].map(
  ([, , name = "", file = ""]) => ({ name, file }),
);

describe("Porting from Windows CE", () => {
  it("has a table row for every line that names a test file", () => {
    expect(rows.length).toBe(page.split("\n").filter((line) => line.includes(".test.ts")).length);
    expect(new Set(rows.map(({ file }) => file))).toStrictEqual(new Set(existing.keys()));
  });

  it.each(rows)("the test exists: $name", ({ name, file }) => {
    expect(existing.get(file)).toContain(name);
  });

  it("the driver runs as it stands", async () => {
    const port = join(root, ".cache/windows-ce/port.ts");
    mkdirSync(join(port, ".."), { recursive: true });
    writeFileSync(port, markdownBlocks("docs/windows-ce.md", page)[0]?.code ?? "");
    const log = vi.spyOn(console, "log").mockImplementation(() => undefined);
    try {
      await import(port);
      await vi.waitFor(
        () => {
          expect(log.mock.calls).toStrictEqual([[320, "good frames, the last", 32 * 1023, "bytes with error", 0]]);
        },
        { timeout: 3000 },
      );
    } finally {
      log.mockRestore();
    }
  });

  it("names every call, flag and error code of the entry", () => {
    const missing = Object.keys(usbd).filter((name) => !new RegExp(`\\b${name}\\b`).test(page));
    expect(missing).toStrictEqual([]);
  });
});

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { bareExamples, docCommentBlocks, markdownBlocks, type CodeBlock } from "../support/code-blocks.js";
import { compilerOptions } from "../support/compiler-options.js";
import { root } from "../support/entries.js";

const read = (file: string): string => readFileSync(join(root, file), "utf8");
const list = (extension: string, include: string[]): string[] =>
  ts.sys
    .readDirectory(root, [extension], undefined, include)
    .map((file) => relative(root, file))
    .toSorted();
const sources = list(".ts", ["src", "operators", "transports"]);
const pages = list(".md", ["*.md", "docs/*.md", "docs/decisions/*.md"]).filter((file) => file !== "CHANGELOG.md");
const blocks = [
  ...pages.flatMap((file) => markdownBlocks(file, read(file))),
  ...sources.flatMap((file) => docCommentBlocks(file, read(file))),
];

const place = ({ file, line }: CodeBlock): string => `${file}:${line}`;
const directory = join(root, ".cache/code-blocks");
const pathOf = (block: CodeBlock): string => join(directory, `${place(block).replace(/[/:]/g, "__")}.ts`);

/** The blocks import the package by its name, which the exports map and `outDir` lead back to the sources. */
function compile(): ts.Program {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  // Padded, so that a diagnostic names the line of the document.
  for (const block of blocks) writeFileSync(pathOf(block), "\n".repeat(block.line - 1) + block.code);
  return ts.createProgram(blocks.map(pathOf), compilerOptions());
}

describe("code blocks", () => {
  const program = compile();

  it.each(blocks.map((block) => [place(block), block] as const))("%s compiles", (_, block) => {
    const source = program.getSourceFile(pathOf(block));
    const problems = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(
      ({ messageText, start }) => {
        const line = (source?.getLineAndCharacterOfPosition(start ?? 0).line ?? 0) + 1;
        return `${block.file}:${line}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`;
      },
    );
    expect(problems).toStrictEqual([]);
  });

  it("every @example shows a fenced block", () => {
    expect(sources.flatMap((file) => bareExamples(file, read(file)).map((line) => `${file}:${line}`))).toStrictEqual(
      [],
    );
  });
});

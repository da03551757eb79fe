import MarkdownIt from "markdown-it";
import ts from "typescript";

/** A fenced TypeScript block; `line` is that of its first line of code, from 1. */
export interface CodeBlock {
  readonly file: string;
  readonly line: number;
  readonly code: string;
}

const markdown = new MarkdownIt();

function fences(text: string): { language: string; line: number; code: string }[] {
  return markdown
    .parse(text, {})
    .flatMap(({ type, info, map, content }) =>
      type === "fence" && map ? [{ language: info.trim().split(/\s/)[0] ?? "", line: map[0] + 2, code: content }] : [],
    );
}

/** The TypeScript blocks of a Markdown text. */
export function markdownBlocks(file: string, text: string): CodeBlock[] {
  return fences(text)
    .filter(({ language }) => ["ts", "typescript", "mts"].includes(language))
    .map(({ line, code }) => ({ file, line, code }));
}

/** The TypeScript blocks of the doc comments in a source text. */
export function docCommentBlocks(file: string, text: string): CodeBlock[] {
  return docComments(file, text).flatMap((comment) =>
    markdownBlocks(file, comment.text).map((block) => ({ ...block, line: block.line + comment.line })),
  );
}

/** The line of every `@example` in a source text that shows no fenced block. */
export function bareExamples(file: string, text: string): number[] {
  return docComments(file, text).flatMap((comment) => {
    const lines = comment.text.split("\n");
    const tags = lines.flatMap((line, at) => (/^@\w/.test(line) ? [at] : []));
    return tags.flatMap((at, i) =>
      lines[at]?.startsWith("@example") && fences(lines.slice(at, tags[i + 1]).join("\n")).length === 0
        ? [at + comment.line + 1]
        : [],
    );
  });
}

/** Each doc comment without its stars; `line` is that of its opening, from 0. */
function docComments(file: string, text: string): { line: number; text: string }[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const found = new Set<ts.JSDoc>();
  const visit = (node: ts.Node): void => {
    for (const doc of ts.getJSDocCommentsAndTags(node)) if (ts.isJSDoc(doc)) found.add(doc);
    for (const child of node.getChildren(source)) visit(child);
  };
  visit(source);
  return [...found].map((doc) => ({
    line: source.getLineAndCharacterOfPosition(doc.getStart(source)).line,
    text: doc
      .getText(source)
      .replace(/^\/\*\*|\*\/$/g, "")
      .split("\n")
      .map((line) => line.replace(/^\s*\* ?/, ""))
      .join("\n"),
  }));
}

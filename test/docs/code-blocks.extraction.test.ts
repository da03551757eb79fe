import { expect, it } from "vitest";
import { bareExamples, docCommentBlocks, markdownBlocks } from "../support/code-blocks.js";

it("takes TypeScript fences of Markdown, with the line of their code", () => {
  const text = [
    "# Title",
    "",
    "```sh",
    "npm i",
    "```",
    "",
    "```ts",
    "one();",
    "```",
    "- item",
    "  ```ts",
    "  two();",
    "  ```",
  ];
  expect(markdownBlocks("a.md", text.join("\n"))).toStrictEqual([
    { file: "a.md", line: 8, code: "one();\n" },
    { file: "a.md", line: 12, code: "two();\n" },
  ]);
});

const source = `import "rxjs";

/**
 * A class.
 *
 * @example
 * \`\`\`ts
 * one();
 *   indented();
 * \`\`\`
 */
export class A {
  /**
   * A method.
   * @example bare
   * @see nothing
   * @example
   * \`\`\`ts
   * two();
   * \`\`\`
   */
  method(): void {}
}
// \`\`\`ts
const text = "/** \`\`\`ts */";
`;

it("takes TypeScript fences of doc comments, with the line of their code", () => {
  expect(docCommentBlocks("a.ts", source)).toStrictEqual([
    { file: "a.ts", line: 8, code: "one();\n  indented();\n" },
    { file: "a.ts", line: 19, code: "two();\n" },
  ]);
});

it("finds an @example without a fence", () => {
  expect(bareExamples("a.ts", source)).toStrictEqual([15]);
});

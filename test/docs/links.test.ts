import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { root } from "../support/entries.js";

interface Manifest {
  readonly scripts: Readonly<Record<string, string>>;
}

const scripts = Object.keys((JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Manifest).scripts);
const markdownIn = (directory: string) =>
  readdirSync(join(root, directory))
    .filter((file) => file.endsWith(".md"))
    .map((file) => join(directory, file));
const guides = markdownIn("docs");
const pages = [
  ...markdownIn("."),
  ...guides,
  ...(existsSync(join(root, "docs/decisions")) ? markdownIn("docs/decisions") : []),
];
const text = (page: string) => readFileSync(join(root, page), "utf8");

/** Without what stands in fences and between backquotes. */
function prose(page: string): string {
  return text(page)
    .replace(/^ *```[^]*?^ *```/gm, "")
    .replace(/`[^`\n]*`/g, (code) => code.replaceAll(/[[\]()]/g, ""));
}

/** What a heading is linked to by, as GitHub has it. */
function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replaceAll(/[^\p{L}\p{N}\- ]/gu, "")
    .replaceAll(" ", "-");
}

function anchorsOf(page: string): Set<string> {
  return new Set(
    [
      ...text(page)
        .replace(/^ *```[^]*?^ *```/gm, "")
        .matchAll(/^#+ (.+)$/gm),
    ].map(([, heading = ""]) => anchor(heading)),
  );
}

describe.each(pages)("%s", (page) => {
  const links = [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, link = ""]) => link)
    .filter((link) => !/^https?:/.test(link));

  it("each link leads to something that is there", () => {
    const broken = links.filter((link) => {
      const [path = "", hash] = link.split("#");
      const target = path === "" ? page : relative(root, normalize(join(root, dirname(page), path)));
      if (!existsSync(join(root, target))) return true;
      return hash !== undefined && !anchorsOf(target).has(hash);
    });
    expect(broken).toStrictEqual([]);
  });

  it("each script of npm that it names is one", () => {
    const named = [...text(page).matchAll(/npm run (?:--silent )?([a-z][\w:-]*)/g)].map(([, name = ""]) => name);
    expect(named.filter((name) => !scripts.includes(name))).toStrictEqual([]);
  });
});

it("each guide is linked to from the README or from Getting started", () => {
  const first = text("README.md") + text("docs/getting-started.md").replaceAll("](", "](docs/");
  const unlinked = guides.filter((guide) => !first.includes(`(${guide}`));
  expect(unlinked).toStrictEqual([]);
});

it("each example is shown in a guide", () => {
  const examples = readdirSync(join(root, "examples")).filter(
    (file) => file.endsWith(".ts") || statSync(join(root, "examples", file)).isDirectory(),
  );
  const all = guides.map(text).join();
  expect(examples.filter((file) => !all.includes(`](../examples/${file})`))).toStrictEqual([]);
});

it("every picture is small", () => {
  for (const file of readdirSync(join(root, "docs")).filter((name) => /\.(png|jpg|svg)$/.test(name))) {
    expect([file, statSync(join(root, "docs", file)).size < 70_000]).toStrictEqual([file, true]);
  }
});

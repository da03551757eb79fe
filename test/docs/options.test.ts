import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { expect, it } from "vitest";
import { compilerOptions } from "../support/compiler-options.js";
import { entries, root } from "../support/entries.js";

const page = readFileSync(join(root, "docs/options.md"), "utf8");
const program = ts.createProgram(
  entries.map(({ source }) => join(root, source)),
  compilerOptions(),
);
const checker = program.getTypeChecker();

/** What the entries export, by `entry name`. */
const exported = new Map(
  entries.flatMap(({ name: entry, source }) => {
    const file = program.getSourceFile(join(root, source));
    const module = file && checker.getSymbolAtLocation(file);
    return module === undefined
      ? []
      : checker.getExportsOfModule(module).map((symbol) => [`${entry} ${symbol.name}`, symbol] as const);
  }),
);

/** The names of its properties: of a union, those of all its members. */
function properties(type: ts.Type): string[] {
  return type.isUnion() ? type.types.flatMap(properties) : checker.getPropertiesOfType(type).map(({ name }) => name);
}

/** The options of a type of this name, exported by that entry, or by any. */
function optionsOf(name: string, entry?: string): Set<string> {
  const symbols = [...exported].filter(([key]) =>
    entry === undefined ? key.endsWith(` ${name}`) : key === `${entry} ${name}`,
  );
  if (symbols.length === 0) throw new Error(`${entry ?? "no entry"} exports ${name}`);
  return new Set(
    symbols.flatMap(([, symbol]) => {
      const declared = (symbol.flags & ts.SymbolFlags.Alias) === 0 ? symbol : checker.getAliasedSymbol(symbol);
      return properties(checker.getDeclaredTypeOfSymbol(declared));
    }),
  );
}

/** Options that many calls share, and that have one table. */
const shared = ["QueueOptions", "DeviceSelector"];

/** Those that belong into the table of a heading: without the shared ones, where it is not theirs. */
function expected(types: readonly string[], entry: string | undefined): Set<string> {
  const options = new Set(types.flatMap((type) => [...optionsOf(type, entry)]));
  for (const name of shared.filter((each) => !types.includes(each))) {
    const common = optionsOf(name);
    if ([...common].every((option) => options.has(option))) for (const option of common) options.delete(option);
  }
  return options;
}

const sections = page
  .split(/^### /m)
  .slice(1)
  .map((section) => {
    const [heading = "", ...lines] = section.split("\n");
    const names = [...heading.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name);
    return {
      types: names.filter((name) => /^[A-Z]\w*$/.test(name)),
      entry: names.find((name) => name.startsWith("rx-isoch/")),
      rows: lines.flatMap((line) => /^\| `(\w+)`/.exec(line)?.slice(1) ?? []),
    };
  });

it.each(sections.map((section) => [section.types.join(", "), section] as const))(
  "%s: each option, and no other",
  (_, section) => {
    const { types, entry, rows } = section;
    expect(rows.toSorted()).toStrictEqual([...expected(types, entry)].toSorted());
  },
);

it("every type of options that a call takes is there", () => {
  // What makes an error is for those who write a transport; the two queues are QueueOptions.
  const others = ["IsochErrorOptions", "StrictQueueOptions", "DroppingQueueOptions", "WaitingOptions"];
  const names = [...exported.keys()].map((key) => key.split(" ")[1] ?? "");
  const missing = names.filter((name) => name.endsWith("Options") && !page.includes(`\`${name}\``));
  expect(missing.filter((name) => !others.includes(name))).toStrictEqual([]);
});

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { expect, it } from "vitest";
import { commands } from "../../src/cli/commands/index.js";
import { root } from "../support/entries.js";

const page = readFileSync(join(root, "docs/command-line.md"), "utf8");
const program = new Command();
for (const define of commands) define(program, () => undefined);

it.each(program.commands.map((command) => [command.name(), command] as const))(
  "the guide has %s, and its options",
  (name, command) => {
    expect(page).toContain(`\n## ${name}\n`);
    const options = command.options.map(({ long }) => long ?? "");
    expect(options.filter((option) => !new RegExp(`${option}(?![\\w-])`).test(page))).toStrictEqual([]);
  },
);

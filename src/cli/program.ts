import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Command, CommanderError } from "commander";
import { commands } from "./commands/index.js";
import { exitHelp, exitStatus, tell, UsageError } from "./outcome.js";
import { withCommand } from "./shortcuts.js";
import { leaveWithOutput } from "./terminal.js";

const hint = "--help shows the options.";

/** Runs a command line, and returns the exit status. */
export async function runProgram(args: readonly string[]): Promise<number> {
  let status: number = exitStatus.ok;
  const program = new Command("rx-isoch")
    .description("USB isochronous transfers: what there is, how it streams, and into files and back.")
    .version(version())
    .addHelpText("after", `\nWithout a command: watch; with --list: list.\n\n${exitHelp}`)
    .showHelpAfterError(hint)
    .exitOverride();
  for (const define of commands) {
    define(program, (told) => {
      status = told;
    });
  }
  try {
    await program.parseAsync(withCommand(args), { from: "user" });
    return status;
  } catch (error) {
    if (error instanceof CommanderError) {
      leaveWithOutput();
      return error.exitCode === 0 ? exitStatus.ok : exitStatus.usage;
    }
    if (!(error instanceof UsageError)) return tell(error);
    console.error(`error: ${error.message}\n${hint}`);
    return exitStatus.usage;
  }
}

/** By the package's own name: from sources, from `dist` and from a bundle alike. */
function version(): string {
  const manifest = createRequire(import.meta.url).resolve("rx-isoch/package.json");
  return (JSON.parse(readFileSync(manifest, "utf8")) as { readonly version: string }).version;
}

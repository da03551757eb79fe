import { Chalk, type ChalkInstance } from "chalk";
import { exitStatus } from "./outcome.js";

/** Ends without a word when whoever reads the output, `head` for one, has had enough. */
export function leaveQuietlyWithReader(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(exitStatus.ok);
  });
}

/** https://no-color.org; chalk looks at FORCE_COLOR only. */
export function chalkForOutput(): ChalkInstance {
  return process.env["NO_COLOR"] ? new Chalk({ level: 0 }) : new Chalk();
}

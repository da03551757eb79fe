import { Chalk, type ChalkInstance } from "chalk";
import { fromEvent, map, type Observable } from "rxjs";
import { fileError } from "./files/errors.js";
import { tell } from "./outcome.js";

/**
 * Emits the exit status to leave with once the output takes no more: without a word where whoever reads
 * it, `head` for one, has had enough.
 */
export function outputEnd(): Observable<number> {
  let status: number | undefined;
  return fromEvent(process.stdout, "error").pipe(
    map((error) => {
      status ??= tell(fileError(error, "standard output"));
      return status;
    }),
  );
}

/** Ends the program when its output does: for what leaves nothing open. */
export function leaveWithOutput(): void {
  outputEnd().subscribe({
    next: (status) => process.exit(status),
    // A bug, told as one.
    error: (error: unknown) => {
      throw error;
    },
  });
}

/** https://no-color.org; chalk looks at FORCE_COLOR only. */
export function chalkForOutput(): ChalkInstance {
  return process.env["NO_COLOR"] ? new Chalk({ level: 0 }) : new Chalk();
}

import { Chalk, chalkStderr, type ChalkInstance } from "chalk";
import { fromEvent, map, type Observable } from "rxjs";
import { fileSystemError } from "./files/errors.js";
import { exitStatus, tell } from "./outcome.js";

/**
 * Emits the exit status to leave with once the output takes no more: without a word where whoever reads
 * it, `head` for one, has had enough.
 */
export function outputEnd(): Observable<number> {
  let status: number | undefined;
  return fromEvent(process.stdout, "error").pipe(
    map((error) => {
      status ??= failedWith(tell(fileSystemError(error, "standard output")));
      return status;
    }),
  );
}

/** The last lines of a command may fail when it has ended, and well: then, too, that is how the program ends. */
function failedWith(status: number): number {
  process.once("exit", (code) => {
    if (code === exitStatus.ok) process.exitCode = status;
  });
  return status;
}

/** Ends the program when its output does: for what opens nothing. */
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
export function chalkFor(stream: NodeJS.WriteStream): ChalkInstance {
  if (process.env["NO_COLOR"]) return new Chalk({ level: 0 });
  return stream === process.stderr ? new Chalk({ level: chalkStderr.level }) : new Chalk();
}

/** A terminal as log-update wants one: it takes one that says that it has no columns at its word. */
export function sizedTerminal(stream: NodeJS.WriteStream): NodeJS.WritableStream {
  const terminal = {
    isTTY: stream.isTTY,
    get columns() {
      return terminalSize(stream).columns;
    },
    get rows() {
      return terminalSize(stream).rows;
    },
    write: (text: string) => stream.write(text),
  };
  return terminal as unknown as NodeJS.WritableStream;
}

/** How large a terminal is; a serial line and a container may not know. */
export function terminalSize({ columns, rows }: Partial<Pick<NodeJS.WriteStream, "columns" | "rows">>): {
  readonly columns: number;
  readonly rows: number;
} {
  return { columns: columns || 80, rows: rows || 24 };
}

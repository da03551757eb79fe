import { FileError, IsochError } from "../index.js";
import { FileSystemError } from "./files/errors.js";

/** What the program tells its caller. */
export const exitStatus = {
  ok: 0,
  failed: 1,
  usage: 2,
  file: 3,
  hungUp: 129,
  interrupted: 130,
  terminated: 143,
} as const;

/** The exit statuses, for the help text. */
export const exitHelp = `Exit status:
    0  done; also where whoever read the output left early
    1  the device, the bus or the connection failed, or numbers do not add up
    2  the command line cannot mean anything
    3  a file could not be read or written
  129  the terminal was closed: what had come is kept, the device is closed
  130  the same at a Ctrl-C
  143  the same at a SIGTERM`;

/** A command line that cannot mean anything, as only its command can tell. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** What is told of an error: that of the file where one is behind it. `undefined` for a bug, and for none. */
export function toldError(error: unknown): IsochError | FileSystemError | undefined {
  return FileSystemError.find(error) ?? (IsochError.is(error) ? error : undefined);
}

/** Says what went wrong to whoever runs the program, and returns the exit status. Rethrows what is a bug. */
export function tell(error: unknown): number {
  const told = toldError(error);
  if (told === undefined) throw error;
  if (told.code === "reader-gone") return exitStatus.ok;
  console.error(`rx-isoch: ${told.code}: ${told.message}`);
  return told instanceof FileSystemError || FileError.is(told) ? exitStatus.file : exitStatus.failed;
}

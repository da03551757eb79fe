import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Where a program is, as a shell would find it. */
export function onPath(program: string): string | undefined {
  const directories = (process.env["PATH"] ?? "").split(delimiter);
  return directories.map((directory) => join(directory, program)).find((path) => existsSync(path));
}

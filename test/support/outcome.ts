import type { IsochResults } from "../../src/index.js";

/** Results in a few words: `4: 2 of 4 cancelled`, `9: 1 of 1 ok, 5 lost`. */
export function outcome({ firstFrame, served, length, error, lost }: IsochResults): string {
  return `${firstFrame}: ${served} of ${length} ${error}${lost === 0 ? "" : `, ${lost} lost`}`;
}

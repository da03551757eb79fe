import { formatOf } from "../files/format-of.js";
import type { PlayFormat } from "./format.js";
import { raw } from "./raw.js";
import { wav } from "./wav.js";

/** The formats there are. A further one is an entry here, and a file beside this one. */
export const playFormats: readonly PlayFormat[] = [raw, wav];

/**
 * The format of a file: the one that is named, or that of its name, or raw.
 *
 * @throws UsageError
 */
export function playFormat(name: string | undefined, path: string): PlayFormat {
  return formatOf(playFormats, raw, name, path);
}

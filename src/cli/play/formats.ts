import { extname } from "node:path";
import type { PlayFormat } from "./format.js";
import { raw } from "./raw.js";
import { wav } from "./wav.js";

/** The formats there are. A further one is an entry here, and a file beside this one. */
export const playFormats: readonly PlayFormat[] = [raw, wav];

/** The format of a file: the one that is named, or that of its name, or raw. */
export function playFormat(name: string | undefined, path: string): PlayFormat {
  const extension = extname(path).slice(1).toLowerCase();
  const isMeant = (format: PlayFormat): boolean =>
    name === undefined ? format.extensions.includes(extension) : format.name === name;
  return playFormats.find(isMeant) ?? raw;
}

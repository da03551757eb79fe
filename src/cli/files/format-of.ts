import { extname } from "node:path";
import { UsageError } from "../outcome.js";

/** How a format of files is known. */
export interface KnownFormat {
  /** What `--format` calls it. */
  readonly name: string;
  /** How the names of its files end, without the dot. */
  readonly extensions: readonly string[];
}

/**
 * The format that is named, or that of the name of the file, or, where that says nothing, `plain`.
 *
 * @throws UsageError for a name that promises what there is not
 */
export function formatOf<F extends KnownFormat>(
  formats: readonly F[],
  plain: F,
  name: string | undefined,
  path: string,
): F {
  const extension = extname(path).slice(1).toLowerCase();
  if (name === undefined && extension === "") return plain;
  const meant = formats.find((format) =>
    name === undefined ? format.extensions.includes(extension) : format.name === name,
  );
  if (meant !== undefined) return meant;
  const known = formats.map((format) => format.name).join(", ");
  throw new UsageError(
    `there is no format for .${extension} files: choose one by --format (${known}), or another name`,
  );
}

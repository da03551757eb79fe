/** What can be wrong with a file. */
export type FileErrorCode =
  | "file-exists"
  | "no-such-file"
  | "access-denied"
  | "no-space"
  | "bad-file"
  /** Whoever read it has gone, which is no failure: `head` does so. */
  | "reader-gone"
  | "file-failed";

/** A file that cannot be read or written. The message is for people and says what to do. */
export class FileError extends Error {
  override readonly name = "FileError";
  readonly code: FileErrorCode;

  constructor(code: FileErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }

  /** An error of this class: itself, or the one behind it. */
  static find(error: unknown): FileError | undefined {
    if (error instanceof FileError) return error;
    return error instanceof Error && error.cause instanceof FileError ? error.cause : undefined;
  }
}

/** What Node calls the failures that people can do something about. */
const known: Readonly<Record<string, readonly [code: FileErrorCode, advice: string]>> = {
  EEXIST: ["file-exists", "it is there already: choose another name, or say --force"],
  ENOENT: ["no-such-file", "there is no such file or directory"],
  ENOTDIR: ["no-such-file", "a part of the path is no directory"],
  EACCES: ["access-denied", "the system does not permit it: see who owns the file and its directory"],
  EPERM: ["access-denied", "the system does not permit it: see who owns the file and its directory"],
  EROFS: ["access-denied", "the file system can only be read: choose another place"],
  ENOSPC: ["no-space", "there is no space left: free some, or choose another place"],
  EDQUOT: ["no-space", "the quota is used up: free some, or choose another place"],
  EFBIG: ["no-space", "the file system takes no file as long as that: choose another place"],
  EISDIR: ["bad-file", "it is a directory: name a file"],
  EPIPE: ["reader-gone", "nobody reads it any more"],
};

/** What Node said of a file, as one of ours. */
export function fileError(error: unknown, path: string): FileError {
  const found = FileError.find(error);
  if (found !== undefined) return found;
  const { code, message } = error instanceof Error ? (error as NodeJS.ErrnoException) : { message: String(error) };
  const [ours, advice] = known[code ?? ""] ?? (["file-failed", message] as const);
  return new FileError(ours, `${path}: ${advice}`, error);
}

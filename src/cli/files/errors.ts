/** Why the system does not read or write a file. */
export type FileSystemErrorCode =
  | "file-exists"
  | "no-such-file"
  | "access-denied"
  | "no-space"
  | "not-a-file"
  /** Whoever read it has gone, which is no failure: `head` does so. */
  | "reader-gone"
  | "file-failed";

/**
 * A file that the system does not read or write, where `FileError` of the model is about what is in one. The message
 * is for people and says what to do.
 */
export class FileSystemError extends Error {
  override readonly name = "FileSystemError";
  readonly code: FileSystemErrorCode;

  constructor(code: FileSystemErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }

  /** An error of this class: itself, or the one behind it. */
  static find(error: unknown): FileSystemError | undefined {
    if (error instanceof FileSystemError) return error;
    return error instanceof Error && error.cause instanceof FileSystemError ? error.cause : undefined;
  }
}

/** What Node calls the failures that people can do something about. */
const known: Readonly<Record<string, readonly [code: FileSystemErrorCode, advice: string]>> = {
  EEXIST: ["file-exists", "it is there already: choose another name, or say --force"],
  ENOENT: ["no-such-file", "there is no such file or directory"],
  ENOTDIR: ["no-such-file", "a part of the path is no directory"],
  EACCES: ["access-denied", "the system does not permit it: see who owns the file and its directory"],
  EPERM: ["access-denied", "the system does not permit it: see who owns the file and its directory"],
  EROFS: ["access-denied", "the file system can only be read: choose another place"],
  ENOSPC: ["no-space", "there is no space left: free some, or choose another place"],
  EDQUOT: ["no-space", "the quota is used up: free some, or choose another place"],
  EFBIG: ["no-space", "the file system takes no file as long as that: choose another place"],
  EISDIR: ["not-a-file", "it is a directory: name a file"],
  EPIPE: ["reader-gone", "nobody reads it any more"],
};

/** What Node said of a file, as one of ours. */
export function fileSystemError(error: unknown, path: string): FileSystemError {
  const found = FileSystemError.find(error);
  if (found !== undefined) return found;
  const { code, message } = error instanceof Error ? (error as NodeJS.ErrnoException) : { message: String(error) };
  const [ours, advice] = known[code ?? ""] ?? (["file-failed", message] as const);
  return new FileSystemError(ours, `${path}: ${advice}`, error);
}

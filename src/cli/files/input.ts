import { open, type FileHandle } from "node:fs/promises";
import type { Readable } from "node:stream";
import { FileSystemError, fileSystemError } from "./errors.js";
import { isNamedPipe, readNamedPipe } from "./named-pipe.js";

/** A file that is read piece by piece, as fast as somebody takes them. */
export interface Input {
  readonly path: string;
  /** Bytes; `undefined` where that is known at the end only. */
  readonly size: number | undefined;
  /** What is in it, from where it was left. Errors with a {@link FileSystemError}. */
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Reads no more, also where somebody waits for bytes that have not come. Idempotent. */
  close(): void;
}

/** Opens a file to be read; `-` is the standard input. Rejects with a {@link FileSystemError}. */
export async function openInput(path: string): Promise<Input> {
  if (path === "-") return inputOf("standard input", undefined, process.stdin);
  let handle: FileHandle | undefined;
  try {
    if (await isNamedPipe(path)) return inputOf(path, undefined, await readNamedPipe(path));
    handle = await open(path, "r");
    const stats = await handle.stat();
    if (stats.isDirectory()) throw new FileSystemError("not-a-file", `${path}: it is a directory: name a file`);
    const size = stats.isFile() ? stats.size : undefined;
    return inputOf(path, size, handle.createReadStream({ highWaterMark: 2 ** 18 }));
  } catch (error) {
    await handle?.close().catch(() => undefined);
    throw fileSystemError(error, path);
  }
}

function inputOf(path: string, size: number | undefined, stream: Readable): Input {
  // Whoever closes it has no use for an error any more.
  stream.on("error", () => undefined);
  return {
    path,
    size,
    bytes: told(path, stream),
    close: () => {
      stream.destroy();
    },
  };
}

/** The bytes of a stream, whose failure is told as that of the file. */
export async function* told(path: string, stream: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
  try {
    for await (const bytes of stream) yield bytes as Uint8Array;
  } catch (error) {
    throw fileSystemError(error, path);
  }
}

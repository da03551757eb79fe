import { open, rm, stat, type FileHandle } from "node:fs/promises";
import type { Writable } from "node:stream";

/** Bytes that follow what was written before, or such as replace some of that: a header with its final numbers. */
export type FilePiece = Uint8Array | { readonly at: number; readonly bytes: Uint8Array };

/** A piece that does not follow the others. */
export function isReplacement(piece: FilePiece): piece is Exclude<FilePiece, Uint8Array> {
  return !(piece instanceof Uint8Array);
}

/** What the pieces of an output end up in. */
export interface Sink {
  write(piece: FilePiece): Promise<void>;
  close(): Promise<void>;
  /** Closes where nothing was written, and leaves what was there before: no file, or an old one. */
  discard(): Promise<void>;
}

/** A file. One that is there is left alone without `force`. */
export async function fileSink(path: string, force: boolean): Promise<Sink> {
  let isNew = true;
  let isOld = false;
  let handle: FileHandle;
  try {
    handle = await open(path, "wx");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    // What is no file, a terminal or a pipe for one, has nothing to lose.
    isOld = (await stat(path)).isFile();
    if (isOld && !force) throw error;
    isNew = false;
    handle = await open(path, isOld ? "r+" : "w");
  }
  const replaceOld = async () => {
    if (isOld) await handle.truncate(0);
    isOld = false;
  };
  return {
    write: async (piece) => {
      await replaceOld();
      await (piece instanceof Uint8Array ? writeAll(handle, piece, null) : writeAll(handle, piece.bytes, piece.at));
    },
    close: async () => {
      try {
        await replaceOld();
      } finally {
        await handle.close();
      }
    },
    discard: async () => {
      await handle.close();
      if (isNew) await rm(path, { force: true });
    },
  };
}

/** The system may take a part, and say only then why it does not take the rest. */
async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number | null): Promise<void> {
  for (let offset = 0; offset < bytes.length;) {
    const at = position === null ? null : position + offset;
    const { bytesWritten } = await handle.write(bytes, offset, bytes.length - offset, at);
    offset += bytesWritten;
  }
}

/** The standard output, or a pipe. */
export function streamSink(stream: Writable, end: () => unknown): Sink {
  const close = () => Promise.resolve(void end());
  return {
    write: (piece) =>
      new Promise((resolve, reject) => {
        if (isReplacement(piece)) throw new Error("what went into a pipe cannot be changed");
        stream.write(piece, (error) => {
          if (error) reject(error);
          else resolve();
        });
      }),
    close,
    discard: close,
  };
}

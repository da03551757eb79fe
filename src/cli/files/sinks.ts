import { open, rm, stat, type FileHandle } from "node:fs/promises";
import type { Writable } from "node:stream";
import type { FileEnding } from "../../../operators/node/file-layout.js";
import { GrowingFile } from "../../../operators/node/growing-file.js";

/** What the pieces of an output end up in. */
export interface Sink {
  /** Bytes that are in it. Of a piece that failed in the middle, a file counts the part that it took, a pipe nothing. */
  readonly written: number;
  write(bytes: Uint8Array): Promise<void>;
  /** Finishes what was written; also after a write that failed. Only what can be changed has it. */
  finish?(ending: FileEnding): Promise<unknown>;
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
  const file = new GrowingFile(handle);
  return {
    get written() {
      return file.length;
    },
    write: async (bytes) => {
      await replaceOld();
      await file.append(bytes);
    },
    finish: (ending) => file.finish(ending),
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

/** The standard output, or a pipe. */
export function streamSink(stream: Writable, end: () => unknown): Sink {
  const close = () => Promise.resolve(void end());
  let written = 0;
  return {
    get written() {
      return written;
    },
    write: (bytes) =>
      new Promise((resolve, reject) => {
        stream.write(bytes, (error) => {
          if (error) {
            reject(error);
            return;
          }
          written += bytes.length;
          resolve();
        });
      }),
    close,
    discard: close,
  };
}

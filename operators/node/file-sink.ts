import { open, type FileHandle } from "node:fs/promises";
import type { Sink } from "../../src/sink.js";

/**
 * What a file of some format is made of.
 * @internal
 */
export interface FileLayout<T, R> {
  /** The bytes to append for a value. */
  readonly add: (value: T) => readonly Uint8Array[];
  /** What comes at the end, and what then replaces the beginning. */
  readonly finish: () => { readonly tail: readonly Uint8Array[]; readonly head: Uint8Array; readonly summary: R };
}

/**
 * A file as a sink: written front to back, with a beginning that is written again at the end. However
 * the stream ends, the file is finished, and holds what had come.
 *
 * @internal
 */
export async function fileSink<T, R>(path: string, layout: FileLayout<T, R>): Promise<Sink<T, R>> {
  const file = await open(path, "w");
  let length = 0;
  let written = Promise.resolve();
  let finished: Promise<R> | undefined;
  const append = async (pieces: readonly Uint8Array[]) => {
    const places = pieces.map((piece) => [piece, (length += piece.length) - piece.length] as const);
    // One that fails leaves a hole, as the layout counts it.
    for (const [piece, at] of places) await writeWhole(file, piece, at);
  };
  const finish = async () => {
    try {
      // What failed has been told of.
      await written.catch(() => undefined);
      const { tail, head, summary } = layout.finish();
      try {
        await append(tail);
      } finally {
        // It has its room already: also where the disk is full, the file says what is in it.
        await writeWhole(file, head, 0);
      }
      return summary;
    } finally {
      await file.close();
    }
  };
  return {
    write: (value) => {
      written = append(layout.add(value));
      return written;
    },
    close: () => (finished ??= finish()),
    abort: async () => {
      await (finished ??= finish());
    },
  };
}

async function writeWhole(file: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written, at + written);
    written += bytesWritten;
  }
}

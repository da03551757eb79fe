import { open } from "node:fs/promises";
import type { Sink } from "../../src/sink.js";
import { portions, type FileBytes } from "./file-bytes.js";
import type { FileLayout } from "./file-layout.js";
import { GrowingFile } from "./growing-file.js";

/**
 * A file as a sink: written front to back, with a beginning that is written again at the end. However
 * the stream ends, the file is finished, and holds what had come, as far as there was room.
 *
 * @internal
 */
export async function fileSink<T, R>(path: string, layout: FileLayout<T, R>): Promise<Sink<T, R>> {
  const handle = await open(path, "w");
  const file = new GrowingFile(handle);
  let written = Promise.resolve();
  let finished: Promise<R> | undefined;
  const append = async (pieces: readonly FileBytes[]) => {
    for (const piece of pieces) for (const bytes of portions(piece)) await file.append(bytes);
  };
  const finish = async () => {
    try {
      // What failed has been told of.
      await written.catch(() => undefined);
      return await file.finish(layout);
    } finally {
      await handle.close();
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

import { open, rm } from "node:fs/promises";
import { extname } from "node:path";
import { GrowingFile } from "../../../operators/node/growing-file.js";
import { fileSystemError } from "./errors.js";
import { Output } from "./output.js";

/** A file for each piece that is written: `still-0001.png`, `still-0002.png` … */
export function openSeries(path: string, { force }: { readonly force: boolean }): Output {
  const extension = extname(path);
  const stem = path.slice(0, path.length - extension.length);
  let count = 0;
  let written = 0;
  const name = (number: number) => `${stem}-${String(number).padStart(4, "0")}${extension}`;
  return new Output(`${name(1)} …`, {
    get written() {
      return written;
    },
    write: async (bytes) => {
      const each = name(++count);
      try {
        await writeWhole(each, force ? "w" : "wx", bytes);
        written += bytes.length;
      } catch (error) {
        throw fileSystemError(error, each);
      }
    },
    close: () => Promise.resolve(),
    discard: () => Promise.resolve(),
  });
}

/** Writes a file; rather none than a part of one. */
async function writeWhole(path: string, flags: "w" | "wx", bytes: Uint8Array): Promise<void> {
  const handle = await open(path, flags);
  try {
    try {
      await new GrowingFile(handle).append(bytes);
    } finally {
      await handle.close();
    }
  } catch (error) {
    await rm(path, { force: true }).catch(() => undefined);
    throw error;
  }
}

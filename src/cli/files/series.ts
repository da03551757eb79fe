import { open } from "node:fs/promises";
import { extname } from "node:path";
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
        const file = await open(each, force ? "w" : "wx");
        try {
          await file.writeFile(bytes);
          written += bytes.length;
        } finally {
          await file.close();
        }
      } catch (error) {
        throw fileSystemError(error, each);
      }
    },
    close: () => Promise.resolve(),
    discard: () => Promise.resolve(),
  });
}

import { extname } from "node:path";
import { avi } from "./avi.js";
import type { CaptureFormat } from "./format.js";
import { mjpeg } from "./mjpeg.js";
import { pcapng } from "./pcapng.js";
import { png } from "./png.js";
import { raw } from "./raw.js";
import { wav } from "./wav.js";

/** The formats there are. A further one is an entry here, and a file beside this one. */
export const captureFormats: readonly CaptureFormat[] = [raw, pcapng, avi, mjpeg, png, wav];

/** The format that a file is to have: the one that is named, or that of its name, or raw. */
export function captureFormat(name: string | undefined, path: string): CaptureFormat {
  const extension = extname(path).slice(1).toLowerCase();
  const isMeant = (format: CaptureFormat): boolean =>
    name === undefined ? format.extensions.includes(extension) : format.name === name;
  return captureFormats.find(isMeant) ?? raw;
}

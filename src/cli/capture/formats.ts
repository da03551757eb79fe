import { formatOf } from "../files/format-of.js";
import { avi } from "./avi.js";
import type { CaptureFormat } from "./format.js";
import { mjpeg } from "./mjpeg.js";
import { pcapng } from "./pcapng.js";
import { png } from "./png.js";
import { raw } from "./raw.js";
import { wav } from "./wav.js";

/** The formats there are. A further one is an entry here, and a file beside this one. */
export const captureFormats: readonly CaptureFormat[] = [raw, pcapng, avi, mjpeg, png, wav];

/**
 * The format of a file: the one that is named, or that of its name, or raw.
 *
 * @throws UsageError
 */
export function captureFormat(name: string | undefined, path: string): CaptureFormat {
  return formatOf(captureFormats, raw, name, path);
}

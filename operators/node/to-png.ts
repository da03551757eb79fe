import { encode } from "fast-png";
import { map, type OperatorFunction } from "rxjs";
import type { CameraPicture } from "../../src/picture.js";
import { toRgb } from "./rgb.js";

/**
 * Turns each uncompressed picture, YUY2 or NV12, into the bytes of a PNG file, which are the receiver's.
 * It takes tens of milliseconds for a picture, on the thread it runs on: for stills, not for films. A
 * picture of MJPEG is a JPEG file already: see {@link jpegFile}.
 *
 * Errors: `InvalidRequestError` `invalid-option` for another format, `length-mismatch` for a
 * picture that came short.
 *
 * @example
 * ```ts
 * import { toPng, type CameraPicture } from "rx-isoch/operators/node";
 * import { writeFile } from "node:fs/promises";
 * import { concatMap, take, type Observable } from "rxjs";
 *
 * export const still = (camera: Observable<CameraPicture>) =>
 *   camera.pipe(
 *     take(1),
 *     toPng(),
 *     concatMap((png) => writeFile("still.png", png)),
 *   );
 * ```
 */
export function toPng(): OperatorFunction<CameraPicture, Uint8Array> {
  return map((picture) => {
    const { width, height } = picture;
    return encode({ width, height, data: toRgb(picture), channels: 3 });
  });
}

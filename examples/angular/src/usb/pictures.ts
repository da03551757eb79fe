import type { IsochResults } from "rx-isoch";
import { Observable, type OperatorFunction } from "rxjs";
import { endOfPicture, headerSize, pictureId, pictureSize } from "./protocol.js";

/** Puts the packets of the camera together: the bytes of each picture that came whole, in YUY2. */
export function pictures(): OperatorFunction<IsochResults, Uint8Array> {
  return (source) =>
    new Observable((subscriber) => {
      let picture = new Uint8Array(pictureSize);
      let filled = 0;
      let id = -1;
      return source.subscribe({
        next: ({ data, actual, served }) => {
          for (let i = 0, offset = 0; i < served; offset += actual[i++] ?? 0) {
            const length = (actual[i] ?? 0) - headerSize;
            if (length < 0) continue;
            const flags = data[offset + 1] ?? 0;
            if ((flags & pictureId) !== id) {
              id = flags & pictureId;
              filled = 0;
            }
            const start = offset + headerSize;
            if (filled + length <= pictureSize) picture.set(data.subarray(start, start + length), filled);
            filled += length;
            if ((flags & endOfPicture) !== 0 && filled === pictureSize) {
              subscriber.next(picture);
              picture = new Uint8Array(pictureSize);
            }
          }
        },
        error: (error: unknown) => subscriber.error(error),
        complete: () => subscriber.complete(),
      });
    });
}

/** YUY2 as the RGBA of a canvas (ITU-R BT.601). */
export function toRgba(picture: Uint8Array, rgba: Uint8ClampedArray): void {
  for (let i = 0; i < picture.length; i += 4) {
    const u = (picture[i + 1] ?? 0) - 128;
    const v = (picture[i + 3] ?? 0) - 128;
    for (let pixel = 0; pixel < 2; pixel++) {
      const y = 1.164 * ((picture[i + 2 * pixel] ?? 0) - 16);
      const at = 2 * i + 4 * pixel;
      rgba[at] = y + 1.596 * v;
      rgba[at + 1] = y - 0.391 * u - 0.813 * v;
      rgba[at + 2] = y + 2.018 * u;
      rgba[at + 3] = 255;
    }
  }
}

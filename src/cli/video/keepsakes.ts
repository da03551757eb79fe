import { writeFile } from "node:fs/promises";
import { firstValueFrom, of, Subject } from "rxjs";
import { toAvi, toPng } from "../../../operators/node/index.js";
import type { VideoFrame } from "../../class/uvc/index.js";
import { fileError } from "../files/errors.js";
import { rawFormats } from "./choose-picture.js";

/** What a watch of a camera leaves: in the current directory, over what an earlier one has left. */
export const keepsakeFiles = { still: "rx-isoch-camera.png", clip: "rx-isoch-camera.avi" } as const;

/** Microseconds of a clip. */
const clipLength = 2_000_000;

/** Takes the pictures of a stream, and makes files of some. */
export interface Keepsakes {
  take(picture: VideoFrame): void;
  /** Finishes the files, and says which there are. Rejects with a `FileError`. */
  finish(): Promise<readonly string[]>;
}

/** A still picture, the first, and a clip of the first two seconds. */
export function keepsakes({
  still,
  clip,
}: { readonly still: string; readonly clip: string } = keepsakeFiles): Keepsakes {
  let first: VideoFrame | undefined;
  let pictures: Subject<VideoFrame> | undefined;
  let written: Promise<unknown> = Promise.resolve();
  return {
    take: (picture) => {
      if (first === undefined) {
        first = picture;
        pictures = new Subject();
        // A disk that is slow costs pictures of the clip, not of the stream.
        const queue = { queue: 64, overflow: "drop-newest", lost: () => undefined } as const;
        written = firstValueFrom(pictures.pipe(toAvi(clip, queue)), { defaultValue: undefined });
        // Told of at the end.
        written.catch(() => undefined);
      }
      if (picture.timestamp - first.timestamp < clipLength) pictures?.next(picture);
      else pictures?.complete();
    },
    finish: async () => {
      if (first === undefined) return [];
      pictures?.complete();
      await written.catch((error: unknown) => {
        throw fileError(error, clip);
      });
      const { format } = first;
      if (!rawFormats.some((each) => each === format)) return [clip];
      const png = await firstValueFrom(of(first).pipe(toPng()));
      await writeFile(still, png).catch((error: unknown) => {
        throw fileError(error, still);
      });
      return [still, clip];
    },
  };
}

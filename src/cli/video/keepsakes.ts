import { writeFile } from "node:fs/promises";
import { concatMap, firstValueFrom, lastValueFrom, of, Subject } from "rxjs";
import { toAvi, toPng } from "../../../operators/node/index.js";
import type { VideoFrame } from "../../class/uvc/index.js";
import { fileSystemError } from "../files/errors.js";
import { rawFormats } from "./choose-picture.js";

/** What a watch of a camera leaves: in the current directory, over what an earlier one has left. */
export const keepsakeFiles = { still: "rx-isoch-camera.png", clip: "rx-isoch-camera.avi" } as const;

/** Microseconds of a clip. */
const clipLength = 2_000_000;

/** Takes the pictures of a stream, and makes files of some. */
export interface Keepsakes {
  readonly take: (picture: VideoFrame) => void;
  /** Finishes the files, and says which there are. Rejects with a `FileSystemError`. */
  readonly finish: () => Promise<KeptFiles>;
}

/** What was kept. */
export interface KeptFiles {
  readonly files: readonly string[];
  /** Pictures that the clip lacks, as the disk was too slow. */
  readonly missing: number;
}

/** A still picture, the first, and a clip of the first two seconds. */
export function keepsakes({
  still,
  clip,
}: { readonly still: string; readonly clip: string } = keepsakeFiles): Keepsakes {
  let first: VideoFrame | undefined;
  let pictures: Subject<VideoFrame> | undefined;
  let written: Promise<unknown> = Promise.resolve();
  let missing = 0;
  return {
    take: (picture) => {
      if (first === undefined) {
        first = picture;
        pictures = new Subject();
        // A disk that is slow costs pictures of the clip, not of the stream.
        const lost = () => {
          missing++;
        };
        const queue = { queue: 64, overflow: "drop-newest", lost } as const;
        written = firstValueFrom(pictures.pipe(toAvi(clip, queue)), { defaultValue: undefined });
        // Told of at the end.
        written.catch(() => undefined);
      }
      if (picture.timestamp - first.timestamp < clipLength) pictures?.next(picture);
      else pictures?.complete();
    },
    finish: async () => {
      if (first === undefined) return { files: [], missing };
      pictures?.complete();
      await written.catch((error: unknown) => {
        throw fileSystemError(error, clip);
      });
      const { format } = first;
      if (!rawFormats.some((each) => each === format)) return { files: [clip], missing };
      const saved = of(first).pipe(
        toPng(),
        concatMap((png) => writeFile(still, png)),
      );
      await lastValueFrom(saved, { defaultValue: undefined }).catch((error: unknown) => {
        throw fileSystemError(error, still);
      });
      return { files: [still, clip], missing };
    },
  };
}

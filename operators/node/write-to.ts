import { finished, type Writable } from "node:stream";
import type { OperatorFunction } from "rxjs";
import { InvalidRequestError, type QueueOptions } from "../../src/index.js";
import { writeAll } from "../../src/sink.js";
import { roomIn } from "./room.js";

/** How {@link writeTo} writes. */
export type WriteOptions<T> = QueueOptions<T> & {
  /** Whether the Writable is ended, or destroyed, at the end. Not for `process.stdout`. Default: true. */
  readonly end?: boolean | undefined;
};

/**
 * Writes every value into a Node Writable, which says by `drain` when there is room, and ends it. Emits
 * nothing, and completes when the Writable has finished and closed.
 *
 * Values that come faster wait in a queue, at most `queue`; what happens when that is full is an option
 * with a name: see {@link QueueOptions}. What is written is the Writable's from then on. When the source
 * errors, what had come is written, and then the Writable is ended and the error passed on; an
 * unsubscribe destroys it at once.
 *
 * Errors: those of the source and of the Writable (`ENOSPC`, `EPIPE`), as they come; {@link OverflowError}
 * `overflow`.
 *
 * @example
 * ```ts
 * import { writeTo, type CameraPicture } from "rx-isoch/operators/node";
 * import { createWriteStream } from "node:fs";
 * import { map, type Observable } from "rxjs";
 *
 * // An elementary stream: one JPEG after the other, which ffmpeg and VLC play.
 * export const record = (pictures: Observable<CameraPicture>) =>
 *   pictures.pipe(
 *     map(({ data }) => data),
 *     writeTo(createWriteStream("clip.mjpeg"), { queue: 30 }),
 *   );
 * ```
 *
 * @see toReadable
 */
export function writeTo<T = Uint8Array | string>(
  writable: Writable,
  options: WriteOptions<T> = {},
): OperatorFunction<T, never> {
  const { end = true } = options;
  return (source) =>
    writeAll<T, never>(source, options, ({ over }) => {
      let finish: () => void = () => undefined;
      const done = new Promise<void>((resolve) => {
        finish = resolve;
      });
      const ignore = finished(writable, { readable: false }, (error) => {
        finish();
        if (error) over({ error });
      });
      const room = roomIn(writable);
      let isOver = false;
      return {
        write: (value) => {
          if (writable.writableEnded) {
            throw new InvalidRequestError("invalid-option", "the Writable was ended meanwhile: leave that to writeTo");
          }
          return writable.write(value) ? undefined : room();
        },
        close: async () => {
          if (end) {
            writable.end();
            await done;
          } else if (writable.writableNeedDrain) await room();
          isOver = true;
          ignore();
          return undefined;
        },
        abort: async (reason) => {
          if (isOver) return;
          isOver = true;
          if (end && reason !== undefined && !writable.destroyed) {
            writable.end();
            await done;
          } else if (end) writable.destroy();
          ignore();
        },
      };
    });
}

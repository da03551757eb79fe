import { finished, type Writable } from "node:stream";
import type { OperatorFunction } from "rxjs";
import { InvalidRequestError, type QueueOptions } from "../../src/index.js";
import { writeAll } from "../../src/sink.js";
import { notNull } from "./not-null.js";
import { Room } from "./room.js";

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
 * errors, what had come is written, and then the Writable is ended and the error passed on, once it has
 * finished; an unsubscribe destroys it at once, also one that never finishes, and so does a write that throws.
 *
 * Errors: those of the source and of the Writable (`ENOSPC`, `EPIPE`), as they come; `OverflowError`
 * `overflow`; {@link InvalidRequestError} `invalid-option` for `null`, which is no value of a Node stream.
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
      let settle: () => void = () => undefined;
      const settled = new Promise<void>((resolve) => {
        settle = resolve;
      });
      const ignore = finished(writable, { readable: false }, (error) => {
        settle();
        if (error) over({ error });
      });
      const room = new Room(writable);
      let isOver = false;
      let isBroken = false;
      const finish = async () => {
        if (end) {
          writable.end();
          await settled;
        } else if (writable.writableNeedDrain) await room.wait();
        isOver = true;
        ignore();
      };
      const leave = () => {
        isOver = true;
        room.leave();
        if (end) {
          writable.destroy();
          // What it fails with until it is closed is not to be an error that nobody listens to.
          void settled.then(ignore);
        } else ignore();
      };
      return {
        write: (value) => {
          if (writable.writableEnded) {
            throw new InvalidRequestError("invalid-option", "the Writable was ended meanwhile: leave that to writeTo");
          }
          notNull(value);
          try {
            return writable.write(value) ? undefined : room.wait();
          } catch (error) {
            // It may wait for the end of that write for ever.
            isBroken = true;
            throw error;
          }
        },
        close: async () => {
          await finish();
          return undefined;
        },
        abort: async (reason) => {
          if (isOver) return;
          isBroken ||= writable.destroyed || writable.errored instanceof Error;
          if (reason === undefined || isBroken) leave();
          else await finish();
        },
      };
    });
}

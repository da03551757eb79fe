import type { OperatorFunction } from "rxjs";
import { InvalidRequestError, type QueueOptions } from "../../src/index.js";
import { writeAll, type Sink } from "../../src/sink.js";

/** How {@link toWritableStream} writes. */
export type WritableStreamOptions<T> = QueueOptions<T> & {
  /** Whether the stream is closed, or aborted, at the end. Else it is only given back, unlocked. Default: true. */
  readonly close?: boolean | undefined;
};

/**
 * Writes every value into a Web WritableStream, each when `writer.ready` says that there is room, and
 * closes it. Emits nothing, and completes when the stream is closed.
 *
 * Values that come faster wait in a queue, at most `queue`; what happens when that is full is an option
 * with a name: see {@link QueueOptions}. What is written is the stream's from then on. When the source
 * errors, what had come is written, and then the stream is aborted with that error; an unsubscribe
 * aborts it at once, also while what had come is being written, and gives it back.
 *
 * Errors: those of the source and of the stream; `OverflowError` `overflow`;
 * {@link InvalidRequestError} `invalid-option` for a stream that is locked.
 *
 * @example
 * ```ts
 * import type { IsochPipe } from "rx-isoch";
 * import { payload } from "rx-isoch/operators";
 * import { toWritableStream } from "rx-isoch/operators/streams";
 *
 * export const record = (pipe: IsochPipe, file: WritableStream<Uint8Array>) =>
 *   pipe.results().pipe(
 *     payload(),
 *     toWritableStream(file, {
 *       queue: 500,
 *       overflow: "drop-newest",
 *       lost: (bytes) => {
 *         console.warn(`the disk is too slow: ${bytes.length} bytes dropped`);
 *       },
 *     }),
 *   );
 * ```
 *
 * @see toReadableStream
 */
export function toWritableStream<T>(
  stream: WritableStream<T>,
  options: WritableStreamOptions<T> = {},
): OperatorFunction<T, never> {
  return (source) =>
    writeAll<T, never>(source, options, ({ over }) => {
      if (stream.locked) {
        throw new InvalidRequestError("invalid-option", "the stream has a writer already: release it first");
      }
      const writer = stream.getWriter();
      return sinkOf(writer, options.close ?? true, (error) => {
        over({ error });
      });
    });
}

function sinkOf<T>(
  writer: WritableStreamDefaultWriter<T>,
  closes: boolean,
  fail: (error: unknown) => void,
): Sink<T, never> {
  let isReleased = false;
  let last: Promise<void> | undefined;
  const failed = (error: unknown) => {
    // Released, a writer fails by that.
    if (!isReleased) fail(error);
  };
  writer.closed.catch(failed);
  const release = () => {
    isReleased = true;
    writer.releaseLock();
  };
  const leave = async (reason: unknown) => {
    if (isReleased) return;
    const aborted = closes ? writer.abort(reason) : Promise.resolve();
    release();
    await aborted;
  };
  return {
    write: (value) => {
      last = writer.write(value);
      last.catch(failed);
      return (writer.desiredSize ?? 0) > 0 ? undefined : writer.ready;
    },
    close: async () => {
      if (closes) await writer.close();
      else await last;
      release();
      return undefined;
    },
    abort: async (reason) => {
      // An error comes after what had come before it; nobody waits for it after an unsubscribe, which may come meanwhile.
      if (reason !== undefined) await last?.catch(() => undefined);
      await leave(reason);
    },
  };
}

import { Observable, type OperatorFunction, type Subscriber } from "rxjs";
import {
  VideoFrameAssembler,
  type AssemblerOptions,
  type VideoFrame,
  type VideoStatistics,
} from "../../src/class/uvc/index.js";
import type { IsochResults } from "../../src/index.js";
import { subscribeInner } from "../../src/subscribe-inner.js";

/** What `videoFrames` is to expect. */
export interface VideoFramesOptions extends AssemblerOptions {
  /** Handed the statistics of each subscription, which go on counting. */
  readonly statistics?: ((statistics: VideoStatistics) => void) | undefined;
}

/**
 * Puts the packets of a UVC endpoint together to video frames (UVC 1.5, 2.4.3). One is emitted with the transfer in
 * which it ended; {@link VideoFrameAssembler} says what is complete, and what becomes of the rest. When the source
 * ends, a raw picture that is whole comes before the completion or the error.
 *
 * The format, the size and the committed size of a frame are those of the negotiation: `camera` knows them by
 * itself.
 *
 * Errors: those of the source; `InvalidRequestError` for an option that cannot be, thrown at the call. A loss is
 * no error. An unsubscribe gives up the frame that is under way.
 *
 * @example
 * ```ts
 * import type { IsochPipe } from "rx-isoch";
 * import { videoFrames } from "rx-isoch/operators/media";
 *
 * export const pictures = (pipe: IsochPipe) =>
 *   pipe.results().pipe(videoFrames({ format: "yuy2", width: 640, height: 480, incomplete: "emit" }));
 * ```
 *
 * @see camera
 */
export function videoFrames(options: VideoFramesOptions): OperatorFunction<IsochResults, VideoFrame> {
  // Throws for what cannot be.
  new VideoFrameAssembler(options);
  return (source) =>
    new Observable((subscriber) => {
      const assembler = new VideoFrameAssembler(options);
      options.statistics?.(assembler.statistics);
      subscribeInner(source, subscriber, {
        next: (results) => {
          emit(assembler.push(results), subscriber);
        },
        error: (error: unknown) => {
          emit(assembler.flush(), subscriber);
          subscriber.error(error);
        },
        complete: () => {
          emit(assembler.flush(), subscriber);
          subscriber.complete();
        },
      });
    });
}

function emit(frames: readonly VideoFrame[], subscriber: Subscriber<VideoFrame>): void {
  for (const frame of frames) {
    if (subscriber.closed) return;
    subscriber.next(frame);
  }
}

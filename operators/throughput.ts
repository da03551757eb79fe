import { asyncScheduler, Observable, type OperatorFunction, type SchedulerLike } from "rxjs";
import { IsochResults, statusCodes, type FrameResult } from "../src/index.js";
import { wholeNumber } from "../src/numbers.js";
import { subscribeInner } from "../src/subscribe-inner.js";

/** What went through in one window of time. */
export interface Throughput {
  /** Length of the window, in milliseconds. */
  readonly milliseconds: number;
  /** Transfers; 0 in a stream of frames. */
  readonly transfers: number;
  /** Frames that were on the bus and delivered, whatever their status. */
  readonly frames: number;
  /** Bytes that moved. */
  readonly bytes: number;
  /** Frames that were lost. */
  readonly lost: number;
  /** Delivered frames whose status is not `ok`. */
  readonly failed: number;
  /** Delivered frames in a second, by the length of the window. */
  readonly framesPerSecond: number;
  /** Bytes in a second, by the length of the window. */
  readonly bytesPerSecond: number;
  /**
   * How far completions were from evenly spaced, in microseconds: the mean of the deviations in
   * this window. Needs results, which carry timestamps; 0 in a stream of frames.
   */
  readonly jitter: number;
  /** The largest of those deviations. */
  readonly maxJitter: number;
}

/** How `throughput` measures. */
export interface ThroughputOptions {
  /** Length of a window in milliseconds. Default: 1000. */
  readonly window?: number | undefined;
  /** Whose time it is. Default: `asyncScheduler`. */
  readonly scheduler?: SchedulerLike | undefined;
}

/**
 * Measures rates, losses and jitter, a window of time at a time. A window in which nothing came is
 * reported too; when the source completes or errors, so is what came since the last one.
 *
 * @example
 * ```ts
 * import type { IsochPipe } from "rx-isoch";
 * import { throughput } from "rx-isoch/operators";
 *
 * export const megabytesPerSecond = (pipe: IsochPipe) =>
 *   pipe
 *     .results()
 *     .pipe(throughput({ window: 500 }))
 *     .subscribe(({ bytesPerSecond, lost }) => {
 *       console.log(bytesPerSecond / 1e6, lost);
 *     });
 * ```
 */
export function throughput({ window = 1000, scheduler = asyncScheduler }: ThroughputOptions = {}): OperatorFunction<
  FrameResult | IsochResults,
  Throughput
> {
  wholeNumber("window", window, 1, 2 ** 31 - 1);
  return (source) =>
    new Observable((subscriber) => {
      const meter = new Meter(scheduler.now());
      const report = () => {
        subscriber.next(meter.read(scheduler.now()));
      };
      subscriber.add(
        scheduler.schedule(function (this: { schedule: (state?: unknown, delay?: number) => unknown }) {
          report();
          if (!subscriber.closed) this.schedule(undefined, window);
        }, window),
      );
      subscribeInner(source, subscriber, {
        next: (value) => {
          if (value instanceof IsochResults) meter.addResults(value);
          else meter.addFrame(value);
        },
        error: (error: unknown) => {
          if (!meter.isEmpty) report();
          subscriber.error(error);
        },
        complete: () => {
          if (!meter.isEmpty) report();
          subscriber.complete();
        },
      });
    });
}

class Meter {
  #since: number;
  #transfers = 0;
  #frames = 0;
  #bytes = 0;
  #lost = 0;
  #failed = 0;
  #deviations = 0;
  #deviation = 0;
  #maxDeviation = 0;
  #nextFrame: number | undefined;
  #first: { readonly frame: number; readonly timestamp: number } | undefined;
  #last: { readonly frame: number; readonly timestamp: number } | undefined;

  constructor(now: number) {
    this.#since = now;
  }

  get isEmpty(): boolean {
    return this.#transfers === 0 && this.#frames === 0 && this.#lost === 0;
  }

  addResults(results: IsochResults): void {
    const { served, statuses } = results;
    let failed = 0;
    let lost = 0;
    for (let i = 0; i < served; i++) {
      const status = statuses[i];
      if (status === statusCodes.lost) lost++;
      else if (status !== 0) failed++;
    }
    // A loss is no transfer: as the operator gaps shows it, or at the end of a stream.
    const isTransfer = lost === 0 && results.length > 0;
    if (isTransfer) this.#transfers++;
    this.#frames += served - lost;
    this.#bytes += results.bytesTransferred;
    this.#lost += results.lost + lost;
    this.#failed += failed;
    // A transfer that was cut short completes when it is cut, not when its frames end.
    if (isTransfer && served === results.length) this.#space(results.firstFrame + served, results.timestamp);
  }

  addFrame({ frame, status, actual }: FrameResult): void {
    if (this.#nextFrame !== undefined && frame > this.#nextFrame) this.#lost += frame - this.#nextFrame;
    this.#nextFrame = frame + 1;
    this.#bytes += actual;
    if (status === "lost") {
      this.#lost++;
      return;
    }
    this.#frames++;
    if (status !== "ok") this.#failed++;
  }

  read(now: number): Throughput {
    const milliseconds = now - this.#since;
    const perSecond = milliseconds > 0 ? 1000 / milliseconds : 0;
    const report: Throughput = {
      milliseconds,
      transfers: this.#transfers,
      frames: this.#frames,
      bytes: this.#bytes,
      lost: this.#lost,
      failed: this.#failed,
      framesPerSecond: this.#frames * perSecond,
      bytesPerSecond: this.#bytes * perSecond,
      jitter: this.#deviations === 0 ? 0 : this.#deviation / this.#deviations,
      maxJitter: this.#maxDeviation,
    };
    this.#since = now;
    this.#transfers = this.#frames = this.#bytes = this.#lost = this.#failed = 0;
    this.#deviations = this.#deviation = this.#maxDeviation = 0;
    return report;
  }

  /** Compares the time since the last completion with what the whole stream so far leads to expect. */
  #space(frame: number, timestamp: number): void {
    const first = this.#first;
    const last = this.#last;
    this.#last = { frame, timestamp };
    if (first === undefined || last === undefined || frame <= last.frame) {
      // The first of all, or of a stream that begins anew.
      this.#first = this.#last;
      return;
    }
    const frameDuration = (timestamp - first.timestamp) / (frame - first.frame);
    const deviation = Math.abs(timestamp - last.timestamp - (frame - last.frame) * frameDuration);
    this.#deviations++;
    this.#deviation += deviation;
    this.#maxDeviation = Math.max(this.#maxDeviation, deviation);
  }
}

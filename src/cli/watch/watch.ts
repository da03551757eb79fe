import {
  asyncScheduler,
  catchError,
  concatWith,
  connect,
  map,
  merge,
  NEVER,
  of,
  scan,
  switchMap,
  takeUntil,
  takeWhile,
  tap,
  throwError,
  timer,
  type Observable,
} from "rxjs";
import { IsochError, isochPipe, type EndpointSelector, type UsbDevice } from "../../index.js";
import type { VideoFrame } from "../../class/uvc/index.js";
import { abort, close, compact, issue } from "../../../operators/index.js";
import type { CounterStatistics } from "../../../transports/virtual/index.js";
import { isEndOfRecording, type StreamTarget } from "../target.js";
import { chooseView } from "../video/choose-picture.js";
import { openVideo } from "../video/open-video.js";
import { VideoTrack } from "../video/video-track.js";
import { whileOpen } from "../while-open.js";
import { counterStatistics, noCounters, noStatistics } from "./counters.js";
import { measure, type MeasureOptions } from "./measure.js";
import type { Step, WatchState } from "./state.js";
import { noTotals, noTroubles } from "./tally.js";
import { endlessRequests, watchedEndpoint, type RequestOptions } from "./watched-endpoint.js";

/** How to watch. */
export interface WatchOptions extends RequestOptions, MeasureOptions {
  /** Milliseconds; `Infinity` for one that ends by itself. */
  readonly duration: number;
  /** Is given each picture of a camera that is complete. */
  readonly picture?: ((picture: VideoFrame) => void) | undefined;
  /** A value cancels what is in flight and ends the stream; before the device is open, there is none. */
  readonly interrupt: Observable<unknown>;
}

/**
 * Opens a device, moves data on one of its endpoints, and tells how that goes: a state at once, one
 * with every window, and a last one with the end. Completes when the device is closed.
 *
 * Errors: what opening the device can fail with. What goes wrong later is in the last state.
 */
export function watch(target: StreamTarget, options: WatchOptions): Observable<WatchState> {
  return whileOpen(target, options.interrupt, (device) =>
    openTrack(device, target, options).pipe(
      switchMap((video) =>
        watchDevice(device, { ...target, ...(video && { endpoint: video.endpoint }) }, options, video?.track),
      ),
      takeWhile(({ end }) => end === undefined, true),
    ),
  );
}

/** Has a camera agree on a picture. A capture that does not have what it said to that is watched as packets. */
function openTrack(
  device: UsbDevice,
  { isCamera, isRecording }: StreamTarget,
  { picture = () => undefined }: WatchOptions,
): Observable<{ readonly endpoint: EndpointSelector; readonly track: VideoTrack } | undefined> {
  if (isCamera !== true) return of(undefined);
  return openVideo(device, chooseView).pipe(
    map((open) => ({ endpoint: open.alternate, track: new VideoTrack(open, picture) })),
    catchError((error: unknown) =>
      isRecording === true && IsochError.is(error) ? of(undefined) : throwError(() => error),
    ),
  );
}

function watchDevice(
  device: UsbDevice,
  target: StreamTarget,
  options: WatchOptions,
  track: VideoTrack | undefined,
): Observable<WatchState> {
  const { interrupt, duration, scheduler = asyncScheduler } = options;
  const endpoint = watchedEndpoint(device, target.endpoint, options);
  const pipe = isochPipe(device, target.endpoint);
  const isIn = endpoint.direction === "in";
  let reason: "finished" | "interrupted" = "finished";
  const stop = merge(
    duration === Infinity ? NEVER : timer(duration, scheduler),
    interrupt.pipe(
      tap(() => {
        reason = "interrupted";
      }),
    ),
  );

  const requests = endlessRequests(endpoint, target.counter !== undefined);
  const issued = of(requests).pipe(issue(pipe, { queue: endpoint.queue }));
  const transfers = isIn ? issued.pipe(compact()) : issued;
  // What was lost before the first frame of a recording, and after the last, is told to streams only.
  const isReplay = isIn && target.isRecording === true;
  const { frames, queue } = endpoint;
  const results = isReplay
    ? pipe.results({ frames, queue }).pipe(takeUntil(stop))
    : transfers.pipe(abort(interrupt), close(stop));
  return results.pipe(
    tap({
      next: (each) => {
        track?.push(each);
      },
      complete: () => {
        track?.flush();
      },
    }),
    connect((shared) =>
      measure(shared, options, {
        counter: isIn ? target.counter : undefined,
        track,
        statistics: isIn || target.counter === undefined ? of(undefined) : lastStatistics(device),
      }),
    ),
    concatWith(of<Step>((state) => ({ ...state, end: { reason } }))),
    catchError((error: unknown) =>
      isEndOfRecording(error, target)
        ? of<Step>((state) => ({ ...state, end: { reason } }))
        : IsochError.is(error)
          ? of<Step>((state) => ({ ...state, end: { reason: "failed", error } }))
          : throwError(() => error),
    ),
    scan<Step, WatchState>((state, step) => step(state), {
      device,
      transport: target.transport.name,
      endpoint,
      duration,
      windows: [],
      totals: noTotals,
      span: undefined,
      troubles: noTroubles,
      counter: isIn && target.counter ? { ...noCounters, ...target.counter } : undefined,
      statistics: isIn || !target.counter ? undefined : noStatistics,
      video: track?.state(),
      end: undefined,
    }),
  );
}

/** `undefined` from a device that is gone: what it said before stands. */
function lastStatistics(device: UsbDevice): Observable<CounterStatistics | undefined> {
  return counterStatistics(device).pipe(catchError(() => of(undefined)));
}

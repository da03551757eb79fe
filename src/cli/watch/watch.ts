import {
  asyncScheduler,
  catchError,
  concat,
  concatMap,
  concatWith,
  connect,
  defer,
  EMPTY,
  map,
  merge,
  NEVER,
  of,
  scan,
  startWith,
  switchMap,
  takeWhile,
  tap,
  throwError,
  timer,
  withLatestFrom,
  type Observable,
  type SchedulerLike,
} from "rxjs";
import {
  findIsochEndpoint,
  IsochError,
  isochPipe,
  maxBytesPerInterval,
  openDevice,
  serviceInterval,
  type Direction,
  type EndpointSelector,
  type FrameResult,
  type IsochRequest,
  type IsochResults,
  type UsbDevice,
} from "../../index.js";
import type { VideoFrame } from "../../class/uvc/index.js";
import { abort, close, compact, frames, gaps, issue, throughput, type Throughput } from "../../../operators/index.js";
import type { CounterStatistics } from "../../../transports/virtual/index.js";
import {
  checkCounter,
  counterRequests,
  counterStatistics,
  noCounters,
  noStatistics,
  type CounterCheck,
} from "./counters.js";
import {
  addFrame,
  addWindow,
  extendSpan,
  noTotals,
  noTroubles,
  type Span,
  type Totals,
  type Troubles,
} from "./tally.js";
import { isEndOfRecording, type CounterTraits, type StreamTarget } from "../target.js";
import { chooseView } from "../video/choose-picture.js";
import { openVideo } from "../video/open-video.js";
import { VideoTrack, type VideoState } from "../video/video-track.js";

/** How to watch. */
export interface WatchOptions {
  /** Milliseconds; `Infinity` for one that ends by itself. */
  readonly duration: number;
  /** Is given each picture of a camera that is complete. */
  readonly picture?: ((picture: VideoFrame) => void) | undefined;
  /** Frames in a transfer. Default: 8 ms worth. */
  readonly frames?: number | undefined;
  /** Transfers in flight. */
  readonly queue: number;
  /** Milliseconds from one state to the next. */
  readonly window: number;
  /** A value cancels what is in flight and ends the stream. */
  readonly interrupt: Observable<unknown>;
  /** Whose time it is. Default: `asyncScheduler`. */
  readonly scheduler?: SchedulerLike | undefined;
}

/** The endpoint that is watched, and how. */
export interface WatchedEndpoint {
  readonly address: number;
  readonly direction: Direction;
  readonly interfaceNumber: number;
  readonly alternate: number;
  /** Bytes asked for in each frame. */
  readonly frameLength: number;
  /** Microseconds from one frame to the next. */
  readonly frameDuration: number;
  /** Frames in a transfer. */
  readonly frames: number;
  /** Transfers in flight. */
  readonly queue: number;
}

/** How a watch came to its end. */
export type WatchEnd =
  { readonly reason: "finished" | "interrupted" } | { readonly reason: "failed"; readonly error: IsochError };

/** All there is to show. */
export interface WatchState {
  readonly device: UsbDevice;
  readonly transport: string;
  readonly endpoint: WatchedEndpoint;
  /** Milliseconds that the watch is to last. */
  readonly duration: number;
  /** The last windows, in order. */
  readonly windows: readonly Throughput[];
  readonly totals: Totals;
  readonly span: Span | undefined;
  readonly troubles: Troubles;
  /** IN from a counter device only. */
  readonly counter: (CounterCheck & CounterTraits) | undefined;
  /** OUT to a counter device only. */
  readonly statistics: CounterStatistics | undefined;
  /** Of a camera only. */
  readonly video: VideoState | undefined;
  /** Set in the last state. */
  readonly end: WatchEnd | undefined;
}

/** Windows that are kept: enough for the widest sparkline. */
const mostWindows = 200;

/**
 * Opens a device, moves data on one of its endpoints, and tells how that goes: a state at once, one
 * with every window, and a last one with the end. Completes when the device is closed.
 *
 * Errors: what opening the device can fail with. What goes wrong later is in the last state.
 */
export function watch(target: StreamTarget, options: WatchOptions): Observable<WatchState> {
  return defer(() => {
    let opened: UsbDevice | undefined;
    return concat(
      openDevice(target.transport, target.device).pipe(
        tap((device) => {
          opened = device;
        }),
        switchMap((device) =>
          openTrack(device, target, options).pipe(
            switchMap((video) =>
              watchDevice(device, { ...target, ...(video && { endpoint: video.endpoint }) }, options, video?.track),
            ),
          ),
        ),
        takeWhile(({ end }) => end === undefined, true),
      ),
      defer(() => opened?.closed ?? EMPTY),
    );
  });
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

  const issued = of(requests(endpoint, target.counter)).pipe(issue(pipe, { queue: endpoint.queue }));
  const transfers = isIn ? issued.pipe(compact()) : issued;
  return transfers.pipe(
    abort(interrupt),
    close(stop),
    tap({
      next: (results) => {
        track?.push(results);
      },
      complete: () => {
        track?.flush();
      },
    }),
    connect((results) =>
      measure(results, options, {
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

/** What becomes of the state. */
type Step = (state: WatchState) => WatchState;

/** What to look at beside the results. */
interface Witnesses {
  /** Set where packets come with counters. */
  readonly counter: CounterTraits | undefined;
  /** Set where packets are of pictures. */
  readonly track: VideoTrack | undefined;
  /** What the device says, each time it is asked. */
  readonly statistics: Observable<CounterStatistics | undefined>;
}

/** A step at once, and one with every window. */
function measure(
  results: Observable<IsochResults>,
  { window, scheduler }: WatchOptions,
  { counter, track, statistics }: Witnesses,
): Observable<Step> {
  // An error reaches the states by way of throughput, which has a last window to report before it.
  const quietly = results.pipe(catchError(() => EMPTY));
  const everyFrame = quietly.pipe(frames(), gaps());
  const span = quietly.pipe(scan(extendSpan, undefined), startWith(undefined));
  const troubles = everyFrame.pipe(scan(addFrame, noTroubles), startWith(noTroubles));
  const counters = everyFrame.pipe(
    scan((check, frame: FrameResult) => checkCounter(check, frame, counter?.estimatedLosses ?? false), noCounters),
    startWith(noCounters),
  );
  return results.pipe(
    throughput({ window, scheduler }),
    withLatestFrom(span, troubles, counters),
    // The last report comes while the pipe is open: closing it resets the device's statistics.
    concatMap(([report, span, troubles, counters]) =>
      statistics.pipe(
        map((seen): Step => (state) => ({
          ...state,
          // What is left at the end is too short to show a rate.
          windows: report.milliseconds < window / 2 ? state.windows : [...state.windows, report].slice(-mostWindows),
          totals: addWindow(state.totals, report),
          span,
          troubles,
          counter: counter && { ...counters, ...counter },
          statistics: seen ?? state.statistics,
          video: track?.state(),
        })),
      ),
    ),
    startWith<Step>((state) => state),
  );
}

/** `undefined` from a device that is gone: what it said before stands. */
function lastStatistics(device: UsbDevice): Observable<CounterStatistics | undefined> {
  return counterStatistics(device).pipe(catchError(() => of(undefined)));
}

function requests(
  { direction, frameLength, frames }: WatchedEndpoint,
  counter: CounterTraits | undefined,
): Iterable<IsochRequest> {
  if (direction === "in") return receiveRequests(frameLength, frames);
  return counter === undefined ? silentRequests(frameLength, frames) : counterRequests(frameLength, frames);
}

function* receiveRequests(frameLength: number, frames: number): Generator<IsochRequest> {
  for (;;) yield { lengths: frameLength, frames };
}

function* silentRequests(frameLength: number, frames: number): Generator<IsochRequest> {
  for (;;) yield { lengths: frameLength, frames, buffer: new Uint8Array(frameLength * frames) };
}

function watchedEndpoint(
  { configuration, info }: UsbDevice,
  selector: EndpointSelector,
  { frames, queue }: WatchOptions,
): WatchedEndpoint {
  const { endpoint, interfaceNumber, alternate } = findIsochEndpoint(configuration, selector, info.speed);
  const frameDuration = serviceInterval(endpoint, info.speed);
  return {
    address: endpoint.address,
    direction: endpoint.direction,
    interfaceNumber,
    alternate: alternate.alternateSetting,
    frameLength: maxBytesPerInterval(endpoint, info.speed),
    frameDuration,
    frames: frames ?? Math.max(1, Math.round(8000 / frameDuration)),
    queue,
  };
}

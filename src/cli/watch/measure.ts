import {
  catchError,
  concatMap,
  EMPTY,
  map,
  scan,
  startWith,
  withLatestFrom,
  type Observable,
  type SchedulerLike,
} from "rxjs";
import type { FrameResult, IsochResults } from "../../index.js";
import { frames, gaps, throughput } from "../../../operators/index.js";
import type { CounterStatistics } from "../../../transports/virtual/index.js";
import type { CounterTraits } from "../target.js";
import type { VideoTrack } from "../video/video-track.js";
import { checkCounter, noCounters } from "./counters.js";
import type { Step } from "./state.js";
import { addFrame, addWindow, extendSpan, noTroubles } from "./tally.js";

/** How often to look. */
export interface MeasureOptions {
  /** Milliseconds from one state to the next. */
  readonly window: number;
  /** Whose time it is. Default: `asyncScheduler`. */
  readonly scheduler?: SchedulerLike | undefined;
}

/** What to look at beside the results. */
export interface Witnesses {
  /** Set where packets come with counters. */
  readonly counter: CounterTraits | undefined;
  /** Set where packets are of pictures. */
  readonly track: VideoTrack | undefined;
  /** What the device says, each time it is asked. */
  readonly statistics: Observable<CounterStatistics | undefined>;
}

/** Windows that are kept: enough for the widest sparkline. */
const mostWindows = 200;

/** What results do to the state: a step at once, and one with every window. */
export function measure(
  results: Observable<IsochResults>,
  { window, scheduler }: MeasureOptions,
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

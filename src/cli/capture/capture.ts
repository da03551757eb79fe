import {
  asyncScheduler,
  BehaviorSubject,
  combineLatest,
  distinctUntilChanged,
  map,
  merge,
  NEVER,
  Subject,
  switchMap,
  take,
  tap,
  timer,
  type Observable,
  type SchedulerLike,
} from "rxjs";
import { IsochError } from "../../index.js";
import { openOutput, type Output } from "../files/output.js";
import { openSeries } from "../files/series.js";
import { listenToInterrupts } from "../interrupts.js";
import { exitStatus, tell, UsageError } from "../outcome.js";
import { progressLine } from "../progress.js";
import { StreamAccount, type StreamEnd, type StreamSummary } from "../stream-account.js";
import { firstTarget, isEndOfRecording, type StreamTarget } from "../target.js";
import type { CaptureContext, CaptureFormat } from "./format.js";

/** What to capture, and where to. */
export interface CaptureOptions extends Pick<
  CaptureContext,
  "frames" | "transfer" | "queue" | "badFrames" | "picture" | "count" | "sound"
> {
  /** `-` is the standard output. */
  readonly output: string;
  readonly format: CaptureFormat;
  /** Milliseconds from the first transfer on. Default: until the interrupt. */
  readonly duration: number | undefined;
  /** Replace a file that is there. */
  readonly force: boolean;
  /** Print nothing but the summary, as JSON. */
  readonly json: boolean;
  /** Whose time it is. Default: `asyncScheduler`. */
  readonly scheduler?: SchedulerLike | undefined;
}

/** How a capture went: plain data, and the output of `--json`. */
export interface CaptureSummary extends StreamSummary {
  readonly file: string;
  readonly format: string;
  /** Bytes in the file. */
  readonly written: number;
}

/** Captures from what is found into a file, and returns the exit status. */
export async function capture(target: Observable<StreamTarget>, options: CaptureOptions): Promise<number> {
  const { format, json, count } = options;
  const isPiped = options.output === "-";
  if (isPiped && json) throw new UsageError("--json and the bytes cannot both go to the standard output");
  if (isPiped && format.needsFile) throw new UsageError(`a file of the format ${format.name} cannot go into a pipe`);
  const isSeries = format.isSeries === true && count !== undefined && count > 1;
  if (isPiped && isSeries) throw new UsageError("several pictures are several files, and no pipe: leave out --count");
  const interrupts = listenToInterrupts();
  try {
    const found = await firstTarget(target, interrupts);
    if (found === undefined) return interrupts.status;
    const output = isSeries ? openSeries(options.output, options) : await openOutput(options.output, options);
    const { account, end, error } = await captureInto(output, found, options, interrupts.first);
    if (error !== undefined && account.counts.frames === 0) {
      await output.discard();
      return tell(error);
    }
    await output.end();
    const { path: file, written } = output;
    const summary: CaptureSummary = {
      file,
      format: format.name,
      written,
      ...account.summary(found.label, end, error),
    };
    if (json) console.log(JSON.stringify(summary));
    else (isPiped ? console.error : console.log)(`${file}: ${account.text()}`);
    if (error !== undefined) return tell(error);
    return end === "interrupted" ? interrupts.status : exitStatus.ok;
  } catch (error) {
    return tell(error);
  }
}

/** What came of it; the device is closed, the output is not. */
interface Captured {
  readonly account: StreamAccount;
  readonly end: StreamEnd;
  readonly error: IsochError | undefined;
}

async function captureInto(
  output: Output,
  target: StreamTarget,
  { format, duration, scheduler = asyncScheduler, ...options }: CaptureOptions,
  interrupt: Observable<unknown>,
): Promise<Captured> {
  const account = new StreamAccount(() => scheduler.now());
  const progress = progressLine();
  const begun = new Subject<void>();
  const isEnding = new BehaviorSubject(false);
  let end: StreamEnd = "finished";
  const stop = merge(
    interrupt.pipe(
      tap(() => {
        end = "interrupted";
      }),
    ),
    output.failed,
    begun.pipe(
      take(1),
      switchMap(() => (duration === undefined ? NEVER : timer(duration, scheduler))),
    ),
  ).pipe(
    take(1),
    // What waited for the file comes now, in this very call, and is kept.
    tap(() => {
      isEnding.next(true);
    }),
  );
  const pause = combineLatest([output.full, isEnding]).pipe(
    map(([isFull, ending]) => isFull && !ending),
    distinctUntilChanged(),
  );
  let error: IsochError | undefined;
  try {
    await format.capture(target, { ...options, stop, pause }).forEach(({ pieces, counts }) => {
      begun.next();
      for (const piece of pieces) output.write(piece);
      account.add(counts);
      progress.show(() => ({
        text: `${account.text()}  Ctrl-C ends it`,
        share: shareOf(account, duration, options.frames),
      }));
    });
  } catch (caught) {
    if (!IsochError.is(caught)) throw caught;
    if (!isEndOfRecording(caught, target)) error = caught;
  } finally {
    progress.clear();
  }
  return { account, end, error };
}

/** How much of what was asked for is done. */
function shareOf(
  { milliseconds, counts }: StreamAccount,
  duration: number | undefined,
  frames: number | undefined,
): number | undefined {
  if (duration === undefined && frames === undefined) return undefined;
  return Math.max(milliseconds / (duration ?? Infinity), counts.frames / (frames ?? Infinity));
}

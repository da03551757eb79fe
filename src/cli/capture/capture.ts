import { asyncScheduler, type Observable, type SchedulerLike } from "rxjs";
import { IsochError } from "../../index.js";
import { FileSystemError } from "../files/errors.js";
import { isNamedPipe } from "../files/named-pipe.js";
import { openOutput, type Output } from "../files/output.js";
import { openSeries } from "../files/series.js";
import { counted } from "../format.js";
import { listenToInterrupts } from "../interrupts.js";
import { exitStatus, tell, UsageError } from "../outcome.js";
import { progressLine, startWaiting, whileWaiting } from "../progress.js";
import { StreamAccount, type StreamEnd, type StreamSummary } from "../stream-account.js";
import { firstTarget, isEndOfRecording, type StreamTarget } from "../target.js";
import type { CaptureContext, CaptureFormat, PictureCounts } from "./format.js";
import { Stopping } from "./stopping.js";

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
  /** What became of pictures, in a format that has any. */
  readonly pictures?: PictureCounts;
}

/** Captures from what is found into a file, and returns the exit status. */
export async function capture(target: Observable<StreamTarget>, options: CaptureOptions): Promise<number> {
  const { format, json } = options;
  await refuse(options);
  const interrupts = listenToInterrupts();
  try {
    const found = await firstTarget(target, interrupts);
    if (found === undefined) return interrupts.status;
    const output = await openFor(options, interrupts.first);
    if (output === undefined) return interrupts.status;
    const captured = await captureInto(output, found, options, interrupts.first);
    const { account, end } = captured;
    const hasNothing = output.isUntouched && (captured.error !== undefined || end === "interrupted" || isMedia(format));
    const finished = whileWaiting("Writing the rest…", hasNothing ? output.discard() : output.end());
    const failure = await finished.then(() => undefined, asFileSystemError);
    if (failure?.code === "reader-gone") return tell(failure);
    const error = failure ?? captured.error;
    if (error !== undefined && account.counts.frames === 0) return tell(error);
    // Each is a piece at least; of those that waited, a full disk has not taken all.
    const pictures = captured.pictures && {
      ...captured.pictures,
      written: Math.min(captured.pictures.written, output.pieces),
    };
    const summary: CaptureSummary = {
      file: output.path,
      format: format.name,
      written: output.written,
      ...(pictures !== undefined && { pictures }),
      ...account.summary(found.label, end, error),
    };
    if (json) console.log(JSON.stringify(summary));
    else (options.output === "-" ? console.error : console.log)(summaryText(summary, account));
    // Whoever listens to the standard output has told of it.
    if (failure !== undefined && options.output === "-") return exitStatus.file;
    if (error !== undefined) return tell(error);
    if (end === "interrupted") return interrupts.status;
    return hasNothing ? tellOfNothing(format) : exitStatus.ok;
  } catch (error) {
    return tell(error);
  }
}

async function openFor(options: CaptureOptions, cancel: Observable<unknown>): Promise<Output | undefined> {
  const { output, force } = options;
  if (isSeries(options)) return openSeries(output, { force });
  return whileWaiting("Waiting for the file, or for a reader of the pipe…", openOutput(output, { force, cancel }));
}

/** Says no to what does not go together. */
async function refuse(options: CaptureOptions): Promise<void> {
  const { format, json, output } = options;
  if (output !== "-" && !(await isNamedPipe(output))) return;
  if (json && output === "-") throw new UsageError("--json and the bytes cannot both go to the standard output");
  if (format.needsFile) throw new UsageError(`a file of the format ${format.name} cannot go into a pipe`);
  if (isSeries(options)) throw new UsageError("several pictures are several files, and no pipe: leave out --count");
}

function isSeries({ format, count }: CaptureOptions): boolean {
  return format.isSeries === true && count !== undefined && count > 1;
}

function isMedia({ media }: CaptureFormat): boolean {
  return media !== undefined;
}

function asFileSystemError(error: unknown): FileSystemError {
  if (error instanceof FileSystemError) return error;
  throw error;
}

/** A file without a picture or a sound would open nowhere. */
function tellOfNothing({ name, media }: CaptureFormat): number {
  const what = media === "sound" ? "no sound" : "no whole picture";
  console.error(
    `rx-isoch: ${what} came, so there is no ${name} file: give it more time, or see with the command watch what comes`,
  );
  return exitStatus.failed;
}

/** "film.avi: 24.58 MB, 8,000 frames, 3 lost, 30 pictures, 1 incomplete" */
function summaryText({ file, pictures }: CaptureSummary, account: StreamAccount): string {
  const of = pictures === undefined ? [] : [counted(pictures.written, "picture")];
  const incomplete = pictures === undefined || pictures.incomplete === 0 ? [] : [`${pictures.incomplete} incomplete`];
  return [`${file}: ${account.text()}`, ...of, ...incomplete].join(", ");
}

/** What came of it; the device is closed, the output is not. */
interface Captured {
  readonly account: StreamAccount;
  readonly end: StreamEnd;
  readonly pictures: PictureCounts | undefined;
  readonly error: IsochError | undefined;
}

async function captureInto(
  output: Output,
  target: StreamTarget,
  { format, duration, scheduler = asyncScheduler, ...options }: CaptureOptions,
  interrupt: Observable<unknown>,
): Promise<Captured> {
  const account = new StreamAccount(() => scheduler.now());
  const opened = startWaiting("Opening the device…");
  const progress = progressLine();
  const stopping = new Stopping({ interrupt, output, duration, scheduler });
  const { stop, pause } = stopping;
  let pictures: PictureCounts | undefined;
  let error: IsochError | undefined;
  try {
    await format.capture(target, { ...options, stop, pause }).forEach((step) => {
      opened();
      stopping.begin();
      for (const piece of step.pieces) output.write(piece);
      account.add(step.counts);
      pictures = step.pictures ?? pictures;
      progress.show(() => ({
        text: `${account.text()}  Ctrl-C ends it`,
        share: shareOf(account, duration, options.frames),
      }));
    });
  } catch (caught) {
    if (!IsochError.is(caught)) throw caught;
    if (!isEndOfRecording(caught, target)) error = caught;
  } finally {
    opened();
    progress.clear();
    stopping.end();
  }
  return { account, end: stopping.isInterrupted ? "interrupted" : "finished", pictures, error };
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

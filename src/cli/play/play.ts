import { asyncScheduler, merge, NEVER, tap, timer, type Observable, type SchedulerLike } from "rxjs";
import { megabytes } from "../format.js";
import { openInput, type Input } from "../files/input.js";
import { isNamedPipe } from "../files/named-pipe.js";
import { listenToInterrupts } from "../interrupts.js";
import { exitStatus, tell, toldError, UsageError } from "../outcome.js";
import { progressLine, startWaiting } from "../progress.js";
import { StreamAccount, type StreamEnd, type StreamSummary } from "../stream-account.js";
import { firstTarget, type StreamTarget } from "../target.js";
import type { PlayContext, PlayFormat } from "./format.js";

/** What to play, and how. */
export interface PlayOptions extends Pick<PlayContext, "pace" | "transfer" | "queue" | "underrun"> {
  /** `-` is the standard input. */
  readonly file: string;
  readonly format: PlayFormat;
  /** Milliseconds at most. Default: until the end of the file. */
  readonly duration: number | undefined;
  /** Print nothing but the summary, as JSON. */
  readonly json: boolean;
  /** Whose time it is. Default: `asyncScheduler`. */
  readonly scheduler?: SchedulerLike | undefined;
}

/** How playing went: plain data, and the output of `--json`. */
export interface PlaySummary extends StreamSummary {
  readonly file: string;
  readonly format: string;
}

/** Plays a file to what is found, and returns the exit status. */
export async function play(target: Observable<StreamTarget>, options: PlayOptions): Promise<number> {
  const { format } = options;
  if (format.needsFile && (options.file === "-" || (await isNamedPipe(options.file)))) {
    throw new UsageError(`a file of the format ${format.name} cannot come out of a pipe: name a file`);
  }
  format.check?.(options);
  const interrupts = listenToInterrupts();
  let input: Input | undefined;
  try {
    input = await openInput(options.file);
    const found = await firstTarget(target, interrupts);
    if (found === undefined) return interrupts.status;
    const { account, end, error } = await playFrom(input, found, options, interrupts.first);
    if (error !== undefined && account.counts.frames === 0) return tell(error);
    const summary: PlaySummary = {
      file: input.path,
      format: format.name,
      ...account.summary(found.label, end, toldError(error)),
    };
    console.log(options.json ? JSON.stringify(summary) : `${input.path}: ${account.text()}`);
    if (error !== undefined) return tell(error);
    return end === "interrupted" ? interrupts.status : exitStatus.ok;
  } catch (error) {
    return tell(error);
  } finally {
    input?.close();
  }
}

/** What came of it; the device is closed. */
interface Played {
  readonly account: StreamAccount;
  readonly end: StreamEnd;
  readonly error: unknown;
}

async function playFrom(
  input: Input,
  target: StreamTarget,
  { format, duration, scheduler = asyncScheduler, ...options }: PlayOptions,
  interrupt: Observable<unknown>,
): Promise<Played> {
  const account = new StreamAccount(() => scheduler.now());
  const opened = startWaiting("Opening the device…");
  const progress = progressLine();
  let end: StreamEnd = "finished";
  const abort = interrupt.pipe(
    tap(() => {
      end = "interrupted";
    }),
  );
  const stop = merge(abort, duration === undefined ? NEVER : timer(duration, scheduler));
  let error: unknown;
  try {
    await format.play(input, target, { ...options, stop, abort }).forEach((counts) => {
      opened();
      account.add(counts);
      progress.show(() => progressText(account, input));
    });
  } catch (caught) {
    error = caught;
    end = "failed";
  } finally {
    opened();
    progress.clear();
  }
  return { account, end, error };
}

function progressText(account: StreamAccount, { size }: Input) {
  if (size === undefined || size === 0) return { text: account.text() };
  return { text: `of ${megabytes(size)}: ${account.text()}`, share: account.counts.bytes / size };
}

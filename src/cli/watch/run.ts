import { createLogUpdate } from "log-update";
import { switchMap, takeUntil, tap, type Observable } from "rxjs";
import type { Throughput } from "../../../operators/index.js";
import { counted } from "../format.js";
import { listenToInterrupts } from "../interrupts.js";
import { exitStatus, tell } from "../outcome.js";
import { startWaiting } from "../progress.js";
import { isSound, summarize, summaryText, type Summary } from "./summary.js";
import type { StreamTarget } from "../target.js";
import { chalkFor, sizedTerminal, terminalSize } from "../terminal.js";
import { frameScreen } from "../video/frame-screen.js";
import type { Keepsakes, KeptFiles } from "../video/keepsakes.js";
import { videoView } from "../video/video-view.js";
import { liveView, plainHeader, plainLine } from "./view.js";
import type { WatchState } from "./state.js";
import { watch, type WatchOptions } from "./watch.js";

/** How the program is run. */
export interface RunOptions extends Pick<WatchOptions, "duration" | "frames" | "queue"> {
  /** Print nothing but the summary, as JSON; the live view, where there is a terminal, on stderr. */
  readonly json: boolean;
  /** Makes files of pictures. Default: none. */
  readonly keep?: Keepsakes | undefined;
}

/** How a state is shown. */
interface Show {
  /** Milliseconds from one look to the next. */
  readonly window: number;
  /** The same where there are pictures to see. */
  readonly pictureWindow: number;
  readonly during: (state: WatchState) => void;
  /** Takes away what was shown until now. */
  readonly clear: () => void;
  readonly atEnd: (state: WatchState, kept: KeptFiles) => void;
}

/** Watches what is found, shows, and returns the exit status. */
export async function run(target: Observable<StreamTarget>, { json, keep, ...options }: RunOptions): Promise<number> {
  const show = json ? jsonOutput() : process.stdout.isTTY ? liveOutput() : plainOutput();
  const interrupts = listenToInterrupts();
  const watchOptions = { ...options, interrupt: interrupts.first, picture: keep?.take };
  const found = startWaiting("Looking for the device…");
  // In one go: the frames of a virtual bus, and with them the faults that were planned, go by from its beginning.
  const device = target.pipe(tap(found), takeUntil(interrupts.first));
  const states = device.pipe(
    switchMap((each) =>
      watch(each, { ...watchOptions, window: each.isCamera === true ? show.pictureWindow : show.window }),
    ),
  );
  let last: WatchState | undefined;
  let failure: Failure | undefined;
  try {
    await states.forEach((state) => {
      show.during(state);
      last = state;
    });
  } catch (error) {
    failure = { error };
  } finally {
    found();
    show.clear();
  }
  if (last?.end === undefined) return failure === undefined ? interrupts.status : tell(failure.error);
  const kept = await finish(keep);
  show.atEnd(last, kept);
  const status = statusOf(last, interrupts.status);
  failure ??= kept.failure;
  return status === exitStatus.ok && failure !== undefined ? tell(failure.error) : status;
}

/** What went wrong. */
interface Failure {
  readonly error: unknown;
}

/** Files that cannot be written leave the summary as it is. */
async function finish(keep: Keepsakes | undefined): Promise<KeptFiles & { readonly failure?: Failure }> {
  const none = { files: [], missing: 0 };
  try {
    return (await keep?.finish()) ?? none;
  } catch (error) {
    return { ...none, failure: { error } };
  }
}

function statusOf(state: WatchState, interrupted: number): number {
  if (state.end?.reason === "failed") return tell(state.end.error);
  const summary = summarize(state);
  if (!isSound(summary)) {
    console.error(`rx-isoch: ${unsoundness(summary, state)}`);
    return exitStatus.failed;
  }
  return state.end?.reason === "interrupted" ? interrupted : exitStatus.ok;
}

/** Who is to blame for numbers that are wrong. */
function unsoundness({ checks }: Summary, { counter }: WatchState): string {
  return checks.conserved && counter?.estimatedLosses === true
    ? "packets are missing that no loss accounts for: the device did not send them, or the controller lost them unseen"
    : "the numbers do not add up: this is a bug of rx-isoch, please report it with the summary";
}

function liveOutput(): Show {
  return liveOn(process.stdout, textAtEnd());
}

function textAtEnd(): Show["atEnd"] {
  const chalk = chalkFor(process.stdout);
  return (state, kept) => {
    console.log([summaryText(state, chalk), ...filesText(kept)].join("\n"));
  };
}

function filesText({ files, missing }: KeptFiles): string[] {
  if (files.length === 0) return [];
  const without = missing === 0 ? "" : `, ${counted(missing, "picture")} short: the disk was too slow`;
  return [` ${"files".padEnd(10)} ${files.join(", ")}${without}`];
}

function liveOn(screen: NodeJS.WriteStream, atEnd: Show["atEnd"]): Show {
  const chalk = chalkFor(screen);
  const update = createLogUpdate(sizedTerminal(screen));
  const frames = frameScreen(screen);
  return {
    window: 200,
    pictureWindow: 80,
    during: (state) => {
      const { columns, rows } = terminalSize(screen);
      const lines = videoView(state, { columns, rows, chalk });
      if (lines === undefined) update(liveView(state, { columns, chalk }));
      else frames.show(lines);
    },
    clear: () => {
      frames.clear();
      update.clear();
      update.done();
    },
    atEnd,
  };
}

function plainOutput(): Show {
  let shown: Throughput | undefined;
  return {
    window: 1000,
    pictureWindow: 1000,
    during: (state) => {
      if (state.end !== undefined) return;
      const window = state.windows.at(-1);
      if (window === undefined) console.log(plainHeader(state));
      else if (window !== shown) console.log(plainLine(state));
      shown = window;
    },
    clear: () => undefined,
    atEnd: textAtEnd(),
  };
}

function jsonOutput(): Show {
  const nothing = () => undefined;
  const atEnd: Show["atEnd"] = (state, { files }) => {
    console.log(JSON.stringify({ ...summarize(state), ...(files.length > 0 && { files }) }));
  };
  return process.stderr.isTTY
    ? liveOn(process.stderr, atEnd)
    : { window: 1000, pictureWindow: 1000, during: nothing, clear: nothing, atEnd };
}

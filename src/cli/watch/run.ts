import type { ChalkInstance } from "chalk";
import { createLogUpdate } from "log-update";
import { switchMap, takeUntil, tap, type Observable } from "rxjs";
import type { Throughput } from "../../../operators/index.js";
import { listenToInterrupts } from "../interrupts.js";
import { exitStatus, tell } from "../outcome.js";
import { startWaiting } from "../progress.js";
import { isSound, summarize, summaryText, type Summary } from "./summary.js";
import type { StreamTarget } from "../target.js";
import { chalkForOutput } from "../terminal.js";
import { frameScreen } from "../video/frame-screen.js";
import type { Keepsakes } from "../video/keepsakes.js";
import { videoView } from "../video/video-view.js";
import { liveView, plainHeader, plainLine } from "./view.js";
import { watch, type WatchOptions, type WatchState } from "./watch.js";

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
  readonly atEnd: (state: WatchState) => void;
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
  let status: number | undefined;
  try {
    await states.forEach((state) => {
      if (state.end === undefined) show.during(state);
      else {
        show.atEnd(state);
        status = statusOf(state, interrupts.status);
      }
    });
    const files = (await keep?.finish()) ?? [];
    if (files.length > 0 && !json) console.log(` ${"files".padEnd(10)} ${files.join(", ")}`);
    return status ?? interrupts.status;
  } catch (error) {
    return tell(error);
  } finally {
    found();
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
  const chalk = chalkForOutput();
  return liveOn(process.stdout, chalk, (state) => {
    console.log(summaryText(state, chalk));
  });
}

function liveOn(screen: NodeJS.WriteStream, chalk: ChalkInstance, atEnd: Show["atEnd"]): Show {
  const update = createLogUpdate(screen);
  const frames = frameScreen(screen);
  return {
    window: 200,
    pictureWindow: 80,
    during: (state) => {
      const { columns, rows } = screen;
      const lines = videoView(state, { columns, rows, chalk });
      if (lines === undefined) update(liveView(state, { columns, chalk }));
      else frames.show(lines);
    },
    atEnd: (state) => {
      frames.clear();
      update.clear();
      update.done();
      atEnd(state);
    },
  };
}

function plainOutput(): Show {
  const chalk = chalkForOutput();
  let shown: Throughput | undefined;
  return {
    window: 1000,
    pictureWindow: 1000,
    during: (state) => {
      const window = state.windows.at(-1);
      if (window === undefined) console.log(plainHeader(state));
      else if (window !== shown) console.log(plainLine(state));
      shown = window;
    },
    atEnd: (state) => {
      console.log(summaryText(state, chalk));
    },
  };
}

function jsonOutput(): Show {
  const atEnd = (state: WatchState): void => {
    console.log(JSON.stringify(summarize(state)));
  };
  return process.stderr.isTTY
    ? liveOn(process.stderr, chalkForOutput(), atEnd)
    : { window: 1000, pictureWindow: 1000, during: () => undefined, atEnd };
}

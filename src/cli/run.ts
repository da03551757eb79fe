import { Chalk } from "chalk";
import { createLogUpdate } from "log-update";
import { fromEvent, map, ReplaySubject, throttleTime, type Observable } from "rxjs";
import type { Throughput } from "../../operators/index.js";
import { IsochError } from "../index.js";
import { isSound, summarize, summaryText } from "./summary.js";
import type { WatchTarget } from "./target.js";
import { liveView, plainHeader, plainLine } from "./view.js";
import { watch, type WatchOptions, type WatchState } from "./watch.js";

/** How the program is run. */
export interface RunOptions extends Pick<WatchOptions, "duration" | "frames" | "queue"> {
  /** Print nothing but the summary, as JSON. */
  readonly json: boolean;
}

/** What the program tells its caller. */
export const exitStatus = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** How a state is shown. */
interface Show {
  readonly window: number;
  readonly during: (state: WatchState) => void;
  readonly atEnd: (state: WatchState) => void;
}

/** Watches, shows, and returns the exit status. */
export async function run(target: WatchTarget, { json, ...options }: RunOptions): Promise<number> {
  const show = json ? jsonOutput : process.stdout.isTTY ? liveOutput() : plainOutput();
  leaveQuietlyWithReader();
  const states = watch(target, { ...options, window: show.window, interrupt: interrupts() });
  let status: number = exitStatus.ok;
  try {
    await states.forEach((state) => {
      if (state.end === undefined) show.during(state);
      else {
        show.atEnd(state);
        status = statusOf(state);
      }
    });
    return status;
  } catch (error) {
    return tell(error);
  }
}

function statusOf(state: WatchState): number {
  if (state.end?.reason === "failed") return tell(state.end.error);
  if (!isSound(summarize(state))) {
    console.error("rx-isoch: the numbers do not add up: this is a bug of rx-isoch, please report it with the summary");
    return exitStatus.failed;
  }
  return state.end?.reason === "interrupted" ? exitStatus.interrupted : exitStatus.ok;
}

function tell(error: unknown): number {
  if (!IsochError.is(error)) throw error;
  console.error(`rx-isoch: ${error.code}: ${error.message}`);
  return exitStatus.failed;
}

/**
 * Emits at the first Ctrl-C, to those who subscribe later as well; the second ends the program
 * there and then. npm and the shell can pass one Ctrl-C on twice, within milliseconds. The listener
 * stays: log-update's own handler ends the program as soon as nobody else listens.
 */
function interrupts(): Observable<unknown> {
  const pressed = new ReplaySubject<unknown>(1);
  fromEvent(process, "SIGINT")
    .pipe(
      throttleTime(300),
      map((_, before) => {
        if (before > 0) process.exit(exitStatus.interrupted);
      }),
    )
    .subscribe(pressed);
  return pressed;
}

/** Ends without a word when whoever reads the output, `head` for one, has had enough. */
function leaveQuietlyWithReader(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(exitStatus.ok);
  });
}

/** https://no-color.org; chalk looks at FORCE_COLOR only. */
function chalkForOutput() {
  return process.env["NO_COLOR"] ? new Chalk({ level: 0 }) : new Chalk();
}

function liveOutput(): Show {
  const chalk = chalkForOutput();
  const update = createLogUpdate(process.stdout);
  return {
    window: 200,
    during: (state) => {
      update(liveView(state, { columns: process.stdout.columns, chalk }));
    },
    atEnd: (state) => {
      update.clear();
      update.done();
      console.log(`${summaryText(state, chalk)}\n`);
    },
  };
}

function plainOutput(): Show {
  const chalk = chalkForOutput();
  let shown: Throughput | undefined;
  return {
    window: 1000,
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

const jsonOutput: Show = {
  window: 1000,
  during: () => undefined,
  atEnd: (state) => {
    console.log(JSON.stringify(summarize(state)));
  },
};

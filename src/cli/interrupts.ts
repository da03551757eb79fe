import { EMPTY, fromEvent, map, merge, Observable, ReplaySubject, tap, throttleTime } from "rxjs";
import { exitStatus } from "./outcome.js";
import { outputEnd } from "./terminal.js";

/** What ends a command before its time. */
export interface Interrupts {
  /** Emits at the first, to those who subscribe later as well. */
  readonly first: Observable<unknown>;
  /** The exit status that goes with it. */
  readonly status: number;
}

/**
 * Listens to Ctrl-C, to SIGTERM, and to whether the output still takes anything. The second signal ends
 * the program there and then. npm and the shell can pass one on twice, within milliseconds. The
 * listeners stay: log-update's own handler ends the program as soon as nobody else listens.
 */
export function listenToInterrupts(): Interrupts {
  const first = new ReplaySubject<unknown>(1);
  let status: number = exitStatus.interrupted;
  const signals = merge(
    fromEvent(process, "SIGINT").pipe(map(() => exitStatus.interrupted)),
    fromEvent(process, "SIGTERM").pipe(map(() => exitStatus.terminated)),
  ).pipe(
    throttleTime(300),
    map((caught, before) => {
      if (before > 0) process.exit(caught);
      return caught;
    }),
  );
  merge(signals, leftByNpm(), outputEnd())
    .pipe(
      tap((caught) => {
        status = caught;
      }),
    )
    .subscribe(first);
  return {
    first,
    get status() {
      return status;
    },
  };
}

/**
 * A SIGTERM to `npm start` gets as far as the shell that npm runs the program in, and leaves the
 * program, with the device, to itself.
 */
function leftByNpm(): Observable<number> {
  if (process.env["npm_lifecycle_event"] === undefined) return EMPTY;
  const parent = process.ppid;
  return new Observable((subscriber) => {
    const timer = setInterval(() => {
      if (process.ppid === parent) return;
      clearInterval(timer);
      subscriber.next(exitStatus.terminated);
      subscriber.complete();
    }, 200).unref();
    return () => {
      clearInterval(timer);
    };
  });
}

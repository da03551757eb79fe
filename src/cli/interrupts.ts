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

/** Signals that ask a program to end, with its exit status then. */
const signals = {
  SIGINT: exitStatus.interrupted,
  SIGTERM: exitStatus.terminated,
  /** The terminal was closed. */
  SIGHUP: exitStatus.hungUp,
} as const;

/**
 * Listens to Ctrl-C, to the other signals that ask for an end, and to whether the output still takes anything.
 * The second signal ends the program there and then. npm and the shell can pass one on twice, within
 * milliseconds. The listeners stay: log-update's own handler ends the program as soon as nobody else listens.
 */
export function listenToInterrupts(): Interrupts {
  const first = new ReplaySubject<unknown>(1);
  let status: number | undefined;
  const signalled = merge(
    ...Object.entries(signals).map(([signal, caught]) => fromEvent(process, signal).pipe(map(() => caught))),
  ).pipe(
    throttleTime(300),
    map((caught, before) => {
      if (before > 0) process.exit(caught);
      return caught;
    }),
  );
  merge(signalled, leftByNpm(), outputEnd())
    .pipe(
      tap((caught) => {
        // A pipe that breaks at a Ctrl-C is no other end: whoever read it got the signal, too.
        status ??= caught;
      }),
    )
    .subscribe(first);
  return {
    first,
    get status() {
      return status ?? exitStatus.interrupted;
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

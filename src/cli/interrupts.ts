import { fromEvent, map, merge, ReplaySubject, tap, throttleTime, type Observable } from "rxjs";
import { exitStatus } from "./outcome.js";

/** The signals that end the program. */
export interface Interrupts {
  /** Emits at the first, to those who subscribe later as well. */
  readonly first: Observable<unknown>;
  /** The exit status that goes with it. */
  readonly status: number;
}

/**
 * Listens to Ctrl-C and to SIGTERM. The second ends the program there and then. npm and the shell can
 * pass one on twice, within milliseconds. The listeners stay: log-update's own handler ends the
 * program as soon as nobody else listens.
 */
export function listenToInterrupts(): Interrupts {
  const first = new ReplaySubject<unknown>(1);
  let status: number = exitStatus.interrupted;
  merge(
    fromEvent(process, "SIGINT").pipe(map(() => exitStatus.interrupted)),
    fromEvent(process, "SIGTERM").pipe(map(() => exitStatus.terminated)),
  )
    .pipe(
      throttleTime(300),
      tap((caught) => {
        status = caught;
      }),
      map((caught, before) => {
        if (before > 0) process.exit(caught);
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

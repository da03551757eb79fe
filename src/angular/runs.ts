import { defer, merge, of, Subject, switchMap, type Observable, type Observer, type OperatorFunction } from "rxjs";

/** The runs of a stream, one at a time, for operators that begin anew with each. */
export class Runs<T> {
  readonly #begun = new Subject<Observable<T>>();
  /** The one that goes on. */
  #run: Subject<T> | undefined;

  /** Begins a run. Who hears of it has been told, and may have ended it, when this returns. */
  begin(): Observer<T> {
    const run = new Subject<T>();
    this.#run = run;
    this.#begun.next(run);
    return run;
  }

  end(run: Observer<T>): void {
    if (this.#run === run) this.#run = undefined;
    run.complete();
  }

  /** What an operator makes of each run, hot; the rest of the one that goes on among them. */
  each<R>(operator: OperatorFunction<T, R>): Observable<R> {
    const runs = defer(() => (this.#run === undefined ? this.#begun : merge(this.#begun, of(this.#run))));
    return runs.pipe(switchMap((run) => run.pipe(operator)));
  }

  /** There will be no other. */
  complete(): void {
    this.#begun.complete();
  }
}

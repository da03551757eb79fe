import {
  BehaviorSubject,
  combineLatest,
  distinctUntilChanged,
  map,
  merge,
  NEVER,
  ReplaySubject,
  Subject,
  switchMap,
  take,
  tap,
  timer,
  type Observable,
  type SchedulerLike,
  type Subscription,
} from "rxjs";
import type { Output } from "../files/output.js";

/** What ends a capture before it ends by itself. */
export interface StoppingOptions {
  readonly interrupt: Observable<unknown>;
  readonly output: Pick<Output, "failed" | "full">;
  /** Milliseconds from the beginning on; `undefined` for as long as it takes. */
  readonly duration: number | undefined;
  readonly scheduler: SchedulerLike;
}

/** When a capture stops, and when it waits for its file. */
export class Stopping {
  readonly #begun = new Subject<void>();
  readonly #stop = new ReplaySubject<unknown>(1);
  readonly #isEnding = new BehaviorSubject(false);
  /** While it is `true`, the file takes no more for now. */
  readonly pause: Observable<boolean>;
  readonly #listening: Subscription;
  #isInterrupted = false;

  constructor({ interrupt, output, duration, scheduler }: StoppingOptions) {
    this.pause = combineLatest([output.full, this.#isEnding]).pipe(
      map(([isFull, isEnding]) => isFull && !isEnding),
      distinctUntilChanged(),
    );
    const interrupted = interrupt.pipe(
      tap(() => {
        this.#isInterrupted = true;
      }),
    );
    const late = this.#begun.pipe(
      take(1),
      switchMap(() => (duration === undefined ? NEVER : timer(duration, scheduler))),
    );
    this.#listening = merge(interrupted, output.failed, late)
      .pipe(
        take(1),
        // What waited for the file comes now, in this very call, and is kept.
        tap(() => {
          this.#isEnding.next(true);
        }),
      )
      .subscribe(this.#stop);
  }

  /** A value means: come to an end, with what has come. To those who subscribe later as well. */
  get stop(): Observable<unknown> {
    return this.#stop.asObservable();
  }

  /** Whether it was Ctrl-C that stopped it. */
  get isInterrupted(): boolean {
    return this.#isInterrupted;
  }

  /** Listens no more. */
  end(): void {
    this.#listening.unsubscribe();
  }

  /** Something has come: its time runs. Idempotent. */
  begin(): void {
    this.#begun.next();
  }
}

import { signal, untracked } from "@angular/core";
import { defer, delay, EMPTY, Subject, take, takeUntil, type Observable, type OperatorFunction } from "rxjs";
import { asIsochError, TransferStateError, type IsochError } from "../errors.js";
import { IsochPipe } from "../pipe.js";
import type { IsochResults } from "../results.js";
import type { IsochStream, IsochStreamOptions, IsochStreamState } from "./isoch-stream.js";
import { PaintedTotals } from "./painted-totals.js";
import { Runs } from "./runs.js";

/** The state machine of an {@link IsochStream}. */
export class HeldStream implements IsochStream {
  readonly #source: () => IsochPipe | Observable<IsochResults>;
  readonly #options: IsochStreamOptions;
  readonly #outsideZone: <T>(work: () => T) => T;
  readonly #state = signal<IsochStreamState>("idle");
  readonly #error = signal<IsochError | undefined>(undefined);
  readonly #totals = new PaintedTotals((error) => {
    this.#fail(asIsochError(error));
  });
  readonly #runs = new Runs<IsochResults>();
  /** Ends what the last `start` or `stop` began. */
  #over = new Subject<void>();
  #closing: Observable<never> = EMPTY;
  #isDestroyed = false;

  readonly state = this.#state.asReadonly();
  readonly error = this.#error.asReadonly();
  readonly totals = this.#totals.totals;
  readonly results = this.eachRun((run) => run);

  constructor(
    source: () => IsochPipe | Observable<IsochResults>,
    options: IsochStreamOptions,
    outsideZone: <T>(work: () => T) => T,
  ) {
    this.#source = source;
    this.#options = options;
    this.#outsideZone = outsideZone;
  }

  start(): void {
    this.#act(() => {
      if (this.#isDestroyed) {
        throw new TransferStateError(
          "pipe-closed",
          "the injector that held this stream was destroyed: start one of a service that lives on",
        );
      }
      if (this.#isRunning()) return;
      this.#endLast();
      this.#totals.reset();
      this.#open();
    });
  }

  stop(): void {
    this.#act(() => {
      if (this.#isRunning() || this.#state() === "failed") {
        this.#totals.show();
        this.#turn("stopping");
        this.#endLast();
        this.#closing.pipe(takeUntil(this.#over)).subscribe({
          error: (error: unknown) => {
            this.#act(() => {
              // Told once.
              this.#closing = EMPTY;
              this.#fail(asIsochError(error));
            });
          },
          complete: () => {
            this.#act(() => {
              if (this.#state() === "stopping") this.#turn("idle");
            });
          },
        });
      }
    });
  }

  eachRun<T>(operator: OperatorFunction<IsochResults, T>): Observable<T> {
    return this.#runs.each(operator);
  }

  destroy(): void {
    this.#isDestroyed = true;
    this.stop();
    this.#totals.destroy();
    this.#runs.complete();
  }

  #open(): void {
    const over = this.#over;
    this.#turn("opening");
    const run = this.#runs.begin();
    // Who hears of a run may have stopped it.
    if (this.#over !== over) {
      this.#runs.end(run);
      return;
    }
    defer(() => {
      const source = this.#source();
      this.#closing = source instanceof IsochPipe ? source.closing : EMPTY;
      if (!(source instanceof IsochPipe)) return source;
      return source.results(this.#options.stream);
    })
      .pipe(takeUntil(over))
      .subscribe({
        // A source of the program's own emits from where it likes, a computed signal among others.
        next: (results) => {
          this.#act(() => {
            this.#totals.add(results);
            if (this.#state() === "opening") this.#turn("streaming");
            run.next(results);
          });
        },
        error: (error: unknown) => {
          this.#act(() => {
            const failure = asIsochError(error);
            this.#totals.show();
            this.#fail(failure);
            this.#runs.end(run);
            if (this.#over === over) this.#restart(failure);
          });
        },
        complete: () => {
          this.#act(() => {
            if (this.#over === over) {
              this.#totals.show();
              this.#turn("idle");
            }
            this.#runs.end(run);
          });
        },
      });
  }

  #restart(failure: IsochError): void {
    defer(() => this.#options.restart?.(failure) ?? EMPTY)
      .pipe(
        take(1),
        // Within the failure it would be a recursion without end where the source fails at once.
        delay(0),
        takeUntil(this.#over),
      )
      .subscribe({
        next: () => {
          // It comes from where it likes, a button in the zone among others.
          this.#act(() => {
            this.#open();
          });
        },
        error: (error: unknown) => {
          this.#act(() => {
            this.#fail(asIsochError(error));
          });
        },
      });
  }

  #isRunning(): boolean {
    const state = this.#state();
    return state === "opening" || state === "streaming";
  }

  #turn(state: IsochStreamState): void {
    this.#error.set(undefined);
    this.#state.set(state);
  }

  #fail(error: IsochError): void {
    this.#error.set(error);
    this.#state.set("failed");
  }

  /** Ends what is streaming, waited for or being watched, in one turn. */
  #endLast(): void {
    const last = this.#over;
    this.#over = new Subject<void>();
    last.next();
  }

  /** Whoever calls, be it an effect, is not tracked; and zone.js sees nothing of what is begun. */
  #act(work: () => void): void {
    untracked(() => {
      this.#outsideZone(work);
    });
  }
}

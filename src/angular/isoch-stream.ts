import {
  assertInInjectionContext,
  DestroyRef,
  inject,
  Injector,
  runInInjectionContext,
  signal,
  untracked,
  type Signal,
} from "@angular/core";
import {
  defer,
  delay,
  EMPTY,
  merge,
  of,
  Subject,
  switchMap,
  take,
  takeUntil,
  type Observable,
  type ObservableInput,
  type OperatorFunction,
  type Subscription,
} from "rxjs";
import { asIsochError, TransferStateError, type IsochError } from "../errors.js";
import { IsochPipe } from "../pipe.js";
import type { IsochResults } from "../results.js";
import type { StreamOptions } from "../stream-options.js";
import { injectOutsideZone } from "./outside-zone.js";
import { painted } from "./painted.js";
import { noTotals, Tally, type StreamTotals } from "./totals.js";

/**
 * Where a stream stands.
 *
 * | state | meaning |
 * |---|---|
 * | `idle` | not started, stopped, or its source completed |
 * | `opening` | started; no result has come yet |
 * | `streaming` | results come in |
 * | `stopping` | stopped; what was in flight drains, and the device is being closed |
 * | `failed` | ended by {@link IsochStream.error}; a restart, if one was asked for, is waited for |
 */
export type IsochStreamState = "idle" | "opening" | "streaming" | "stopping" | "failed";

/** How an {@link isochStream} runs. */
export interface IsochStreamOptions {
  /** For {@link IsochPipe.results}, where the source is a pipe. */
  readonly stream?: StreamOptions | undefined;
  /**
   * When to start again after an error: on the first value of what this returns. It stays `failed`
   * where that completes without one. {@link replug} is one of these. Default: never.
   *
   * It starts in a task of its own, so that what fails at once is tried again without end, but without
   * holding up the page; a `timer` makes that rarer.
   */
  readonly restart?: ((error: IsochError) => ObservableInput<unknown>) | undefined;
  /** With whose destruction the stream stops. Default: the injector of the context. */
  readonly injector?: Injector | undefined;
}

/** A stream that a service holds: it is started and stopped, and its state can be read as signals. */
export interface IsochStream {
  /** Where it stands; see {@link IsochStreamState}. */
  readonly state: Signal<IsochStreamState>;
  /** Why it `failed`; `undefined` in every other state. */
  readonly error: Signal<IsochError | undefined>;
  /** What came in since {@link IsochStream.start}, written once in an animation frame. */
  readonly totals: Signal<StreamTotals>;
  /**
   * Every result of every run, for operators. Hot: subscribing starts nothing. It does not error,
   * {@link IsochStream.error} tells of that, and completes when the injector is destroyed.
   *
   * What the bus had between two runs was lost by none of them: an operator that looks at the numbers of
   * frames goes through {@link IsochStream.eachRun}.
   */
  readonly results: Observable<IsochResults>;
  /**
   * The results of each run, by an operator that begins anew with every start and restart, and that sees
   * the run complete when it stops or fails: nothing of it runs on while the stream is idle. Hot, as
   * {@link IsochStream.results} is. Errors if the operator does.
   *
   * @example
   * ```ts
   * import type { IsochStream } from "rx-isoch/angular";
   * import { frames, gaps, throughput } from "rx-isoch/operators";
   * import { pipe } from "rxjs";
   *
   * export const rates = (stream: IsochStream) => stream.eachRun(throughput({ window: 500 }));
   * export const everyFrame = (stream: IsochStream) => stream.eachRun(pipe(frames(), gaps()));
   * ```
   */
  eachRun<T>(operator: OperatorFunction<IsochResults, T>): Observable<T>;
  /**
   * Starts it, with totals from zero. Does nothing while it is `opening` or `streaming`; while it is
   * `failed`, a restart is waited for no more.
   *
   * @throws `TransferStateError` `pipe-closed` once the injector is destroyed
   */
  start(): void;
  /** Stops it, and any restart that is waited for. Idempotent. */
  stop(): void;
}

/**
 * Holds the stream of a pipe for a service or a component. Call it in an injection context.
 *
 * Nothing is opened before {@link IsochStream.start}. Transfers are received outside of zone.js,
 * where an application has it, and no transfer is work for Angular: signals are written when the
 * state changes, and once in an animation frame. When the injector is destroyed the stream stops.
 *
 * @param source asked at each start and restart for what to stream: a pipe, or any stream of
 * results. Signals that it reads are not tracked. What it throws fails the stream.
 *
 * @example
 * ```ts
 * import { Component, inject, InjectionToken } from "@angular/core";
 * import { isochPipe, type IsochTransport } from "rx-isoch";
 * import { isochStream } from "rx-isoch/angular";
 * import { counterDevice, VirtualBus } from "rx-isoch/transports/virtual";
 *
 * export const USB = new InjectionToken<IsochTransport>("where the devices are", {
 *   factory: () => new VirtualBus({ devices: [counterDevice()] }),
 * });
 *
 * @Component({
 *   selector: "app-camera",
 *   template: `
 *     <button type="button" (click)="stream.start()">Start</button>
 *     {{ stream.state() }}: {{ stream.totals().frames }} frames, {{ stream.totals().lost }} lost
 *     @if (stream.error(); as error) {
 *       <p>{{ error.message }}</p>
 *     }
 *   `,
 * })
 * export class Camera {
 *   readonly #usb = inject(USB);
 *   readonly stream = isochStream(() => isochPipe(this.#usb, { vendorId: 0x1209, endpoint: 0x81 }));
 * }
 * ```
 */
export function isochStream(
  source: () => IsochPipe | Observable<IsochResults>,
  options: IsochStreamOptions = {},
): IsochStream {
  if (options.injector === undefined) assertInInjectionContext(isochStream);
  return runInInjectionContext(options.injector ?? inject(Injector), () => {
    const stream = new HeldStream(source, options, injectOutsideZone());
    inject(DestroyRef).onDestroy(() => {
      stream.destroy();
    });
    return stream;
  });
}

class HeldStream implements IsochStream {
  readonly #source: () => IsochPipe | Observable<IsochResults>;
  readonly #options: IsochStreamOptions;
  readonly #outsideZone: <T>(work: () => T) => T;
  readonly #state = signal<IsochStreamState>("idle");
  readonly #error = signal<IsochError | undefined>(undefined);
  readonly #totals = signal<StreamTotals>(noTotals);
  readonly #tally = new Tally();
  readonly #counted = new Subject<void>();
  readonly #runs = new Subject<Observable<IsochResults>>();
  readonly #painting: Subscription;
  #run: Subject<IsochResults> | undefined;
  /** Ends what the last `start` or `stop` began. */
  #over = new Subject<void>();
  #closing: Observable<never> = EMPTY;
  #isDestroyed = false;

  readonly state = this.#state.asReadonly();
  readonly error = this.#error.asReadonly();
  readonly totals = this.#totals.asReadonly();
  readonly results = this.eachRun((run) => run);

  constructor(
    source: () => IsochPipe | Observable<IsochResults>,
    options: IsochStreamOptions,
    outsideZone: <T>(work: () => T) => T,
  ) {
    this.#source = source;
    this.#options = options;
    this.#outsideZone = outsideZone;
    this.#painting = this.#counted.pipe(painted()).subscribe({
      next: () => {
        this.#showTotals();
      },
      error: (error: unknown) => {
        this.#fail(asIsochError(error));
      },
    });
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
      this.#tally.reset();
      this.#showTotals();
      this.#open();
    });
  }

  stop(): void {
    this.#act(() => {
      if (this.#isRunning() || this.#state() === "failed") {
        this.#showTotals();
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
    const runs = defer(() => (this.#run === undefined ? this.#runs : merge(this.#runs, of(this.#run))));
    return runs.pipe(switchMap((run) => run.pipe(operator)));
  }

  destroy(): void {
    this.#isDestroyed = true;
    this.stop();
    this.#painting.unsubscribe();
    this.#runs.complete();
  }

  #open(): void {
    const over = this.#over;
    const run = new Subject<IsochResults>();
    this.#run = run;
    this.#turn("opening");
    this.#runs.next(run);
    // Who hears of a run may have stopped it.
    if (this.#over !== over) {
      this.#end(run);
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
            this.#tally.add(results);
            this.#counted.next();
            if (this.#state() === "opening") this.#turn("streaming");
            run.next(results);
          });
        },
        error: (error: unknown) => {
          this.#act(() => {
            const failure = asIsochError(error);
            this.#showTotals();
            this.#fail(failure);
            this.#end(run);
            if (this.#over === over) this.#restart(failure);
          });
        },
        complete: () => {
          this.#act(() => {
            if (this.#over === over) {
              this.#showTotals();
              this.#turn("idle");
            }
            this.#end(run);
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

  #end(run: Subject<IsochResults>): void {
    if (this.#run === run) this.#run = undefined;
    run.complete();
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

  #showTotals(): void {
    this.#totals.set(this.#tally.read());
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

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
import { defer, EMPTY, Subject, take, takeUntil, type Observable, type ObservableInput, type Subscription } from "rxjs";
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
   */
  readonly results: Observable<IsochResults>;
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
 * import { Component, inject } from "@angular/core";
 * import { isochPipe } from "rx-isoch";
 * import { isochStream } from "rx-isoch/angular";
 * import { VirtualBus } from "rx-isoch/transports/virtual";
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
 *   readonly #bus = inject(VirtualBus);
 *   readonly stream = isochStream(() => isochPipe(this.#bus, { vendorId: 0x1209, endpoint: 0x81 }));
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
  readonly #results = new Subject<IsochResults>();
  readonly #painting: Subscription;
  /** Ends what the last `start` or `stop` began. */
  #over = new Subject<void>();
  #closing: Observable<never> = EMPTY;
  #isDestroyed = false;

  readonly state = this.#state.asReadonly();
  readonly error = this.#error.asReadonly();
  readonly totals = this.#totals.asReadonly();
  readonly results = this.#results.asObservable();

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
            // Told once.
            this.#closing = EMPTY;
            this.#fail(asIsochError(error));
          },
          complete: () => {
            if (this.#state() === "stopping") this.#turn("idle");
          },
        });
      }
    });
  }

  destroy(): void {
    this.#isDestroyed = true;
    this.stop();
    this.#painting.unsubscribe();
    this.#results.complete();
  }

  #open(): void {
    const over = this.#over;
    this.#turn("opening");
    defer(() => {
      const source = this.#source();
      this.#closing = source instanceof IsochPipe ? source.closing : EMPTY;
      if (!(source instanceof IsochPipe)) return source;
      return source.results(this.#options.stream);
    })
      .pipe(takeUntil(over))
      .subscribe({
        next: (results) => {
          this.#tally.add(results);
          this.#counted.next();
          if (this.#state() === "opening") this.#turn("streaming");
          this.#results.next(results);
        },
        error: (error: unknown) => {
          const failure = asIsochError(error);
          this.#showTotals();
          this.#fail(failure);
          this.#restart(failure);
        },
        complete: () => {
          // Not where it was ended from here.
          if (this.#over !== over) return;
          this.#showTotals();
          this.#turn("idle");
        },
      });
  }

  #restart(failure: IsochError): void {
    this.#act(() => {
      defer(() => this.#options.restart?.(failure) ?? EMPTY)
        .pipe(take(1), takeUntil(this.#over))
        .subscribe({
          next: () => {
            // It comes from where it likes, a button in the zone among others.
            this.#act(() => {
              this.#open();
            });
          },
          error: (error: unknown) => {
            this.#fail(asIsochError(error));
          },
        });
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

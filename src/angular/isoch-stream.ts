import {
  assertInInjectionContext,
  DestroyRef,
  inject,
  Injector,
  runInInjectionContext,
  type Signal,
} from "@angular/core";
import type { Observable, ObservableInput, OperatorFunction } from "rxjs";
import type { IsochError } from "../errors.js";
import type { IsochPipe } from "../pipe.js";
import type { IsochResults } from "../results.js";
import type { StreamOptions } from "../stream-options.js";
import { HeldStream } from "./held-stream.js";
import { injectOutsideZone } from "./outside-zone.js";
import type { StreamTotals } from "./totals.js";

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

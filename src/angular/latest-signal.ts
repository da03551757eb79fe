import { assertInInjectionContext, inject, Injector, runInInjectionContext, type Signal } from "@angular/core";
import { toSignal } from "@angular/core/rxjs-interop";
import { Observable } from "rxjs";
import { injectOutsideZone } from "./outside-zone.js";
import { painted } from "./painted.js";

/** How a {@link latestSignal} is made. */
export interface LatestSignalOptions<T> {
  /** What the signal reads until the first value. Default: `undefined`. */
  readonly initialValue?: T | undefined;
  /** Whose destruction ends the subscription. Default: the injector of the context. */
  readonly injector?: Injector | undefined;
}

/**
 * A signal of the latest value of a stream, written at most once in an animation frame: however
 * many transfers come in, Angular renders once, with the newest.
 *
 * Subscribes at the call, outside of zone.js where there is one, and until the injector is
 * destroyed. After an error of the stream, reading the signal throws it; after its completion, the
 * signal keeps the last value. While the page is hidden, nothing is written.
 *
 * Every value of the stream is a rendering, news or not: what measures on a clock, like `throughput`, goes
 * through {@link IsochStream.eachRun}, which ends it with each run.
 *
 * @example
 * ```ts
 * import { inject, Injectable, InjectionToken } from "@angular/core";
 * import { isochPipe, type IsochTransport } from "rx-isoch";
 * import { isochStream, latestSignal } from "rx-isoch/angular";
 * import { throughput } from "rx-isoch/operators";
 * import { counterDevice, VirtualBus } from "rx-isoch/transports/virtual";
 *
 * export const USB = new InjectionToken<IsochTransport>("where the devices are", {
 *   factory: () => new VirtualBus({ devices: [counterDevice()] }),
 * });
 *
 * @Injectable({ providedIn: "root" })
 * export class Camera {
 *   readonly #usb = inject(USB);
 *   readonly stream = isochStream(() => isochPipe(this.#usb, { vendorId: 0x1209, endpoint: 0x81 }));
 *   readonly rates = latestSignal(this.stream.eachRun(throughput({ window: 500 })));
 * }
 * ```
 */
export function latestSignal<T>(
  source: Observable<T>,
  options?: LatestSignalOptions<T> & { readonly initialValue?: undefined },
): Signal<T | undefined>;
/** The same with a value from the start. */
export function latestSignal<T>(
  source: Observable<T>,
  options: LatestSignalOptions<T> & { readonly initialValue: T },
): Signal<T>;
export function latestSignal<T>(
  source: Observable<T>,
  { initialValue, injector }: LatestSignalOptions<T> = {},
): Signal<T | undefined> {
  if (injector === undefined) assertInInjectionContext(latestSignal);
  return runInInjectionContext(injector ?? inject(Injector), () => {
    const outsideZone = injectOutsideZone();
    const values = new Observable<T>((subscriber) => outsideZone(() => source.pipe(painted()).subscribe(subscriber)));
    return toSignal<T | undefined, T | undefined>(values, { initialValue });
  });
}

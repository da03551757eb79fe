import { catchError, map, mergeMap, of, type Observable } from "rxjs";
import { clockRate, clockRates, type AudioClock } from "./clock.js";
import { unlessStalled, type AudioControlPort } from "./clock-requests.js";
import type { SampleRateRange } from "./model.js";
import { isCloseRate } from "./rate-errors.js";
import { hasSampleRate } from "./sample-rates.js";

/** A clock source that a stream could run on. */
export interface ClockOffer {
  readonly clock: AudioClock;
  /** Those that it can be set to; where it cannot be set, the one that it runs at. None where it does not tell. */
  readonly rates: readonly SampleRateRange[];
  /** Whether a rate that was asked for is there. */
  readonly hasRate: boolean;
}

/** Asks a clock source for its rates (UAC 2.0, 5.2.5.1.1), whatever the clock selectors have selected. Emits once. */
export function clockOffer(
  port: AudioControlPort,
  controlInterface: number,
  clock: AudioClock,
  sampleRate: number,
): Observable<ClockOffer> {
  return clockRates(port, controlInterface, clock).pipe(
    catchError(unlessStalled(of([]))),
    mergeMap((rates) => {
      const isNamed = hasSampleRate(rates, sampleRate);
      if (clock.source.isProgrammable) return of({ clock, rates, hasRate: isNamed });
      return clockRate(port, controlInterface, clock).pipe(
        catchError(unlessStalled(of(0))),
        map((actual) => ({
          clock,
          rates: actual > 0 ? [{ min: actual, max: actual, step: 0 }] : [],
          hasRate: isNamed && isCloseRate(actual, sampleRate),
        })),
      );
    }),
  );
}

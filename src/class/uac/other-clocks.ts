import { forkJoin, map, mergeMap, throwError, type Observable } from "rxjs";
import { DescriptorError, DeviceError, EndpointError } from "../../errors.js";
import { clockName } from "./clock-name.js";
import type { ClockOffer } from "./clock-offer.js";
import type { AudioControlPort } from "./clock-requests.js";
import { sampleRatesInWords } from "./sample-rates.js";

/**
 * Fails with what a clock has failed with, and with the rates of others that are valid, for which they would have been
 * selected.
 */
export function failWithOthers(
  port: AudioControlPort,
  error: unknown,
  others: readonly ClockOffer[],
  sampleRate: number,
): Observable<never> {
  const offers = others.filter(({ rates }) => rates.length > 0);
  if (offers.length === 0 || !isOfClock(error)) return throwError(() => error);
  const words = offers.map(({ clock, rates }) =>
    clockName(port, clock.source).pipe(map((name) => `${name} has ${sampleRatesInWords(rates)}`)),
  );
  return forkJoin(words).pipe(mergeMap((each) => throwError(() => withOffers(error, each.join("; "), sampleRate))));
}

function isOfClock(error: unknown): error is DeviceError | EndpointError | DescriptorError {
  if (DeviceError.is(error)) return error.code === "clock-invalid" || error.code === "rate-refused";
  return EndpointError.is(error) || DescriptorError.is(error);
}

function withOffers(
  error: DeviceError | EndpointError | DescriptorError,
  offers: string,
  sampleRate: number,
): DeviceError | EndpointError {
  return DeviceError.is(error)
    ? new DeviceError(error.code, `${error.message}; or choose a rate of another clock that is valid: ${offers}`, {
        cause: error,
      })
    : new EndpointError(
        "no-such-format",
        `no clock that is valid has ${sampleRate} Hz: choose a rate of one that is: ${offers}`,
        { cause: error },
      );
}

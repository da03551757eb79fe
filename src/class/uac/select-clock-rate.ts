import {
  catchError,
  concat,
  defer,
  EMPTY,
  ignoreElements,
  map,
  mergeMap,
  of,
  throwError,
  type MonoTypeOperatorFunction,
  type Observable,
} from "rxjs";
import { DescriptorError } from "../../errors.js";
import { audioClock, clockRate, clockRates, setClockRate, type AudioClock } from "./clock.js";
import type { ClockOffer } from "./clock-offer.js";
import { checkClockOptions, type ClockOptions } from "./clock-options.js";
import { unlessStalled, type AudioControlPort } from "./clock-requests.js";
import { clockValid, isClockInvalid, isClockValid } from "./clock-validity.js";
import type { AudioAlternate, AudioFunction, SampleRateRange } from "./model.js";
import { failWithOthers } from "./other-clocks.js";
import { isCloseRate, otherRate, rateRefused } from "./rate-errors.js";
import { checkSampleRate } from "./sample-rates.js";
import { switchClock } from "./switch-clock.js";

/**
 * Has the clock of a stream of UAC 2.0 run at a rate: SET_CUR of four bytes to the clock source, then its validity
 * (5.2.5.1.2), then GET_CUR to see that it runs at that. To be called before the alternate setting is selected,
 * while the AudioControl interface is claimed. Completes without a value.
 *
 * A clock that is at the rate already is left alone: other streams may be running on it. One that does not tell its
 * rate is set, and taken at its word.
 *
 * Devices take a while to lock, and say meanwhile that their clock is not valid: it is waited for, {@link ClockOptions}
 * say how long. Where an external clock is not valid, because nothing is connected to it, and the clock selector
 * before it has one that is, and that has the rate, that is selected, and stays so. Where it has none, it is left as it
 * is.
 *
 * Errors: `EndpointError` `no-such-format` for a rate that the clock does not have; `DeviceError`
 * `rate-refused` where it cannot be set, or then runs at another one; both say which rates there are. `DeviceError`
 * `clock-invalid`, which says which clock it is. Where others are valid, but do not have the rate, each says which, and
 * what they have. `DescriptorError` where the clock leads to no source.
 *
 * @throws `InvalidRequestError` for options that are none
 */
export function selectClockRate(
  port: AudioControlPort,
  audio: Pick<AudioFunction, "controlInterface" | "entities">,
  alternate: AudioAlternate,
  sampleRate: number,
  options: ClockOptions = {},
): Observable<never> {
  const { clock: policy, clockTimeout } = checkClockOptions(options);
  const { controlInterface } = audio;

  const valid = ({ source }: AudioClock) =>
    policy === "any" ? EMPTY : clockValid(port, controlInterface, source, clockTimeout);

  const set = (clock: AudioClock, rates: readonly SampleRateRange[]): Observable<never> =>
    clock.source.isProgrammable
      ? setClockRate(port, controlInterface, clock, sampleRate).pipe(
          ignoreElements(),
          catchError((error: unknown) => throwError(() => rateRefused(error, sampleRate, rates))),
        )
      : EMPTY;

  const check = (clock: AudioClock, rates: readonly SampleRateRange[]): Observable<never> =>
    clockRate(port, controlInterface, clock).pipe(
      catchError(unlessStalled(of(clock.source.isProgrammable ? sampleRate : 0))),
      mergeMap((actual) =>
        isCloseRate(actual, sampleRate) || (actual === 0 && clock.source.isProgrammable)
          ? EMPTY
          : throwError(() => otherRate(sampleRate, actual, rates)),
      ),
    );

  const run = (clock: AudioClock): Observable<never> =>
    clockRates(port, controlInterface, clock).pipe(
      mergeMap((rates) => {
        checkSampleRate(alternate, rates, sampleRate);
        return clockRate(port, controlInterface, clock).pipe(
          catchError(unlessStalled(of(0))),
          mergeMap((actual) =>
            actual === sampleRate ? valid(clock) : concat(set(clock, rates), valid(clock), check(clock, rates)),
          ),
        );
      }),
    );

  const current = audioClock(port, audio, alternate.clock);
  if (policy !== "switch") return current.pipe(mergeMap(run));

  const isAbsent = ({ source }: AudioClock): Observable<boolean> =>
    source.isExternal ? isClockValid(port, controlInterface, source).pipe(map((isValid) => !isValid)) : of(false);

  return defer(() => {
    let others: readonly ClockOffer[] = [];
    const runOther = (otherwise: () => Observable<never>): Observable<never> =>
      switchClock(port, audio, alternate.clock, sampleRate).pipe(
        mergeMap((found) => {
          ({ others } = found);
          return found.clock === undefined ? otherwise() : run(found.clock);
        }),
      );
    const orOther = (isMeant: (error: unknown) => boolean): MonoTypeOperatorFunction<never> =>
      catchError((error: unknown) => {
        const fail = () => throwError(() => error);
        return isMeant(error) ? runOther(fail) : fail();
      });
    return current.pipe(
      mergeMap((clock) =>
        // One that nothing is connected to is not waited for, where there is another.
        isAbsent(clock).pipe(mergeMap((isNotThere) => (isNotThere ? runOther(() => run(clock)) : run(clock)))),
      ),
      // A selector may have none of its pins selected.
      orOther((error) => DescriptorError.is(error)),
      orOther(isClockInvalid),
      catchError((error: unknown) => failWithOthers(port, error, others, sampleRate)),
    );
  });
}

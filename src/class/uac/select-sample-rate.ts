import { catchError, concat, defer, EMPTY, ignoreElements, map, mergeMap, of, throwError, type Observable } from "rxjs";
import { DeviceError } from "../../errors.js";
import { audioClock, clockRate, clockRates, setClockRate, type AudioClock, type AudioControlPort } from "./clock.js";
import type { AudioAlternate, AudioFunction, SampleRateRange } from "./model.js";
import { checkSampleRate, sampleRatesInWords } from "./sample-rates.js";

/** Requests to an endpoint of UAC 1.0 (5.2.3.2.3.1): SET_CUR, GET_CUR, SAMPLING_FREQ_CONTROL. */
const endpointRequests = { set: 0x01, get: 0x81, samplingFrequency: 0x0100 } as const;

/**
 * The sample rates of an alternate setting: of UAC 1.0 from its descriptor, of UAC 2.0 from its clock. Emits once, and
 * completes.
 *
 * Errors: `DescriptorError` where the clock leads to no source; those of `UsbDevice.controlTransfer`.
 */
export function readSampleRates(
  port: AudioControlPort,
  audio: Pick<AudioFunction, "controlInterface" | "entities">,
  alternate: AudioAlternate,
): Observable<readonly SampleRateRange[]> {
  if (alternate.sampleRates !== undefined) return of(alternate.sampleRates);
  return audioClock(port, audio, alternate.clock).pipe(
    mergeMap((clock) => clockRates(port, audio.controlInterface, clock)),
  );
}

/**
 * Has a device of UAC 1.0 run an endpoint at a rate: SET_CUR of three bytes, then GET_CUR to see that it does. To be
 * called once the alternate setting is selected, before anything is sent or received. Completes without a value.
 *
 * An endpoint without the control has the rate that it has, and is not asked; one that does not tell its rate is taken
 * at its word.
 *
 * Errors: `EndpointError` `no-such-format` for a rate that is not in the descriptor; `DeviceError`
 * `rate-refused` where the device refuses, or then says that it runs at another rate; both say which rates there are.
 */
export function selectEndpointRate(
  port: AudioControlPort,
  alternate: AudioAlternate,
  sampleRate: number,
): Observable<never> {
  return defer(() => {
    const rates = alternate.sampleRates ?? [];
    checkSampleRate(alternate, rates, sampleRate);
    if (!alternate.hasRateControl) return EMPTY;
    const setup = { type: "class", recipient: "endpoint", index: alternate.endpoint.address } as const;
    const value = endpointRequests.samplingFrequency;
    const bytes = Uint8Array.of(sampleRate & 0xff, (sampleRate >> 8) & 0xff, (sampleRate >> 16) & 0xff);
    const set = port.controlTransfer({ ...setup, direction: "out", request: endpointRequests.set, value }, bytes);
    const check = port.controlTransfer({ ...setup, direction: "in", request: endpointRequests.get, value }, 3).pipe(
      catchError(unlessStalled(of(bytes))),
      mergeMap(([low = 0, middle = 0, high = 0]) => {
        const actual = low | (middle << 8) | (high << 16);
        // Devices that cannot tell say 0, as snd-usb-audio of Linux found.
        return actual === 0 || isClose(actual, sampleRate)
          ? EMPTY
          : throwError(() => otherRate(sampleRate, actual, rates));
      }),
    );
    return concat(
      set.pipe(
        ignoreElements(),
        catchError((error: unknown) => throwError(() => refused(error, sampleRate, rates))),
      ),
      check,
    );
  });
}

/**
 * Has the clock of a stream of UAC 2.0 run at a rate: SET_CUR of four bytes to the clock source, then GET_CUR to see
 * that it does. To be called before the alternate setting is selected, while the AudioControl interface is claimed.
 * A clock that is at the rate already is left alone: other streams may be running on it. One that does not tell its
 * rate is set, and taken at its word. Completes without a value.
 *
 * Errors: `EndpointError` `no-such-format` for a rate that the clock does not have; `DeviceError`
 * `rate-refused` where it cannot be set, or then runs at another one; both say which rates there are. `DescriptorError`
 * where the clock leads to no source.
 */
export function selectClockRate(
  port: AudioControlPort,
  audio: Pick<AudioFunction, "controlInterface" | "entities">,
  alternate: AudioAlternate,
  sampleRate: number,
): Observable<never> {
  const { controlInterface } = audio;
  const set = (clock: AudioClock, rates: readonly SampleRateRange[]): Observable<never> => {
    const check = clockRate(port, controlInterface, clock).pipe(
      catchError(unlessStalled(of(sampleRate))),
      mergeMap((actual) =>
        isClose(actual, sampleRate) ? EMPTY : throwError(() => otherRate(sampleRate, actual, rates)),
      ),
    );
    return concat(
      setClockRate(port, controlInterface, clock, sampleRate).pipe(
        ignoreElements(),
        catchError((error: unknown) => throwError(() => refused(error, sampleRate, rates))),
      ),
      check,
    );
  };
  return audioClock(port, audio, alternate.clock).pipe(
    mergeMap((clock) => clockRates(port, controlInterface, clock).pipe(map((rates) => ({ clock, rates })))),
    mergeMap(({ clock, rates }) => {
      checkSampleRate(alternate, rates, sampleRate);
      return clockRate(port, controlInterface, clock).pipe(
        catchError(unlessStalled(of(0))),
        mergeMap((actual) => {
          if (actual === sampleRate) return EMPTY;
          if (clock.source.isProgrammable) return set(clock, rates);
          return throwError(() => otherRate(sampleRate, actual, rates));
        }),
      );
    }),
  );
}

/** Clocks are not exact: some endpoints say what they measure. */
function isClose(actual: number, wanted: number): boolean {
  return Math.abs(actual - wanted) <= wanted / 1000;
}

function otherRate(wanted: number, actual: number, rates: readonly SampleRateRange[]): DeviceError {
  return new DeviceError(
    "rate-refused",
    `the device runs at ${actual} Hz, and not at ${wanted}: choose what it has, ${sampleRatesInWords(rates)}; other streams on its clock, or an external one, may hold it at that`,
  );
}

function refused(error: unknown, sampleRate: number, rates: readonly SampleRateRange[]): unknown {
  if (!isStall(error)) return error;
  return new DeviceError(
    "rate-refused",
    `the device refuses to run at ${sampleRate} Hz: choose another rate of ${sampleRatesInWords(rates)}`,
    { cause: error },
  );
}

function unlessStalled<T>(instead: Observable<T>): (error: unknown) => Observable<T> {
  return (error) => (isStall(error) ? instead : throwError(() => error));
}

function isStall(error: unknown): boolean {
  return DeviceError.is(error) && error.code === "control-stalled";
}

import { catchError, concat, defer, EMPTY, ignoreElements, mergeMap, of, throwError, type Observable } from "rxjs";
import { audioClock, clockRates } from "./clock.js";
import { unlessStalled, type AudioControlPort } from "./clock-requests.js";
import type { AudioAlternate, AudioFunction, SampleRateRange } from "./model.js";
import { isCloseRate, otherRate, rateRefused } from "./rate-errors.js";
import { checkSampleRate } from "./sample-rates.js";

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
        return actual === 0 || isCloseRate(actual, sampleRate)
          ? EMPTY
          : throwError(() => otherRate(sampleRate, actual, rates));
      }),
    );
    return concat(
      set.pipe(
        ignoreElements(),
        catchError((error: unknown) => throwError(() => rateRefused(error, sampleRate, rates))),
      ),
      check,
    );
  });
}

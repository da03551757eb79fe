import { catchError, EMPTY, first, map, mergeMap, of, repeat, throwError, timer, type Observable } from "rxjs";
import { DeviceError } from "../../errors.js";
import { clockName } from "./clock-name.js";
import { controls, getControl, unlessStalled, type AudioControlPort } from "./clock-requests.js";
import type { AudioEntity } from "./model.js";

/** Milliseconds from one question to the next: as snd-usb-audio of Linux asks devices that are known to be slow. */
const pause = 100;

/**
 * Whether a clock source says that it is valid (UAC 2.0, 5.2.5.1.2). One that has no such control, or does not answer
 * although it has, is taken to be. Emits once, and completes.
 */
export function isClockValid(
  port: AudioControlPort,
  controlInterface: number,
  { id: entity, hasValidity }: AudioEntity,
): Observable<boolean> {
  if (!hasValidity) return of(true);
  return getControl(port, { controlInterface, entity, control: controls.clockValid }, 1).pipe(
    map(([valid]) => valid !== 0),
    catchError(unlessStalled(of(true))),
  );
}

/**
 * Waits until a clock source is valid: it is asked at once, then ten times a second. Completes without a value.
 *
 * @param timeout milliseconds; 0 asks once
 *
 * Errors: `DeviceError` `clock-invalid`, which says which clock it is and what to do.
 */
export function clockValid(
  port: AudioControlPort,
  controlInterface: number,
  source: AudioEntity,
  timeout: number,
): Observable<never> {
  const delay = (asked: number) => timer(Math.min(pause, timeout - (asked - 1) * pause));
  const refuse = clockName(port, source).pipe(mergeMap((name) => throwError(() => invalid(name, source, timeout))));
  return isClockValid(port, controlInterface, source).pipe(
    repeat({ count: 1 + Math.ceil(timeout / pause), delay }),
    first((isValid) => isValid, false),
    mergeMap((isValid) => (isValid ? EMPTY : refuse)),
  );
}

function invalid(name: string, { isExternal }: AudioEntity, timeout: number): DeviceError {
  const help = isExternal
    ? "connect the signal that it takes its time from, at the sample rate that is wanted, or have the device run on another clock"
    : "wait longer for it (clockTimeout), or plug the device in again";
  return new DeviceError(
    "clock-invalid",
    `the device says that ${name} is not valid, for ${timeout} ms: ${help}; a device that says so of a clock that works is not asked with clock: 'any'`,
  );
}

export function isClockInvalid(error: unknown): boolean {
  return DeviceError.is(error) && error.code === "clock-invalid";
}

import { defer, forkJoin, map, mergeMap, of, throwError, type Observable } from "rxjs";
import { DescriptorError } from "../../errors.js";
import {
  controls,
  getControl,
  getNumber,
  littleEndian,
  requests,
  setNumber,
  type AudioControlPort,
  type EntityControl,
} from "./clock-requests.js";
import type { AudioEntity, AudioFunction, SampleRateRange } from "./model.js";

/** A sub-range of four-byte parameters: MIN, MAX, RES (UAC 2.0, 5.2.3.3). */
const rangeSize = 12;
/** More entities in a row than this are a loop. */
export const longestPath = 32;

/** The clock source that a stream runs on, and what clock multipliers on the way make of its rate. */
export interface AudioClock {
  readonly source: AudioEntity;
  /** Rate of the stream divided by that of the source. */
  readonly factor: number;
}

/**
 * Follows the clock of a stream of UAC 2.0 to its source: through the pin that a clock selector has selected, and
 * through clock multipliers (UAC 2.0, 4.7.2.1 to 4.7.2.3). Emits once, and completes.
 *
 * Errors: {@link DescriptorError} `bad-descriptor` where it leads to no source; those of the control transfers.
 */
export function audioClock(
  port: AudioControlPort,
  { controlInterface, entities }: Pick<AudioFunction, "controlInterface" | "entities">,
  clock: number | undefined,
): Observable<AudioClock> {
  const current = ({ id: entity }: AudioEntity, control: number, length: number) =>
    getNumber(port, { controlInterface, entity, control }, length);

  const follow = (id: number | undefined, factor: number, left: number): Observable<AudioClock> => {
    const entity = clockEntity(entities, id);
    if (entity === undefined || left === 0) return throwError(() => noClock(clock));
    const next = (pin: number, by = 1) => follow(entity.sources[pin], factor * by, left - 1);
    switch (entity.kind) {
      case "clock-source":
        return of({ source: entity, factor });
      case "clock-selector":
        if (entity.sources.length === 1) return next(0);
        return current(entity, controls.selectedPin, 1).pipe(mergeMap((pin) => next(pin - 1)));
      default:
        return forkJoin([current(entity, controls.numerator, 2), current(entity, controls.denominator, 2)]).pipe(
          mergeMap(([numerator, denominator]) =>
            numerator === 0 || denominator === 0 ? throwError(() => noClock(clock)) : next(0, numerator / denominator),
          ),
        );
    }
  };
  return defer(() => follow(clock, 1, longestPath));
}

/** The clock entity of that number. */
export function clockEntity(entities: readonly AudioEntity[], clock: number | undefined): AudioEntity | undefined {
  return entities.find(({ id, kind }) => id === clock && kind.startsWith("clock"));
}

function noClock(clock: number | undefined): DescriptorError {
  return new DescriptorError(
    "bad-descriptor",
    `the clock of the stream, entity ${String(clock)}, leads to no clock source: the device's descriptor is wrong`,
  );
}

/**
 * The rates of a clock source: the RANGE attribute of its sampling frequency (UAC 2.0, 5.2.5.1.1), first its
 * length, then all of it.
 */
export function clockRates(
  port: AudioControlPort,
  controlInterface: number,
  { source, factor }: AudioClock,
): Observable<SampleRateRange[]> {
  const range = (length: number) => getControl(port, rateOf(controlInterface, source), length, requests.range);
  return range(2).pipe(
    mergeMap((head) => range(2 + Math.min(littleEndian(head, 0, 2), mostRanges) * rangeSize)),
    map((bytes) => {
      const count = Math.min(littleEndian(bytes, 0, 2), Math.floor((bytes.length - 2) / rangeSize));
      return Array.from({ length: Math.max(0, count) }, (_, i): SampleRateRange => {
        const at = (field: number) => Math.round(littleEndian(bytes, 2 + rangeSize * i + 4 * field, 4) * factor);
        const [min, max, step] = [at(0), at(1), at(2)];
        return { min, max, step: min === max ? 0 : Math.max(1, step) };
      }).filter(({ min, max }) => min > 0 && min <= max);
    }),
  );
}

/** More than that no device has; and 0xffff of them would not fit in a request. */
const mostRanges = 256;

/** The rate that a clock source is at. */
export function clockRate(
  port: AudioControlPort,
  controlInterface: number,
  { source, factor }: AudioClock,
): Observable<number> {
  return getNumber(port, rateOf(controlInterface, source), 4).pipe(map((rate) => Math.round(rate * factor)));
}

/** Sets the rate of a clock source (UAC 2.0, 5.2.5.1.1). Emits an empty array when it is set. */
export function setClockRate(
  port: AudioControlPort,
  controlInterface: number,
  { source, factor }: AudioClock,
  sampleRate: number,
): Observable<Uint8Array> {
  return setNumber(port, rateOf(controlInterface, source), Math.round(sampleRate / factor), 4);
}

function rateOf(controlInterface: number, { id: entity }: AudioEntity): EntityControl {
  return { controlInterface, entity, control: controls.sampleRate };
}

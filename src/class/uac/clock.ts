import { defaultIfEmpty, defer, forkJoin, map, mergeMap, of, throwError, type Observable } from "rxjs";
import type { UsbDevice } from "../../device.js";
import { DescriptorError } from "../../errors.js";
import type { AudioEntity, AudioFunction, SampleRateRange } from "./model.js";

/** Where requests of the audio class go: a {@link UsbDevice}, or what stands in for one. */
export type AudioControlPort = Pick<UsbDevice, "controlTransfer">;

/** bRequest (UAC 2.0, A.14). */
const requests = { current: 1, range: 2 } as const;
/** Control selectors of clock entities (UAC 2.0, A.17.1 to A.17.3). */
const controls = { sampleRate: 1, selectedPin: 1, numerator: 1, denominator: 2 } as const;
/** A sub-range of four-byte parameters: MIN, MAX, RES (UAC 2.0, 5.2.3.3). */
const rangeSize = 12;
/** More entities in a row than this are a loop. */
const longestPath = 32;

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
  const current = (entity: AudioEntity, control: number, length: number) =>
    get(port, controlInterface, entity.id, control, length).pipe(map((bytes) => littleEndian(bytes, 0, length)));

  const follow = (id: number | undefined, factor: number, left: number): Observable<AudioClock> => {
    const entity = entities.find((each) => each.id === id && each.kind.startsWith("clock"));
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
  const range = (length: number) => get(port, controlInterface, source.id, controls.sampleRate, length, requests.range);
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
  return get(port, controlInterface, source.id, controls.sampleRate, 4).pipe(
    map((bytes) => Math.round(littleEndian(bytes, 0, 4) * factor)),
  );
}

/** Sets the rate of a clock source (UAC 2.0, 5.2.5.1.1). Emits an empty array when it is set. */
export function setClockRate(
  port: AudioControlPort,
  controlInterface: number,
  { source, factor }: AudioClock,
  sampleRate: number,
): Observable<Uint8Array> {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, Math.round(sampleRate / factor), true);
  return port.controlTransfer(
    {
      direction: "out",
      type: "class",
      recipient: "interface",
      request: requests.current,
      value: controls.sampleRate << 8,
      index: (source.id << 8) | controlInterface,
    },
    bytes,
  );
}

function get(
  port: AudioControlPort,
  controlInterface: number,
  entity: number,
  control: number,
  length: number,
  request: number = requests.current,
): Observable<Uint8Array> {
  const index = (entity << 8) | controlInterface;
  return port
    .controlTransfer(
      { direction: "in", type: "class", recipient: "interface", request, value: control << 8, index },
      length,
    )
    .pipe(defaultIfEmpty(new Uint8Array(0)));
}

/** A number of up to four bytes; bytes that are not there are 0. */
function littleEndian(bytes: Uint8Array, offset: number, length: number): number {
  let value = 0;
  for (let i = length - 1; i >= 0; i--) value = value * 256 + (bytes[offset + i] ?? 0);
  return value;
}

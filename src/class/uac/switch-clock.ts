import {
  catchError,
  concat,
  defaultIfEmpty,
  defer,
  EMPTY,
  filter,
  forkJoin,
  map,
  mergeMap,
  take,
  type Observable,
} from "rxjs";
import { clockEntity, longestPath, type AudioClock } from "./clock.js";
import { clockOffer, type ClockOffer } from "./clock-offer.js";
import { controls, getNumber, unlessStalled, type AudioControlPort } from "./clock-requests.js";
import { isClockValid } from "./clock-validity.js";
import type { AudioEntity, AudioFunction } from "./model.js";
import { selectPins, type SelectorPin } from "./select-pins.js";

/** What {@link switchClock} found. */
export interface SwitchedClock {
  /** A source that is valid, has the rate, and is selected now; `undefined` where there is none. */
  readonly clock: AudioClock | undefined;
  /** Sources that are valid, and were passed over because they do not have the rate. */
  readonly others: readonly ClockOffer[];
}

/** Entities that are looked at, at most: a descriptor can have more ways to its sources than anybody can go. */
const mostVisits = 256;

/**
 * Has the clock selectors of a stream select a source that is valid now, and has the rate (UAC 2.0, 5.2.5.2.1), where
 * the one that they have selected is not: the first in the order of their pins. Emits once, and completes; without a
 * clock where there is none of both, or no selector that the host can set.
 *
 * Sources are asked by their own numbers: nothing is set before one is found, and what is set for one that cannot be
 * selected after all is set back.
 *
 * Errors: those of the control transfers, but for a STALL.
 */
export function switchClock(
  port: AudioControlPort,
  audio: Pick<AudioFunction, "controlInterface" | "entities">,
  clock: number | undefined,
  sampleRate: number,
): Observable<SwitchedClock> {
  return defer(() => {
    const search = new ClockSearch(port, audio, sampleRate);
    return search.seek(clock, { factor: 1, passed: [], pins: [] }).pipe(
      take(1),
      map((found): SwitchedClock => ({ clock: found, others: search.others })),
      defaultIfEmpty<SwitchedClock, SwitchedClock>({ clock: undefined, others: search.others }),
    );
  });
}

/** How one gets from a stream to a clock entity. */
interface Way {
  /** What the clock multipliers on it come to. */
  readonly factor: number;
  /** The entities on it: a descriptor can lead in circles. */
  readonly passed: readonly number[];
  /** What has to be selected for it, from its far end on. */
  readonly pins: readonly SelectorPin[];
}

class ClockSearch {
  readonly others: ClockOffer[] = [];
  readonly #port: AudioControlPort;
  readonly #controlInterface: number;
  readonly #entities: readonly AudioEntity[];
  readonly #sampleRate: number;
  #visits = 0;

  constructor(
    port: AudioControlPort,
    { controlInterface, entities }: Pick<AudioFunction, "controlInterface" | "entities">,
    sampleRate: number,
  ) {
    this.#port = port;
    this.#controlInterface = controlInterface;
    this.#entities = entities;
    this.#sampleRate = sampleRate;
  }

  /** Selects a source behind an entity, and emits its clock; then the next one, if anybody still waits. */
  seek(id: number | undefined, way: Way): Observable<AudioClock> {
    return defer(() => {
      const entity = clockEntity(this.#entities, id);
      if (entity === undefined || way.passed.includes(entity.id) || way.passed.length === longestPath) return EMPTY;
      if (++this.#visits > mostVisits) return EMPTY;
      const onward = { ...way, passed: [...way.passed, entity.id] };
      switch (entity.kind) {
        case "clock-source":
          return this.#seekSource({ source: entity, factor: way.factor }, way);
        case "clock-selector":
          return this.#seekPin(entity, onward);
        default:
          return this.#seekMultiplied(entity, onward);
      }
    });
  }

  #seekSource(clock: AudioClock, { pins }: Way): Observable<AudioClock> {
    return isClockValid(this.#port, this.#controlInterface, clock.source).pipe(
      filter((isValid) => isValid),
      mergeMap(() => clockOffer(this.#port, this.#controlInterface, clock, this.#sampleRate)),
      mergeMap((offer) => {
        if (offer.hasRate) return selectPins(this.#port, pins);
        this.#passOver(offer);
        return EMPTY;
      }),
      filter((isSelected) => isSelected),
      map(() => clock),
    );
  }

  /** Several ways can lead to one source. */
  #passOver(offer: ClockOffer): void {
    const { source, factor } = offer.clock;
    if (!this.others.some(({ clock }) => clock.source === source && clock.factor === factor)) this.others.push(offer);
  }

  #seekPin({ id: entity, sources, isProgrammable }: AudioEntity, way: Way): Observable<AudioClock> {
    if (sources.length === 1) return this.seek(sources[0], way);
    const selector = { controlInterface: this.#controlInterface, entity, control: controls.selectedPin };
    return getNumber(this.#port, selector, 1).pipe(
      catchError(unlessStalled(EMPTY)),
      mergeMap((selected) => {
        const pins = sources.map((source, i) => ({ source, pin: i + 1 })).filter(({ pin }) => pin !== selected);
        const others = pins.map(({ source, pin }) =>
          this.seek(source, { ...way, pins: [{ selector, pin, selected }, ...way.pins] }),
        );
        return concat(this.seek(sources[selected - 1], way), ...(isProgrammable ? others : []));
      }),
    );
  }

  #seekMultiplied({ id: entity, sources }: AudioEntity, way: Way): Observable<AudioClock> {
    const current = (control: number) =>
      getNumber(this.#port, { controlInterface: this.#controlInterface, entity, control }, 2);
    return forkJoin([current(controls.numerator), current(controls.denominator)]).pipe(
      catchError(unlessStalled(EMPTY)),
      filter(([numerator, denominator]) => numerator > 0 && denominator > 0),
      mergeMap(([numerator, denominator]) =>
        this.seek(sources[0], { ...way, factor: way.factor * (numerator / denominator) }),
      ),
    );
  }
}

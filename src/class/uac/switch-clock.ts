import { catchError, concat, defer, EMPTY, filter, map, mergeMap, of, take, type Observable } from "rxjs";
import { audioClock, clockEntity, type AudioClock } from "./clock.js";
import {
  controls,
  getNumber,
  setNumber,
  unlessStalled,
  type AudioControlPort,
  type EntityControl,
} from "./clock-requests.js";
import { isClockValid } from "./clock-validity.js";
import type { AudioEntity, AudioFunction } from "./model.js";

/**
 * Has the clock selectors of a stream select a source that is valid now (UAC 2.0, 5.2.5.2.1), where the one that they
 * have selected is not: the first in the order of their pins. Emits the clock that the stream then runs on, and
 * completes; without a value where there is none that is valid, or no selector that the host can set.
 *
 * Errors: those of {@link audioClock}.
 */
export function switchClock(
  port: AudioControlPort,
  audio: Pick<AudioFunction, "controlInterface" | "entities">,
  clock: number | undefined,
): Observable<AudioClock> {
  return defer(() => {
    const search = new ClockSearch(port, audio);
    return search.seek(clock).pipe(mergeMap(() => audioClock(port, audio, clock)));
  });
}

class ClockSearch {
  readonly #port: AudioControlPort;
  readonly #controlInterface: number;
  readonly #entities: readonly AudioEntity[];
  /** A descriptor can lead in circles. */
  readonly #visited = new Set<number>();

  constructor(
    port: AudioControlPort,
    { controlInterface, entities }: Pick<AudioFunction, "controlInterface" | "entities">,
  ) {
    this.#port = port;
    this.#controlInterface = controlInterface;
    this.#entities = entities;
  }

  /** Emits once, if the source behind an entity is valid. */
  seek(id: number | undefined): Observable<true> {
    return defer(() => {
      const entity = clockEntity(this.#entities, id);
      if (entity === undefined || this.#visited.has(entity.id)) return EMPTY;
      this.#visited.add(entity.id);
      switch (entity.kind) {
        case "clock-source":
          return isClockValid(this.#port, this.#controlInterface, entity).pipe(
            mergeMap((isValid) => (isValid ? of(true as const) : EMPTY)),
          );
        case "clock-selector":
          return this.#seekPin(entity);
        default:
          return this.seek(entity.sources[0]);
      }
    });
  }

  #seekPin({ id: entity, sources, isProgrammable }: AudioEntity): Observable<true> {
    if (sources.length === 1) return this.seek(sources[0]);
    const selector = { controlInterface: this.#controlInterface, entity, control: controls.selectedPin };
    return getNumber(this.#port, selector, 1).pipe(
      mergeMap((selected) => {
        const others = sources.map((source, i) => ({ source, pin: i + 1 })).filter(({ pin }) => pin !== selected);
        const selectors = others.map(({ source, pin }) =>
          this.seek(source).pipe(mergeMap(() => select(this.#port, selector, pin))),
        );
        return concat(this.seek(sources[selected - 1]), ...(isProgrammable ? selectors : [])).pipe(take(1));
      }),
    );
  }
}

/** Emits once, if the selector then says that it has selected this pin. */
function select(port: AudioControlPort, selector: EntityControl, pin: number): Observable<true> {
  return setNumber(port, selector, pin, 1).pipe(
    mergeMap(() => getNumber(port, selector, 1)),
    catchError(unlessStalled(of(0))),
    filter((selected) => selected === pin),
    map(() => true as const),
  );
}

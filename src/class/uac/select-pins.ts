import { catchError, map, mergeMap, of, type Observable } from "rxjs";
import { getNumber, setNumber, unlessStalled, type AudioControlPort, type EntityControl } from "./clock-requests.js";

/** A pin of a clock selector that is to be selected, and the one that is. */
export interface SelectorPin {
  readonly selector: EntityControl;
  readonly pin: number;
  readonly selected: number;
}

/**
 * Selects pins of clock selectors (UAC 2.0, 5.2.5.2.1), one after the other. Emits whether all are selected then; where
 * a selector refuses, or does not do what it was told, it and those before it are set back.
 */
export function selectPins(port: AudioControlPort, [first, ...others]: readonly SelectorPin[]): Observable<boolean> {
  if (first === undefined) return of(true);
  const setBack = () =>
    setNumber(port, first.selector, first.selected, 1).pipe(
      map(() => false),
      catchError(unlessStalled(of(false))),
    );
  return selectPin(port, first).pipe(
    mergeMap((isSelected) => (isSelected ? selectPins(port, others) : of(false))),
    // One that has not done it yet may do it later.
    mergeMap((areSelected) => (areSelected ? of(true) : setBack())),
  );
}

/** Emits whether the selector then says that it has selected the pin. */
function selectPin(port: AudioControlPort, { selector, pin }: SelectorPin): Observable<boolean> {
  return setNumber(port, selector, pin, 1).pipe(
    mergeMap(() => getNumber(port, selector, 1)),
    map((selected) => selected === pin),
    catchError(unlessStalled(of(false))),
  );
}

import { catchError, concat, defer, EMPTY, throwError, type Observable } from "rxjs";
import { IsochError } from "./errors.js";

/**
 * Runs every step, one after the other, whatever fails on the way, and errors at the end with the
 * first failure. That the device is gone is no failure: there is nothing left to give back.
 *
 * @internal
 */
export function runAll(...steps: readonly Observable<never>[]): Observable<never> {
  return defer(() => {
    const failures: unknown[] = [];
    const tolerant = steps.map((step) =>
      step.pipe(
        catchError((error: unknown) => {
          if (!IsochError.is(error) || error.code !== "device-gone") failures.push(error);
          return EMPTY;
        }),
      ),
    );
    return concat(
      ...tolerant,
      defer(() => (failures.length === 0 ? EMPTY : throwError(() => failures[0]))),
    );
  });
}

/**
 * Completes where the source completes or errors.
 * @internal
 */
export function settled(source: Observable<never>): Observable<never> {
  return source.pipe(catchError(() => EMPTY));
}

import { catchError, concat, defer, EMPTY, of, throwError, type Observable } from "rxjs";
import type { CaptureStep } from "./format.js";

/** Steps, and a last one with what finishes the file, however they end. */
export function withTail(steps: Observable<CaptureStep>, tail: () => CaptureStep): Observable<CaptureStep> {
  return defer(() => {
    let failure: { readonly error: unknown } | undefined;
    return concat(
      steps.pipe(
        catchError((error: unknown) => {
          failure = { error };
          return EMPTY;
        }),
      ),
      defer(() => of(tail())),
      defer(() => (failure === undefined ? EMPTY : throwError(() => failure?.error))),
    );
  });
}

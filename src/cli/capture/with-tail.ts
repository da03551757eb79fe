import { catchError, concat, defer, EMPTY, of, throwError, type Observable } from "rxjs";
import type { FilePiece } from "../files/output.js";
import { noCounts } from "../stream-account.js";
import type { CaptureStep } from "./format.js";

/** Steps, and a last one with what finishes the file, however they end. */
export function withTail(steps: Observable<CaptureStep>, tail: () => readonly FilePiece[]): Observable<CaptureStep> {
  return defer(() => {
    let failure: { readonly error: unknown } | undefined;
    return concat(
      steps.pipe(
        catchError((error: unknown) => {
          failure = { error };
          return EMPTY;
        }),
      ),
      defer(() => of({ pieces: tail(), counts: noCounts })),
      defer(() => (failure === undefined ? EMPTY : throwError(() => failure?.error))),
    );
  });
}

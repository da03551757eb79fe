import { catchError, concat, concatMap, defer, map, of, throwError, type Observable } from "rxjs";
import type { IsochResults } from "../../index.js";
import type { FileBytes } from "../../../operators/node/file-bytes.js";
import { payload, type BadFramePolicy } from "../../../operators/index.js";
import { countsOf } from "../stream-account.js";
import type { CaptureFormat, CaptureStep } from "./format.js";
import { capturedResults } from "./results.js";

/** The bytes alone. */
export const raw: CaptureFormat = {
  name: "raw",
  description: "the bytes of the packets, one after the other",
  extensions: ["raw", "bin"],
  needsFile: false,
  badFrames: ["skip", "keep", "zero", "error"],
  virtual: "counter",
  capture: (target, context) =>
    defer(() => {
      let frameLength = 0;
      return capturedResults(target, context).pipe(
        concatMap((results) => {
          frameLength = results.requested[0] ?? frameLength;
          // Frames that were lost are zeros as well: the file keeps time.
          const lost = context.badFrames === "zero" ? results.lost * frameLength : 0;
          return stepOf(results, { byte: 0, length: lost }, context.badFrames);
        }),
      );
    }),
};

function stepOf(results: IsochResults, before: FileBytes, badFrames: BadFramePolicy): Observable<CaptureStep> {
  const counts = countsOf(results);
  return of(results).pipe(
    payload({ badFrames }),
    map((bytes) => ({ pieces: [before, bytes], counts })),
    // Of the frames that end the capture there are no bytes, but they came.
    catchError((error: unknown) =>
      concat(
        of({ pieces: [], counts }),
        throwError(() => error),
      ),
    ),
  );
}

import { catchError, concat, concatMap, defer, map, of, throwError, type Observable } from "rxjs";
import type { IsochResults } from "../../index.js";
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
          const before = context.badFrames === "zero" ? zeros(results.lost * frameLength) : [];
          return stepOf(results, before, context.badFrames);
        }),
      );
    }),
};

function stepOf(
  results: IsochResults,
  before: readonly Uint8Array[],
  badFrames: BadFramePolicy,
): Observable<CaptureStep> {
  const counts = countsOf(results);
  return of(results).pipe(
    payload({ badFrames }),
    map((bytes) => ({ pieces: [...before, bytes], counts })),
    // Of the frames that end the capture there are no bytes, but they came.
    catchError((error: unknown) =>
      concat(
        of({ pieces: [], counts }),
        throwError(() => error),
      ),
    ),
  );
}

const manyZeros = new Uint8Array(2 ** 20);

/** So many zeros. They are the same ones over and over: a machine that slept for an hour costs time, not memory. */
function zeros(length: number): readonly Uint8Array[] {
  const whole = Array.from({ length: Math.floor(length / manyZeros.length) }, () => manyZeros);
  return [...whole, manyZeros.subarray(0, length % manyZeros.length)];
}

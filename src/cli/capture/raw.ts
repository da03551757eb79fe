import { concatMap, map, of, reduce, type Observable } from "rxjs";
import type { IsochResults } from "../../index.js";
import { gaps, payload, type BadFramePolicy } from "../../../operators/index.js";
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
    capturedResults(target, context).pipe(concatMap((results) => stepOf(results, context.badFrames))),
};

/** With `zero`, frames that are lost are zeros as well: the file keeps time. */
function stepOf(results: IsochResults, badFrames: BadFramePolicy): Observable<CaptureStep> {
  const all = badFrames === "zero" ? of(results).pipe(gaps()) : of(results);
  return all.pipe(
    payload({ badFrames }),
    reduce((pieces: readonly Uint8Array[], bytes) => [...pieces, bytes], []),
    map((pieces) => ({ pieces, counts: countsOf(results) })),
  );
}

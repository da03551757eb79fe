import { map, type OperatorFunction } from "rxjs";
import { joined } from "../src/joined.js";
import { FrameError, IsochResults, type FrameResult } from "../src/index.js";
import { oneOf } from "../src/numbers.js";

/**
 * What becomes of the bytes of a frame whose status is not `ok`.
 *
 * - `skip`: they are left out.
 * - `keep`: what arrived is passed on.
 * - `zero`: as many zeros as were asked for, so that the stream keeps time; with `gaps` upstream,
 *   for lost frames too.
 * - `error`: the stream errors with {@link FrameError}.
 */
export type BadFramePolicy = "skip" | "keep" | "zero" | "error";

/** How `payload` treats frames. */
export interface PayloadOptions {
  /** Default: `skip`. */
  readonly badFrames?: BadFramePolicy | undefined;
}

const policies = ["skip", "keep", "zero", "error"] as const satisfies readonly BadFramePolicy[];

/**
 * Passes on the bytes alone: one array per frame, or one contiguous array per transfer, empty
 * where nothing came. Frames that were cancelled before their turn have none under any policy.
 *
 * The arrays are views into the results where nothing stands in the way, else copies; either way
 * they are the receiver's, under the terms of {@link FrameResult.data}.
 *
 * Errors: {@link FrameError} `bad-frame` under the policy `error`; `InvalidRequestError`
 * `invalid-option`, thrown at the call.
 *
 * @example
 * ```ts
 * import type { IsochPipe } from "rx-isoch";
 * import { payload } from "rx-isoch/operators";
 *
 * export const bytes = (pipe: IsochPipe) => pipe.results().pipe(payload({ badFrames: "zero" }));
 * ```
 */
export function payload({ badFrames = "skip" }: PayloadOptions = {}): OperatorFunction<
  FrameResult | IsochResults,
  Uint8Array
> {
  const policy = oneOf("badFrames", badFrames, policies);
  return map((value) => (value instanceof IsochResults ? resultsPayload(value, policy) : framePayload(value, policy)));
}

function framePayload(frame: FrameResult, policy: BadFramePolicy): Uint8Array {
  if (frame.status === "ok" || policy === "keep") return frame.data;
  if (frame.status === "not-complete" || policy === "skip") return new Uint8Array(0);
  if (policy === "zero") return new Uint8Array(frame.requested);
  throw new FrameError(
    "bad-frame",
    `frame ${frame.frame} failed with '${frame.status}': choose another badFrames policy to go on`,
  );
}

function resultsPayload(results: IsochResults, policy: BadFramePolicy): Uint8Array {
  if (results.error === "ok") return results.compact().data;
  return joined(Array.from(results, (frame) => framePayload(frame, policy)));
}

import { concat, EMPTY, of, throwError, type Observable } from "rxjs";
import type { FileLayout } from "../../../operators/node/file-sink.js";
import { noCounts } from "../stream-account.js";
import type { CaptureStep } from "./format.js";

type Layout<T> = Pick<FileLayout<T, unknown>, "add" | "finish">;

/** What the file takes of some values, and why it takes no more. */
export interface LaidOut {
  readonly pieces: readonly Uint8Array[];
  /** Values that were taken. */
  readonly count: number;
  readonly failure: { readonly error: unknown } | undefined;
}

/** Adds values to a file until it refuses one, because it is full for instance: those before it are in it. */
export function layOut<T>(layout: Layout<T>, values: readonly T[]): LaidOut {
  const pieces: Uint8Array[] = [];
  for (const [count, value] of values.entries()) {
    try {
      pieces.push(...layout.add(value));
    } catch (error) {
      return { pieces, count, failure: { error } };
    }
  }
  return { pieces, count: values.length, failure: undefined };
}

/** A step, and the end where the file takes no more: what came from the bus for it counts all the same. */
export function stepOf(step: CaptureStep, { failure }: LaidOut): Observable<CaptureStep> {
  return concat(of(step), failure === undefined ? EMPTY : throwError(() => failure.error));
}

/** What finishes a file. */
export function ending<T>(layout: Layout<T>, counts = noCounts): CaptureStep {
  const { tail, head } = layout.finish();
  return { pieces: [...tail, { at: 0, bytes: head }], counts };
}

import { concat, EMPTY, of, throwError, type Observable } from "rxjs";
import type { FileBytes } from "../../../operators/node/file-bytes.js";
import type { FileEnding, FileLayout } from "../../../operators/node/file-layout.js";
import { noCounts } from "../stream-account.js";
import type { CaptureStep } from "./format.js";

/** What the file takes of some values, and why it takes no more. */
export interface LaidOut {
  readonly pieces: readonly FileBytes[];
  readonly failure: { readonly error: unknown } | undefined;
}

/** Adds values to a file until it refuses one, because it is full for instance: those before it are in it. */
export function layOut<T>(layout: Pick<FileLayout<T, unknown>, "add">, values: readonly T[]): LaidOut {
  const pieces: FileBytes[] = [];
  for (const value of values) {
    try {
      pieces.push(...layout.add(value));
    } catch (error) {
      return { pieces, failure: { error } };
    }
  }
  return { pieces, failure: undefined };
}

/** A step, and the end where the file takes no more: what came from the bus for it counts all the same. */
export function stepOf(step: CaptureStep, { failure }: LaidOut): Observable<CaptureStep> {
  return concat(of(step), failure === undefined ? EMPTY : throwError(() => failure.error));
}

/** What finishes a file, once it is known how much of it there was room for. */
export function ending(layout: FileEnding, counts = noCounts): CaptureStep {
  return { pieces: [layout], counts };
}

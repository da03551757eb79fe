import { lastValueFrom, take, toArray, type Observable } from "rxjs";
import { isochPipe, type IsochResults, type IsochTransport, type StreamOptions } from "rx-isoch";
import { recorded } from "rx-isoch/transports/replay";
import { joined } from "../../../src/joined.js";

/** What matters of results, and what a replay has to give again. */
export function comparable(results: readonly IsochResults[]) {
  return results.map(({ firstFrame, lost, length, requested, actual, statuses, data, compacted, error }) => ({
    firstFrame,
    lost,
    length,
    requested: [...requested],
    actual: [...actual],
    statuses: [...statuses],
    data: Buffer.from(data).toString("base64"),
    compacted,
    error,
  }));
}

export interface Recording {
  readonly bytes: Uint8Array;
  readonly results: readonly IsochResults[];
}

/** Records what `work` makes of a transport. */
export async function recordWhile<T>(
  transport: IsochTransport,
  work: (transport: IsochTransport) => Observable<T>,
): Promise<{ readonly bytes: Uint8Array; readonly values: readonly T[] }> {
  const recording = recorded(transport);
  const chunks: Uint8Array[] = [];
  const subscription = recording.capture.subscribe((chunk) => chunks.push(chunk));
  const values = await lastValueFrom(work(recording).pipe(toArray()));
  // What was in flight completes with the close.
  await new Promise((resolve) => setTimeout(resolve, 5));
  subscription.unsubscribe();
  return { bytes: joined(chunks), values };
}

/** So many results of an endpoint. */
export function results(
  transport: IsochTransport,
  endpoint: number,
  count: number,
  options?: StreamOptions,
): Observable<IsochResults> {
  return isochPipe(transport, { endpoint }).results(options).pipe(take(count));
}

/** Records so many results. */
export async function record(
  transport: IsochTransport,
  endpoint: number,
  count: number,
  options?: StreamOptions,
): Promise<Recording> {
  const { bytes, values } = await recordWhile(transport, (each) => results(each, endpoint, count, options));
  return { bytes, results: values };
}

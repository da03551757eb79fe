import { expect } from "vitest";
import { lastValueFrom, take, toArray } from "rxjs";
import { isochPipe, type DeviceSelector, type IsochResults, type IsochTransport } from "rx-isoch";
import { readCounter } from "rx-isoch/transports/virtual";

/** The packets of the counter device of which a bus has room for two pipes. */
export const counterStreaming = { endpoint: 0x81, alternate: 3 };

/** Transfers of a counter device. More than half a second should be in flight, as all of the guest may stand still. */
export async function readCounters(
  transport: IsochTransport,
  selector: DeviceSelector,
  { transfers, ...options }: { readonly frames: number; readonly queue: number; readonly transfers: number },
): Promise<IsochResults[]> {
  const pipe = isochPipe(transport, { ...selector, ...counterStreaming });
  const results = await lastValueFrom(pipe.results(options).pipe(take(transfers), toArray()));
  await lastValueFrom(pipe.closing, { defaultValue: undefined });
  expect(results).toHaveLength(transfers);
  return results;
}

/** Every frame of the bus brought its counter, and none was lost: the device counts frames. */
export function expectEveryCounter(results: readonly IsochResults[]): void {
  const first = readCounter(results[0]?.data ?? new Uint8Array()) ?? NaN;
  let count = 0;
  for (const { data, length, lost, error, bytesTransferred } of results) {
    expect(error).toBe("ok");
    if (count > 0) expect(lost).toBe(0);
    const frameLength = bytesTransferred / length;
    for (let i = 0; i < length; i++) expect(readCounter(data, i * frameLength)).toBe(first + count++);
  }
}

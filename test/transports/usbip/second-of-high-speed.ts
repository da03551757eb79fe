import { lastValueFrom, take, toArray } from "rxjs";
import { expect } from "vitest";
import { isochPipe, type IsochTransport } from "rx-isoch";
import { counterProtocol, readCounter } from "rx-isoch/transports/virtual";
import { done } from "../../support/raw-port.js";

/** A second of what high speed carries at most: 24.576 MB. */
export async function secondOfHighSpeed(
  transport: IsochTransport,
): Promise<{ readonly lost: number; readonly milliseconds: number }> {
  const { vendorId, inEndpoint } = counterProtocol;
  const pipe = isochPipe(transport, { vendorId, endpoint: inEndpoint, alternate: 1 });
  const began = performance.now();
  const stream = pipe.results({ frames: 32, queue: 100, ring: 300 });
  const results = await lastValueFrom(stream.pipe(take(250), toArray()));
  const milliseconds = performance.now() - began;
  await done(pipe.closing);
  let expected: number | undefined;
  let total = 0;
  for (const each of results) {
    const { lost } = each;
    total += lost;
    if (expected !== undefined) expected += lost;
    for (const { data, status } of each) {
      expect(status).toBe("ok");
      const counter = readCounter(data) ?? NaN;
      expect(counter).toBe(expected ?? counter);
      expected = counter + 1;
    }
  }
  return { lost: total, milliseconds };
}

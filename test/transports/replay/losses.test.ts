import fc from "fast-check";
import { BehaviorSubject, concatMap, firstValueFrom, VirtualTimeScheduler } from "rxjs";
import { describe, expect, it } from "vitest";
import { isochPipe, TransportError, type FrameStatus } from "rx-isoch";
import { replay } from "rx-isoch/transports/replay";
import { counterProtocol } from "rx-isoch/transports/virtual";
import { FakeEndpoint } from "../../support/fake-endpoint.js";
import { accountOf, gone, over, recordedAccount, scripted } from "./scripted.js";

const { inEndpoint: endpoint } = counterProtocol;

/** What comes of a record at either pace. */
async function replayedAccounts(bytes: Uint8Array) {
  const fast = accountOf(replay(bytes, { pace: "fast" }), { frames: 4, queue: 2 });
  await fast.ended;
  const scheduler = new VirtualTimeScheduler();
  const paced = accountOf(replay(bytes, { scheduler }), { frames: 4, queue: 2 });
  scheduler.flush();
  return [fast.account, paced.account];
}

describe("frames delivered + frames lost = frames on the bus, recorded and replayed", () => {
  const lost = fc.oneof(fc.constantFrom(0, 127, 128, 129, 5_000_000), fc.nat(4));
  const status = fc.constantFrom<FrameStatus>("ok", "crc", "not-accessed", "lost", "pid-check-failure");
  const stretch = fc.record({ lost, statuses: fc.array(status, { minLength: 1, maxLength: 6 }) });
  const stream = fc.record({
    first: fc.constantFrom(0, 7, 100_000),
    stretches: fc.array(stretch, { maxLength: 6 }),
    // More than one event of usbmon can tell.
    tail: fc.oneof(lost, fc.constant(2 ** 31 + 5)),
  });

  it("wherever they are lost: before the first, between, after the last, or all of them", async () => {
    await fc.assert(
      fc.asyncProperty(stream, async ({ first, stretches, tail }) => {
        const all = tail === 0 ? stretches : [...stretches, { lost: tail, statuses: [] }];
        fc.pre(all.length > 0);
        const { account, bytes } = await recordedAccount(scripted(first, all));
        expect(account.filter((line) => line.includes("lost from"))).toHaveLength(
          all.filter((each) => each.lost > 0).length,
        );
        expect(await replayedAccounts(bytes)).toStrictEqual([account, account]);
      }),
      { numRuns: 100 },
    );
  });

  it.each([true, false])("with transfers that are refused, first and last (clock hidden: %s)", async (hidesClock) => {
    const port = new FakeEndpoint();
    port.hidesClock = hidesClock;
    const rejected = new TransportError("transport-failed", "a packet of the batch failed");
    const { account, bytes } = await recordedAccount(over(port), { frames: 4, queue: 2 }, () => {
      port.time = 4000;
      port.complete({ rejected });
      port.time = 8000;
      port.complete({ firstFrame: 504 });
      port.time = 12_000;
      port.complete({ firstFrame: 508 });
      port.time = 16_000;
      port.complete({ rejected });
      port.complete({ served: 0, error: gone });
      port.complete({ served: 0, error: gone });
    });
    const frames = hidesClock ? 0 : 500;
    expect(account).toStrictEqual([
      `4 lost from ${frames}`,
      ...Array.from({ length: 8 }, (_, i) => `${frames + 4 + i} ok`),
      `4 lost from ${frames + 12}`,
      "device-gone",
    ]);
    expect(await replayedAccounts(bytes)).toStrictEqual([account, account]);
  });

  it("in a loop what was lost at its ends is lost where they meet", async () => {
    const { bytes } = await recordedAccount(
      scripted(100, [
        { lost: 3, statuses: ["ok", "ok"] },
        { lost: 2, statuses: [] },
      ]),
    );
    const seen: number[][] = [];
    const scheduler = new VirtualTimeScheduler(undefined, 25);
    isochPipe(replay(bytes, { loop: true, scheduler }), { endpoint })
      .results({ frames: 2 })
      .subscribe(({ firstFrame, lost: before }) => seen.push([firstFrame, before, scheduler.frame]));
    scheduler.flush();
    expect(seen.slice(0, 3).map(([frame, before]) => [frame, before])).toStrictEqual([
      [103, 3],
      [110, 5],
      [117, 5],
    ]);
    const [first = 0, second = 0] = seen.map(([, , time]) => time);
    expect(second - first).toBe(7);
  });

  it("what a ring has no room for at the end comes with it, in one result", async () => {
    const { bytes } = await recordedAccount(
      scripted(0, [
        { lost: 0, statuses: new Array<FrameStatus>(20).fill("ok") },
        { lost: 9, statuses: [] },
      ]),
    );
    const scheduler = new VirtualTimeScheduler();
    const pause = new BehaviorSubject(true);
    const seen: number[][] = [];
    isochPipe(replay(bytes, { scheduler }), { endpoint })
      .results({ frames: 2, queue: 2, ring: 3, overflow: "drop-newest", pause })
      .subscribe({
        next: ({ firstFrame, lost: before, length }) => seen.push([firstFrame, before, length]),
        error: () => seen.push([]),
      });
    scheduler.flush();
    pause.next(false);
    expect(seen).toStrictEqual([[0, 0, 2], [2, 0, 2], [4, 0, 2], [29, 14 + 9, 0], []]);
  });

  it("a record of a replay is the same again", async () => {
    const { account, bytes } = await recordedAccount(
      scripted(0, [
        { lost: 200, statuses: ["ok"] },
        { lost: 9, statuses: ["lost"] },
        { lost: 300, statuses: [] },
      ]),
    );
    const again = await recordedAccount(replay(bytes, { pace: "fast" }));
    expect(again.account).toStrictEqual(account);
    expect(await replayedAccounts(again.bytes)).toStrictEqual([account, account]);
  });

  it("requests that a program issues itself begin with the first frame that there is", async () => {
    const { bytes } = await recordedAccount(scripted(0, [{ lost: 20, statuses: ["ok", "ok", "ok"] }]));
    const session = isochPipe(replay(bytes, { pace: "fast" }), { endpoint }).open();
    const { firstFrame, lost: before } = await firstValueFrom(
      session.pipe(concatMap((each) => each.issue({ lengths: 4, frames: 2 }).completion)),
    );
    expect([firstFrame, before]).toStrictEqual([20, 0]);
  });
});

import { firstValueFrom, VirtualTimeScheduler } from "rxjs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { isochPipe, type IsochResults } from "rx-isoch";
import { replay } from "rx-isoch/transports/replay";
import { handMadePcap, transferAt } from "./hand-made.js";

const pieces = 40;

/** Two transfers, ten megabytes of what is passed over between them. */
function longCapture(): Uint8Array[] {
  const [start, ...transfers] = [0, 4].map((at, i) => handMadePcap(transferAt(i, at, 4, 100 + at)));
  const nothing = handMadePcap([{ time: 0, bytes: new Uint8Array(2 ** 18) }]).subarray(24);
  const rest = transfers.map((each) => each.subarray(24));
  return [start ?? new Uint8Array(0), ...new Array<Uint8Array>(pieces).fill(nothing), ...rest];
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Turns that others have until it is done. */
async function turnsUntil(work: Promise<unknown>): Promise<number> {
  const state = { isOver: false };
  void work.finally(() => (state.isOver = true));
  let turns = 0;
  for (; !state.isOver; turns++) await turn();
  return turns;
}

// A machine on which all takes its time.
beforeEach(() => {
  let now = 0;
  vi.spyOn(performance, "now").mockImplementation(() => (now += 5));
});
afterEach(() => {
  vi.restoreAllMocks();
});

describe("a long capture in memory", () => {
  it("is opened a portion at a time, and others have their turn meanwhile", async () => {
    const opened = firstValueFrom(replay(longCapture()).summary());
    const turns = await turnsUntil(opened);
    expect(await opened).toMatchObject({ events: 4, skipped: pieces, rest: 0 });
    expect(turns).toBeGreaterThanOrEqual(pieces / 4 - 1);
  });

  it("is let go by an unsubscribe in the middle", async () => {
    let read = 0;
    let isClosed = false;
    const source = function* () {
      try {
        for (const piece of longCapture()) {
          read++;
          yield piece;
        }
      } finally {
        isClosed = true;
      }
    };
    const opening = replay(source).devices().subscribe();
    await turn();
    opening.unsubscribe();
    expect(isClosed).toBe(true);
    const before = read;
    expect(before).toBeLessThan(pieces);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(read).toBe(before);
  });

  it("is looked through for the next transfer a portion at a time", async () => {
    const transport = replay(longCapture(), { pace: "fast" });
    await firstValueFrom(transport.summary());
    const results: IsochResults[] = [];
    const ended = new Promise<void>((resolve) => {
      isochPipe(transport, { endpoint: 0x81 })
        .results({ frames: 4, queue: 1 })
        .subscribe({
          next: (each) => results.push(each),
          error: () => {
            resolve();
          },
        });
    });
    const turns = await turnsUntil(ended);
    expect(results.map(({ firstFrame, lost }) => [firstFrame, lost])).toStrictEqual([
      [100, 0],
      [104, 0],
    ]);
    expect(turns).toBeGreaterThanOrEqual(pieces / 4 - 1);
  });

  it("an unsubscribe while it is looked through leaves it", async () => {
    const readings: number[] = [];
    const source = function* () {
      const reading = readings.push(0) - 1;
      for (const piece of longCapture()) {
        readings[reading] = (readings[reading] ?? 0) + 1;
        yield piece;
      }
    };
    const transport = replay(source, { pace: "fast" });
    await firstValueFrom(transport.summary());
    const subscription = isochPipe(transport, { endpoint: 0x81 }).results({ frames: 4 }).subscribe();
    while (readings.length < 2) await turn();
    subscription.unsubscribe();
    const [, before = 0] = readings;
    expect(before).toBeLessThan(pieces);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(readings[1]).toBe(before);
  });

  it("takes the turns of the scheduler that it is given", () => {
    const scheduler = new VirtualTimeScheduler();
    const results: number[] = [];
    isochPipe(replay(longCapture(), { scheduler }), { endpoint: 0x81 })
      .results({ frames: 4 })
      .subscribe({ next: ({ firstFrame }) => results.push(firstFrame), error: () => undefined });
    expect(results).toStrictEqual([]);
    scheduler.flush();
    expect(results).toStrictEqual([100, 104]);
  });
});

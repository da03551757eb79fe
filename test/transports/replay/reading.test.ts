import { firstValueFrom, VirtualTimeScheduler } from "rxjs";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { isochPipe, type IsochResults } from "rx-isoch";
import { replay } from "rx-isoch/transports/replay";
import { handMadePcap, transferAt } from "./hand-made.js";

const pieces = 40;
/** Pieces that are read in one turn, at most: a mebibyte, and one that ends it. */
const portion = 6;

/** Two transfers, ten megabytes of what is passed over between them. */
function longCapture(): Uint8Array[] {
  const [start, ...transfers] = [0, 4].map((at, i) => handMadePcap(transferAt(i, at, 4, 100 + at)));
  const nothing = handMadePcap([{ time: 0, bytes: new Uint8Array(2 ** 18) }]).subarray(24);
  const rest = transfers.map((each) => each.subarray(24));
  return [start ?? new Uint8Array(0), ...new Array<Uint8Array>(pieces).fill(nothing), ...rest];
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A source of it that tells how far it was read, and how much of it at once, until some work is done. */
function watched() {
  const state = { read: 0, readings: 0, isClosed: false, isOver: false };
  const source = function* () {
    state.readings++;
    try {
      for (const piece of longCapture()) {
        state.read++;
        yield piece;
      }
    } finally {
      state.isClosed = true;
    }
  };
  const mostAtOnce = async (work: Promise<unknown>) => {
    void work.finally(() => (state.isOver = true));
    let most = 0;
    for (let before = state.read; !state.isOver; before = state.read) {
      await turn();
      most = Math.max(most, state.read - before);
    }
    return most;
  };
  return { source, state, mostAtOnce };
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
    const { source, state, mostAtOnce } = watched();
    const opened = firstValueFrom(replay(source).summary());
    expect(state.read).toBeLessThanOrEqual(portion);
    expect(await mostAtOnce(opened)).toBeLessThanOrEqual(portion);
    expect(await opened).toMatchObject({ events: 4, skipped: pieces, rest: 0 });
  });

  it("is let go by an unsubscribe in the middle", async () => {
    const { source, state } = watched();
    const opening = replay(source).devices().subscribe();
    await turn();
    opening.unsubscribe();
    expect(state.isClosed).toBe(true);
    const { read } = state;
    expect(read).toBeLessThan(pieces);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(state.read).toBe(read);
  });

  it("is looked through for the next transfer a portion at a time", async () => {
    const { source, mostAtOnce } = watched();
    const transport = replay(source, { pace: "fast" });
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
    expect(await mostAtOnce(ended)).toBeLessThanOrEqual(portion);
    expect(results.map(({ firstFrame, lost }) => [firstFrame, lost])).toStrictEqual([
      [100, 0],
      [104, 0],
    ]);
  });

  it("an unsubscribe while it is looked through leaves it", async () => {
    const { source, state } = watched();
    const transport = replay(source, { pace: "fast" });
    await firstValueFrom(transport.summary());
    const subscription = isochPipe(transport, { endpoint: 0x81 }).results({ frames: 4 }).subscribe();
    while (state.readings < 2) await turn();
    subscription.unsubscribe();
    const { read } = state;
    expect(read).toBeLessThan(2 * pieces);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(state.read).toBe(read);
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

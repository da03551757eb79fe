import { map, mergeMap, Observable, of, Subject, takeUntil, VirtualTimeScheduler } from "rxjs";
import { describe, expect, it } from "vitest";
import { gaps, throughput, type Throughput } from "../../operators/index.js";
import { isochPipe, type FrameResult } from "../../src/index.js";
import { frame, results } from "../support/hand-made.js";
import { inPipe, marbleLab } from "../support/marble-lab.js";
import { marbles } from "../support/marbles.js";
import { failure, thrown } from "../support/plain-error.js";

/** A report; what is left out is 0, and the rates follow from the rest. */
function report(milliseconds: number, counts: Partial<Throughput> = {}): Throughput {
  const { frames = 0, bytes = 0 } = counts;
  const perSecond = milliseconds === 0 ? 0 : 1000 / milliseconds;
  return {
    milliseconds,
    transfers: 0,
    frames,
    bytes,
    lost: 0,
    failed: 0,
    framesPerSecond: frames * perSecond,
    bytesPerSecond: bytes * perSecond,
    jitter: 0,
    maxJitter: 0,
    ...counts,
  };
}

describe("throughput", () => {
  it(
    "completes with an empty source, without a report",
    marbles((m) => {
      const source = m.cold("   -|");
      const subs = "            ^!";
      const expected = "        -|";

      m.expect(source.pipe(throughput({ window: 4 }))).toBeObservable(expected);
      m.expect(source).toHaveSubscriptions(subs);
    }),
  );

  it(
    "reports windows in which nothing came, for as long as the source does not end",
    marbles((m) => {
      const source = m.cold("   -         ");
      const subs = "            ^--------!";
      const expected = "        ----x---x-";

      m.expect(source.pipe(throughput({ window: 4 })), subs).toBeObservable(expected, { x: report(4) });
      m.expect(source).toHaveSubscriptions(subs);
    }),
  );

  it(
    "passes an error of the source on, without a report of nothing",
    marbles((m) => {
      const source = m.cold("   -#", {}, "reason");
      const subs = "            ^!";
      const expected = "        -#";

      m.expect(source.pipe(throughput({ window: 4 }))).toBeObservable(expected, {}, "reason");
      m.expect(source).toHaveSubscriptions(subs);
    }),
  );

  it(
    "unsubscribes from the source when it is unsubscribed from, without a report",
    marbles((m) => {
      const source = m.hot("    --a--a--a--a--", { a: frame(0, [1]) });
      const subs = "            ^-----!       ";
      const expected = "        ----x---------";

      m.expect(source.pipe(throughput({ window: 4 })), subs).toBeObservable(expected, {
        x: report(4, { frames: 1, bytes: 1 }),
      });
      m.expect(source).toHaveSubscriptions(subs);
    }),
  );

  it(
    "does not break the chain of unsubscription",
    marbles((m) => {
      const source = m.hot("    --a--a--a--a--", { a: frame(0, [1]) });
      const subs = "            ^-----!       ";
      const expected = "        ----x---------";
      const result = source.pipe(
        mergeMap((each) => of(each)),
        throughput({ window: 4 }),
        mergeMap((each) => of(each)),
        map(() => "x"),
      );

      m.expect(result, subs).toBeObservable(expected);
      m.expect(source).toHaveSubscriptions(subs);
    }),
  );

  it("stops listening to a synchronous source when it is unsubscribed from", () => {
    const effects: number[] = [];
    const stop = new Subject<void>();
    const source = new Observable<FrameResult>((subscriber) => {
      for (let i = 0; !subscriber.closed && i < 10; i++) {
        effects.push(i);
        if (i === 2) stop.next();
        subscriber.next(frame(i, [1]));
      }
    });
    const scheduler = new VirtualTimeScheduler();
    const heard: Throughput[] = [];
    source.pipe(throughput({ scheduler }), takeUntil(stop)).subscribe((each) => heard.push(each));
    scheduler.flush();

    expect(effects).toStrictEqual([0, 1, 2]);
    expect(heard).toStrictEqual([]);
  });

  it.each([0, -1, 1.5, Number.NaN, Infinity, 2 ** 31])("refuses a window of %d ms, at the call", (window) => {
    expect(thrown(() => throughput({ window }))).toStrictEqual(
      failure("InvalidRequestError", "invalid-number", "window"),
    );
  });

  it("measures a second at a time, in the time of the given scheduler", () => {
    const scheduler = new VirtualTimeScheduler();
    const source = new Subject<FrameResult>();
    const heard: Throughput[] = [];
    const subscription = source.pipe(throughput({ scheduler })).subscribe((each) => heard.push(each));
    scheduler.schedule(() => {
      source.next(frame(0, [1, 2]));
    }, 400);
    scheduler.schedule(() => {
      subscription.unsubscribe();
    }, 2500);
    scheduler.flush();

    expect(heard).toStrictEqual([report(1000, { frames: 1, bytes: 2 }), report(1000)]);
  });

  describe("of frames", () => {
    it(
      "counts frames, bytes, failures and losses, a window at a time",
      marbles((m) => {
        const source = m.hot("    -abc-d---e--", {
          a: frame(0, [1, 2]),
          b: frame(1, ["crc", 3]),
          c: frame(2, []),
          d: frame(5, [4]),
          e: frame(6, [5, 6, 7]),
        });
        const subs = "            ^-----------!";
        const expected = "        ----x---y---";

        m.expect(source.pipe(throughput({ window: 4 })), subs).toBeObservable(expected, {
          x: report(4, { frames: 3, bytes: 3, failed: 1 }),
          y: report(4, { frames: 1, bytes: 1, lost: 2 }),
        });
        m.expect(source).toHaveSubscriptions(subs);
      }),
    );

    it(
      "reports what came since the last window, when the source completes",
      marbles((m) => {
        const source = m.hot("    -----a|   ", { a: frame(0, [1]) });
        const subs = "            ^-----!   ";
        const expected = "        ----x-(y|)";

        m.expect(source.pipe(throughput({ window: 4 }))).toBeObservable(expected, {
          x: report(4),
          y: report(2, { frames: 1, bytes: 1 }),
        });
        m.expect(source).toHaveSubscriptions(subs);
      }),
    );

    it(
      "reports what came since the last window, when the source errors",
      marbles((m) => {
        const source = m.hot("    -----a#   ", { a: frame(0, [1]) }, "reason");
        const expected = "        ----x-(y#)";

        m.expect(source.pipe(throughput({ window: 4 }))).toBeObservable(
          expected,
          { x: report(4), y: report(2, { frames: 1, bytes: 1 }) },
          "reason",
        );
      }),
    );

    it(
      "has no rates where no time has passed",
      marbles((m) => {
        const source = of(frame(0, [1]));
        const expected = "        (x|)";

        m.expect(source.pipe(throughput({ window: 4 }))).toBeObservable(expected, {
          x: report(0, { frames: 1, bytes: 1 }),
        });
      }),
    );

    it(
      "counts a loss once, with gaps upstream or without, and at the end of a stream",
      marbles((m) => {
        const source = m.cold("   (abc|)", {
          a: frame(0, [1]),
          b: frame(4, [1]),
          c: { ...frame(6, ["lost"]), requested: 0 },
        });
        const expected = "        (x|)  ";
        const values = { x: report(0, { frames: 2, bytes: 2, lost: 5 }) };

        m.expect(source.pipe(throughput())).toBeObservable(expected, values);
        m.expect(source.pipe(gaps(), throughput())).toBeObservable(expected, values);
      }),
    );

    it(
      "has lost nothing where a stream begins anew at an earlier frame",
      marbles((m) => {
        const source = m.cold("   (ab|)", { a: frame(100, [1]), b: frame(0, [1]) });
        const expected = "        (x|) ";

        m.expect(source.pipe(throughput())).toBeObservable(expected, { x: report(0, { frames: 2, bytes: 2 }) });
      }),
    );
  });

  describe("of results", () => {
    it(
      "counts transfers, frames, bytes, failures and losses",
      marbles((m) => {
        const source = m.hot("    -a-b|   ", {
          a: results(0, [[1, 2], ["crc", 3], ["stall"]], { timestamp: 3000 }),
          b: results(5, [[4], ["not-complete"]], { lost: 2, timestamp: 6000, error: "cancelled" }),
        });
        const subs = "            ^---!   ";
        const expected = "        ----(x|)";

        m.expect(source.pipe(throughput())).toBeObservable(expected, {
          x: report(4, { transfers: 2, frames: 4, bytes: 4, failed: 2, lost: 2 }),
        });
        m.expect(source).toHaveSubscriptions(subs);
      }),
    );

    it(
      "comes to the same with gaps upstream",
      marbles((m) => {
        const source = m.cold("   (abcd|)", {
          a: results(0, [[1]], { timestamp: 1000 }),
          b: results(1, [[1]], { timestamp: 2000 }),
          c: results(5, [[1]], { lost: 3, timestamp: 6000 }),
          d: results(8, [], { lost: 2, timestamp: 6000 }),
        });
        const expected = "        (x|)   ";
        const values = { x: report(0, { transfers: 3, frames: 3, bytes: 3, lost: 5 }) };

        m.expect(source.pipe(throughput())).toBeObservable(expected, values);
        m.expect(source.pipe(gaps(), throughput())).toBeObservable(expected, values);
      }),
    );

    it(
      "reports a loss that is all there is",
      marbles((m) => {
        const source = m.cold("   -a|   ", { a: results(8, [], { lost: 2 }) });
        const expected = "        --(x|)";

        m.expect(source.pipe(throughput())).toBeObservable(expected, { x: report(2, { lost: 2 }) });
      }),
    );
  });

  describe("jitter", () => {
    const pair = (firstFrame: number, timestamp: number, init = {}) =>
      results(firstFrame, [[], []], { timestamp, ...init });

    it(
      "is the mean, and the largest, of the deviations from even spacing",
      marbles((m) => {
        const source = m.cold("   (abcd|)", {
          a: pair(0, 2000),
          b: pair(2, 4000),
          c: pair(4, 6500),
          d: pair(6, 8000),
        });
        const expected = "        (x|)   ";

        // After 0, 250 against an average of 1125 µs a frame, and 500 against one of 1000.
        m.expect(source.pipe(throughput())).toBeObservable(expected, {
          x: report(0, { transfers: 4, frames: 8, jitter: 250, maxJitter: 500 }),
        });
      }),
    );

    it(
      "is of each window by itself",
      marbles((m) => {
        const source = m.hot("    abc-d---e----", {
          a: pair(0, 2000),
          b: pair(2, 4000),
          c: pair(4, 6500),
          d: pair(6, 8000),
          e: pair(8, 10_000),
        });
        const subs = "            ^-----------!";
        const expected = "        ---x--y--z---";

        m.expect(source.pipe(throughput({ window: 3 })), subs).toBeObservable(expected, {
          x: report(3, { transfers: 3, frames: 6, jitter: 125, maxJitter: 250 }),
          y: report(3, { transfers: 1, frames: 2, jitter: 500, maxJitter: 500 }),
          z: report(3, { transfers: 1, frames: 2 }),
        });
      }),
    );

    it(
      "is none where completions keep step with the frames, whatever was lost between",
      marbles((m) => {
        const source = m.cold("   (abc|)", { a: pair(0, 2000), b: pair(7, 9000, { lost: 5 }), c: pair(9, 11_000) });
        const expected = "        (x|)  ";

        m.expect(source.pipe(throughput())).toBeObservable(expected, {
          x: report(0, { transfers: 3, frames: 6, lost: 5 }),
        });
      }),
    );

    it(
      "leaves out transfers that were cut short, and begins anew where the stream does",
      marbles((m) => {
        const source = m.cold("   (abcde|)", {
          a: pair(100, 2000),
          b: pair(102, 4000),
          c: results(104, [[], ["not-complete"]], { timestamp: 4001, error: "cancelled" }),
          d: pair(0, 50_000),
          e: pair(2, 52_000),
        });
        const expected = "        (x|)    ";

        m.expect(source.pipe(throughput())).toBeObservable(expected, {
          x: report(0, { transfers: 5, frames: 9 }),
        });
      }),
    );
  });

  it(
    "measures a pipe",
    marbles((m) => {
      const lab = marbleLab(m);
      lab.attachment.inject({ type: "host-stall", frame: 5, frames: 8 });
      const subs = "            ^--------------------!";
      const expected = "        ----------x---------y-";
      const result = isochPipe(lab.transport, inPipe)
        .results({ frames: 1, queue: 2 })
        .pipe(throughput({ window: 10 }));
      const counted = map(({ transfers, lost, framesPerSecond, jitter }: Throughput) => ({
        transfers,
        lost,
        framesPerSecond,
        isEven: jitter === 0,
      }));

      m.expect(result.pipe(counted), subs).toBeObservable(expected, {
        x: { transfers: 5, lost: 0, framesPerSecond: 500, isEven: true },
        y: { transfers: 8, lost: 6, framesPerSecond: 800, isEven: false },
      });
      lab.finish();
    }),
  );
});

import { map, of, take, toArray } from "rxjs";
import { describe, expect, it } from "vitest";
import { frames, gaps } from "../../operators/index.js";
import { isochPipe, statusOf, type FrameResult, type IsochResults } from "../../src/index.js";
import { frame, requested, results } from "../support/hand-made.js";
import { inPipe, marbleLab } from "../support/marble-lab.js";
import { marbles } from "../support/marbles.js";
import { standardCases } from "../support/standard-cases.js";

/** Frames that nobody has the memory for. */
const huge = 2 ** 40;

/** What results say of their frames. */
function outline({ firstFrame, lost, statuses, data, error, timestamp }: IsochResults) {
  return { firstFrame, lost, statuses: Array.from(statuses, statusOf), bytes: data.length, error, timestamp };
}

describe("gaps", () => {
  describe("on frames", () => {
    standardCases(() => ({ operator: gaps<FrameResult>(), value: () => frame(0, [1]) }));

    it(
      "puts a lost frame in the place of each that is missing",
      marbles((m) => {
        const source = m.hot("    -a--b-------c----|", { a: frame(5, [1]), b: frame(6, [2]), c: frame(9, [3]) });
        const subs = "            ^----------------!";
        const expected = "        -a--b-------(xyc)|";

        m.expect(source.pipe(gaps())).toBeObservable(expected, {
          a: frame(5, [1]),
          b: frame(6, [2]),
          c: frame(9, [3]),
          x: frame(7, ["lost"]),
          y: frame(8, ["lost"]),
        });
        m.expect(source).toHaveSubscriptions(subs);
      }),
    );

    it(
      "asks for lost frames what is asked for the frame that follows",
      marbles((m) => {
        const source = m.cold("   (ab|)", { a: frame(0, [1]), b: { ...frame(2, [2]), requested: 7 } });
        const expected = "        (xyz|)";
        const asked = map((each: FrameResult) => each.requested);

        m.expect(source.pipe(gaps(), asked)).toBeObservable(expected, { x: requested, y: 7, z: 7 });
      }),
    );

    it(
      "fills up to a loss that nothing follows",
      marbles((m) => {
        const source = m.cold("   (ab|)  ", { a: frame(0, [1]), b: { ...frame(3, ["lost"]), requested: 0 } });
        const expected = "        (axyb|)";
        const brief = map(({ frame: number, status }: FrameResult) => `${number} ${status}`);

        m.expect(source.pipe(gaps(), brief)).toBeObservable(expected, {
          a: "0 ok",
          x: "1 lost",
          y: "2 lost",
          b: "3 lost",
        });
      }),
    );

    it(
      "has lost nothing where a stream begins anew at an earlier frame",
      marbles((m) => {
        const source = m.cold("   (abc|) ", { a: frame(100, [1]), b: frame(0, [2]), c: frame(2, [3]) });
        const expected = "        (abxc|)";
        const numbers = map((each: FrameResult) => each.frame);

        m.expect(source.pipe(gaps(), numbers)).toBeObservable(expected, { a: 100, b: 0, x: 1, c: 2 });
      }),
    );

    it("makes the frames of a huge loss only while they are taken", () => {
      const taken: number[] = [];
      of(frame(0, [1]), frame(huge, [2]))
        .pipe(gaps(), take(4))
        .subscribe((each) => taken.push(each.frame));
      expect(taken).toStrictEqual([0, 1, 2, 3]);
    });
  });

  describe("on results", () => {
    standardCases(() => ({ operator: gaps<IsochResults>(), value: () => results(0, [[1]]) }));

    it(
      "puts results of lost frames before those that report them",
      marbles((m) => {
        const after = results(9, [[2], ["crc", 3]], { lost: 3, timestamp: 11_000 });
        const source = m.hot("    -a---b---|", { a: results(5, [[1]], { timestamp: 6000 }), b: after });
        const subs = "            ^--------!";
        const expected = "        -a---(xb)|";

        m.expect(source.pipe(gaps(), map(outline))).toBeObservable(expected, {
          a: { firstFrame: 5, lost: 0, statuses: ["ok"], bytes: 1, error: "ok", timestamp: 6000 },
          x: {
            firstFrame: 6,
            lost: 0,
            statuses: ["lost", "lost", "lost"],
            bytes: 0,
            error: "isoch",
            timestamp: 11_000,
          },
          b: {
            firstFrame: 9,
            lost: 0,
            statuses: ["ok", "crc"],
            bytes: 2 * requested,
            error: "isoch",
            timestamp: 11_000,
          },
        });
        m.expect(source).toHaveSubscriptions(subs);
        m.flush();
        expect(after.lost).toBe(3);
      }),
    );

    it(
      "asks for lost frames what is asked for the frame that follows",
      marbles((m) => {
        const source = m.cold("   (a|) ", { a: results(9, [[2], [3]], { lost: 2, requested: Uint32Array.of(7, 1) }) });
        const expected = "        (xa|)";
        const asked = map((each: IsochResults) => [...each.requested]);

        m.expect(source.pipe(gaps(), asked)).toBeObservable(expected, { x: [7, 7], a: [7, 1] });
      }),
    );

    it(
      "shows a loss that nothing follows, and no empty results",
      marbles((m) => {
        const source = m.cold("   (ab|)", { a: results(5, [[1]]), b: results(8, [], { lost: 2 }) });
        const expected = "        (ax|)";
        const brief = map(({ firstFrame, length, lost }: IsochResults) => ({ firstFrame, length, lost }));

        m.expect(source.pipe(gaps(), brief)).toBeObservable(expected, {
          a: { firstFrame: 5, length: 1, lost: 0 },
          x: { firstFrame: 6, length: 2, lost: 0 },
        });
      }),
    );

    it("cuts a long loss into results of a bounded size, without a hole", () => {
      const emitted: IsochResults[] = [];
      of(results(10_001, [[1]], { lost: 10_000 }))
        .pipe(gaps())
        .subscribe((each) => emitted.push(each));
      let next = 1;
      for (const each of emitted) {
        expect(each.firstFrame).toBe(next);
        expect(each.length).toBeLessThanOrEqual(4096);
        next += each.length;
      }
      expect(next).toBe(10_002);
    });

    it("makes the results of a huge loss only while they are taken", () => {
      const taken: number[] = [];
      of(results(huge, [[1]], { lost: huge }))
        .pipe(gaps(), take(2))
        .subscribe((each) => taken.push(each.firstFrame));
      expect(taken).toStrictEqual([0, 4096]);
    });

    it(
      "comes to the same frames as on frames",
      marbles((m) => {
        const values = {
          a: results(5, [[1], [2]]),
          b: results(9, [[3]], { lost: 2 }),
          c: results(12, [], { lost: 2 }),
        };
        const brief = map(({ frame: number, status }: FrameResult) => `${number} ${status}`);
        const numbers = ["5 ok", "6 ok", "7 lost", "8 lost", "9 ok", "10 lost", "11 lost"];
        const expected = "        ---(x|)";

        const source = m.cold("   -a-(bc|)", values);

        m.expect(source.pipe(gaps(), frames(), brief, toArray())).toBeObservable(expected, { x: numbers });
        m.expect(source.pipe(frames(), gaps(), brief, toArray())).toBeObservable(expected, { x: numbers });
      }),
    );
  });

  it(
    "keeps time over a host that stalls",
    marbles((m) => {
      const lab = marbleLab(m);
      lab.attachment.inject({ type: "host-stall", frame: 3, frames: 6 });
      const pipe = isochPipe(lab.transport, inPipe);
      const subs = "            ^-----------!";
      const result = pipe.results({ frames: 2, queue: 2 }).pipe(
        gaps(),
        frames(),
        map(({ frame: number, status }) => ({ number, status })),
        take(11),
        toArray(),
      );

      m.expect(result, subs).toBeObservable("-----------(x|)", {
        x: Array.from({ length: 11 }, (_, number) => ({
          number,
          status: number >= 6 && number < 9 ? "lost" : "ok",
        })),
      });
      lab.finish();
    }),
  );
});

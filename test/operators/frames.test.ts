import { map, take } from "rxjs";
import { describe, expect, it, vi } from "vitest";
import { isochPipe } from "../../src/index.js";
import { frames } from "../../operators/index.js";
import { frame, results } from "../support/hand-made.js";
import { inPipe, marbleLab } from "../support/marble-lab.js";
import { marbles } from "../support/marbles.js";
import { standardCases } from "../support/standard-cases.js";

const empty = { requested: new Uint32Array(0), actual: new Uint32Array(0), statuses: new Uint8Array(0) };

describe("frames", () => {
  standardCases(() => ({ operator: frames(), value: () => results(0, [[1]]) }));

  it(
    "emits the frames of each result, in order",
    marbles((m) => {
      const source = m.hot("    --a-------b---|", {
        a: results(10, [[1, 2, 3, 4], ["crc", 5], []]),
        b: results(13, [[6]]),
      });
      const subs = "            ^-------------!";
      const expected = "        --(xyz)---w---|";

      m.expect(source.pipe(frames())).toBeObservable(expected, {
        x: frame(10, [1, 2, 3, 4]),
        y: frame(11, ["crc", 5]),
        z: frame(12, []),
        w: frame(13, [6]),
      });
      m.expect(source).toHaveSubscriptions(subs);
    }),
  );

  it(
    "leaves out frames that were cancelled before their turn",
    marbles((m) => {
      const source = m.hot("    -a----b---|", {
        a: results(4, [[1], ["not-complete"], ["not-complete"]]),
        b: results(4, [["not-complete"]]),
      });
      const expected = "        -x--------|";

      m.expect(source.pipe(frames())).toBeObservable(expected, { x: frame(4, [1]) });
    }),
  );

  it(
    "shows a loss between results as a jump",
    marbles((m) => {
      const source = m.hot("    -a-b-|", { a: results(4, [[1]]), b: results(9, [[2]], { lost: 4 }) });
      const expected = "        -x-y-|";

      m.expect(source.pipe(frames())).toBeObservable(expected, { x: frame(4, [1]), y: frame(9, [2]) });
    }),
  );

  it(
    "shows a loss that nothing follows by its last frame",
    marbles((m) => {
      const source = m.hot("    -a-b-|", { a: results(4, [[1]]), b: results(9, [], { ...empty, lost: 4 }) });
      const expected = "        -x-y-|";

      m.expect(source.pipe(frames())).toBeObservable(expected, {
        x: frame(4, [1]),
        y: { ...frame(8, ["lost"]), requested: 0 },
      });
    }),
  );

  it(
    "shows a loss that nothing comes before by its first frame",
    marbles((m) => {
      const source = m.hot("    -a----b-|", { a: results(9, [[1]], { lost: 4 }), b: results(12, [[2]], { lost: 2 }) });
      const expected = "        -(xy)-z-|";

      m.expect(source.pipe(frames())).toBeObservable(expected, {
        x: { ...frame(5, ["lost"]), requested: 0 },
        y: frame(9, [1]),
        z: frame(12, [2]),
      });
    }),
  );

  it(
    "shows a loss that is all there is by its first frame and its last",
    marbles((m) => {
      const long = m.cold("     (a|) ", { a: results(9, [], { ...empty, lost: 4 }) });
      const short = m.cold("    (a|) ", { a: results(9, [], { ...empty, lost: 1 }) });
      const first = "           (xy|)";
      const only = "            (y|) ";
      const values = {
        x: { ...frame(5, ["lost"]), requested: 0 },
        y: { ...frame(8, ["lost"]), requested: 0 },
      };

      m.expect(long.pipe(frames())).toBeObservable(first, values);
      m.expect(short.pipe(frames())).toBeObservable(only, values);
    }),
  );

  it("makes frames only while they are taken", () => {
    const made = vi.spyOn(Uint8Array.prototype, "subarray");
    try {
      const taken: number[] = [];
      const source = results(0, [[1], [2], [3], [4]], { compacted: false });
      made.mockClear();

      marbles((m) => {
        m.cold("(a|)", { a: source })
          .pipe(frames(), take(2))
          .subscribe((each) => taken.push(each.frame));
        m.flush();
      })();

      expect(taken).toStrictEqual([0, 1]);
      expect(made).toHaveBeenCalledTimes(2);
    } finally {
      made.mockRestore();
    }
  });

  it(
    "stops in the middle of a transfer when a source is synchronous",
    marbles((m) => {
      const source = m.cold("   (ab|)", { a: results(0, [[1], [2]]), b: results(2, [[3], [4]]) });
      const subs = "            (^!)   ";
      const expected = "        (xyz|)";

      m.expect(
        source.pipe(
          frames(),
          take(3),
          map((each) => each.frame),
        ),
      ).toBeObservable(expected, { x: 0, y: 1, z: 2 });
      m.expect(source).toHaveSubscriptions(subs);
    }),
  );

  it(
    "takes a stream of the bus apart",
    marbles((m) => {
      const lab = marbleLab(m);
      const pipe = isochPipe(lab.transport, inPipe);
      lab.attachment.inject({ type: "packet", endpoint: 0x81, frame: 1, status: "crc" });
      const subs = "            ^--!  ";
      const expected = "        --(ab)";
      const result = pipe.results({ frames: 2 }).pipe(
        frames(),
        map(({ frame: number, status, actual }) => ({ number, status, actual })),
      );

      m.expect(result, subs).toBeObservable(expected, {
        a: { number: 0, status: "ok", actual: 64 },
        b: { number: 1, status: "crc", actual: 64 },
      });
      lab.finish();
    }),
  );
});

import { map } from "rxjs";
import { describe, expect, it } from "vitest";
import { frames, gaps, payload, type BadFramePolicy } from "../../operators/index.js";
import { isochPipe, type IsochResults } from "../../src/index.js";
import { readCounter } from "../../transports/virtual/index.js";
import { frame, results } from "../support/hand-made.js";
import { inPipe, marbleLab } from "../support/marble-lab.js";
import { marbles } from "../support/marbles.js";
import { observedIn, packetLength } from "../support/observed-device.js";
import { failure, plainErrors, thrown } from "../support/plain-error.js";
import { standardCases } from "../support/standard-cases.js";

const list = map((bytes: Uint8Array) => [...bytes]);

/** Six frames with every kind of misfortune among them. */
const packets = [[1, 2, 3, 4], ["crc", 5, 6], [7], ["stall"], [], ["not-complete"]] as const;

/** What becomes of their bytes. */
const policies = [
  ["skip", [[1, 2, 3, 4], [], [7], [], [], []]],
  ["keep", [[1, 2, 3, 4], [5, 6], [7], [], [], []]],
  ["zero", [[1, 2, 3, 4], [0, 0, 0, 0], [7], [0, 0, 0, 0], [], []]],
] as const;

describe("payload", () => {
  it("refuses a policy that there is not, at the call", () => {
    expect(thrown(() => payload({ badFrames: "drop" as BadFramePolicy }))).toStrictEqual(
      failure("InvalidRequestError", "invalid-option", "badFrames", "skip, keep, zero, error", "drop"),
    );
  });

  describe("of frames", () => {
    standardCases(() => ({ operator: payload(), value: () => frame(0, [1]) }));

    it.each(policies)("%s: one array per frame", (badFrames, [a, b, c, d, e, f]) => {
      marbles((m) => {
        const [first, second, third, fourth, fifth, sixth] = packets;
        const source = m.hot("    -a-b-c-d-e-f-|", {
          a: frame(0, first),
          b: frame(1, second),
          c: frame(2, third),
          d: frame(3, fourth),
          e: frame(4, fifth),
          f: frame(5, sixth),
        });
        const subs = "            ^------------!";
        const expected = "        -a-b-c-d-e-f-|";

        m.expect(source.pipe(payload({ badFrames }), list)).toBeObservable(expected, {
          a: [...a],
          b: [...b],
          c: [...c],
          d: [...d],
          e: [...e],
          f: [...f],
        });
        m.expect(source).toHaveSubscriptions(subs);
      })();
    });

    it(
      "skips bad frames unless told otherwise",
      marbles((m) => {
        const source = m.hot("    -a-|", { a: frame(0, ["crc", 1]) });
        const expected = "        -a-|";

        m.expect(source.pipe(payload(), list)).toBeObservable(expected, { a: [] });
      }),
    );

    it(
      "error: ends at the first bad frame, and names it",
      marbles((m) => {
        const source = m.hot("    -a-b-c-|", { a: frame(6, [1]), b: frame(7, ["crc", 2]), c: frame(8, [3]) });
        const subs = "            ^--!    ";
        const expected = "        -a-#    ";

        m.expect(source.pipe(payload({ badFrames: "error" }), list, plainErrors())).toBeObservable(
          expected,
          { a: [1] },
          failure("FrameError", "bad-frame", "frame 7", "'crc'"),
        );
        m.expect(source).toHaveSubscriptions(subs);
      }),
    );

    it(
      "error: passes over frames that were cancelled before their turn",
      marbles((m) => {
        const source = m.hot("    -a-|", { a: frame(0, ["not-complete"]) });
        const expected = "        -a-|";

        m.expect(source.pipe(payload({ badFrames: "error" }), list)).toBeObservable(expected, { a: [] });
      }),
    );

    it(
      "zero: keeps time over frames that were lost, with gaps upstream",
      marbles((m) => {
        const source = m.cold("   (ab|)", { a: frame(0, [1]), b: frame(3, [2]) });
        const expected = "        (axxb|)";

        m.expect(source.pipe(gaps(), payload({ badFrames: "zero" }), list)).toBeObservable(expected, {
          a: [1],
          x: [0, 0, 0, 0],
          b: [2],
        });
      }),
    );
  });

  describe("of results", () => {
    standardCases(() => ({ operator: payload(), value: () => results(0, [[1]]) }));

    it.each(policies)("%s: one contiguous array per transfer", (badFrames, bytes) => {
      marbles((m) => {
        const strided = results(0, packets);
        const source = m.hot("    -a-b-|", { a: strided, b: strided.compact() });
        const subs = "            ^----!";
        const expected = "        -x-x-|";

        m.expect(source.pipe(payload({ badFrames }), list)).toBeObservable(expected, { x: bytes.flat() });
        m.expect(source).toHaveSubscriptions(subs);
      })();
    });

    it(
      "error: ends at the first bad frame, and names it",
      marbles((m) => {
        const source = m.hot("    -a-b-c-|", {
          a: results(5, [[1], [2]]),
          b: results(7, [[3], ["stall"]]),
          c: results(9, [[4]]),
        });
        const subs = "            ^--!    ";
        const expected = "        -a-#    ";

        m.expect(source.pipe(payload({ badFrames: "error" }), list, plainErrors())).toBeObservable(
          expected,
          { a: [1, 2] },
          failure("FrameError", "bad-frame", "frame 8", "'stall'"),
        );
        m.expect(source).toHaveSubscriptions(subs);
      }),
    );

    it(
      "error: passes over frames that were cancelled before their turn",
      marbles((m) => {
        const source = m.hot("    -a-|", { a: results(5, [[1], ["not-complete"]], { error: "cancelled" }) });
        const expected = "        -a-|";

        m.expect(source.pipe(payload({ badFrames: "error" }), list)).toBeObservable(expected, { a: [1] });
      }),
    );

    it("copies nothing where nothing stands in the way", () => {
      const whole = results(0, [[1, 2, 3, 4], [5]]);
      const strided = results(0, [[1], [2]]);
      const received: Uint8Array[] = [];
      marbles((m) => {
        m.cold("(ab|)", { a: whole, b: strided })
          .pipe(payload())
          .subscribe((bytes) => received.push(bytes));
        m.flush();
      })();

      expect(received.map((bytes) => [...bytes])).toStrictEqual([
        [1, 2, 3, 4, 5],
        [1, 2],
      ]);
      expect(received[0]?.buffer).toBe(whole.data.buffer);
      expect(received[1]?.buffer).not.toBe(strided.data.buffer);
    });

    it(
      "zero: comes to the same bytes as of frames, with gaps upstream",
      marbles((m) => {
        const values: Record<string, IsochResults> = {
          a: results(0, [[1], ["crc", 9]]),
          b: results(5, [[2]], { lost: 3 }),
        };
        const source = m.cold("   a---(b|) ", values);
        const zero = payload({ badFrames: "zero" });
        const lost = [0, 0, 0, 0];
        const ofResults = "       a---(xb|)";
        const ofFrames = "        (az)(yyyb|)";

        m.expect(source.pipe(gaps(), zero, list)).toBeObservable(ofResults, {
          a: [1, ...lost],
          x: [...lost, ...lost, ...lost],
          b: [2],
        });
        m.expect(source.pipe(frames(), gaps(), zero, list)).toBeObservable(ofFrames, {
          a: [1],
          z: lost,
          y: lost,
          b: [2],
        });
      }),
    );
  });

  it(
    "is the bytes of the device, frame by frame",
    marbles((m) => {
      const lab = marbleLab(m);
      lab.attachment.inject({ type: "packet", endpoint: observedIn, frame: 1, status: "crc" });
      const pipe = isochPipe(lab.transport, inPipe);
      const subs = "            ^------!";
      const expected = "        -abcdef-";
      const result = pipe.results({ frames: 1 }).pipe(
        payload(),
        map((bytes) => ({ length: bytes.length, counter: readCounter(bytes) })),
      );

      m.expect(result, subs).toBeObservable(expected, {
        a: { length: packetLength(0), counter: 0 },
        b: { length: 0, counter: undefined },
        c: { length: packetLength(2), counter: 2 },
        d: { length: packetLength(3), counter: 3 },
        e: { length: 0, counter: undefined },
        f: { length: packetLength(5), counter: 5 },
      });
      lab.finish();
    }),
  );
});

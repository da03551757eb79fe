import { map, of } from "rxjs";
import { describe, expect, it } from "vitest";
import { compact } from "../../operators/index.js";
import { handMadePipe, results } from "../support/hand-made.js";
import { marbles } from "../support/marbles.js";
import { failure, plainErrors } from "../support/plain-error.js";
import { standardCases } from "../support/standard-cases.js";

describe("compact", () => {
  describe("on results", () => {
    standardCases(() => ({ operator: compact(), value: () => results(0, [[1], [2]]) }));

    it(
      "makes the data contiguous, in a copy",
      marbles((m) => {
        const short = results(10, [
          [1, 2],
          ["crc", 3],
          [4, 4, 4, 4],
        ]);
        const source = m.hot("    -a-|", { a: short });
        const subs = "            ^--!";
        const expected = "        -a-|";
        const result = source.pipe(
          compact(),
          map(({ compacted, data, firstFrame, error }) => ({ compacted, data: [...data], firstFrame, error })),
        );

        m.expect(result).toBeObservable(expected, {
          a: { compacted: true, data: [1, 2, 3, 4, 4, 4, 4], firstFrame: 10, error: "isoch" },
        });
        m.expect(source).toHaveSubscriptions(subs);
        m.flush();
        expect([...short.data]).toStrictEqual([1, 2, 0, 0, 3, 0, 0, 0, 4, 4, 4, 4]);
        expect(short.compacted).toBe(false);
      }),
    );

    it(
      "passes results on as they are where nothing is to be moved",
      marbles((m) => {
        const full = results(0, [[1, 2, 3, 4], [5]]);

        m.expect(
          m.hot("-a-|", { a: full }).pipe(
            compact(),
            map((each) => each === full),
          ),
        ).toBeObservable("-a-|", {
          a: true,
        });
      }),
    );
  });

  describe("on transfers", () => {
    standardCases(() => {
      const { issue } = handMadePipe();
      return { operator: compact(), value: issue };
    });

    it(
      "passes each transfer on at once, and moves the data within its buffer when it completes",
      marbles((m) => {
        const { issue, port } = handMadePipe();
        const buffer = new Uint8Array(8);
        const transfer = issue({ lengths: 4, frames: 2, buffer });
        const source = m.hot("    -a--|", { a: transfer });
        const subs = "            ^---!";
        const expected = "        -a--|";

        m.expect(
          source.pipe(
            compact(),
            map((each) => each === transfer),
          ),
        ).toBeObservable(expected, { a: true });
        m.expect(source).toHaveSubscriptions(subs);
        m.flush();

        expect(transfer.isComplete).toBe(false);
        buffer.set([1, 2, 0, 0, 3, 4, 5, 6]);
        port.complete({ actual: [2, 4] });
        expect(transfer.results().compacted).toBe(true);
        expect([...transfer.results().data]).toStrictEqual([1, 2, 3, 4, 5, 6]);
        expect(transfer.results().data.buffer).toBe(buffer.buffer);
        expect([...buffer.subarray(0, 6)]).toStrictEqual([1, 2, 3, 4, 5, 6]);
      }),
    );

    it("leaves the buffer of a complete transfer alone, and copies", () => {
      const { issue, port } = handMadePipe();
      const buffer = Uint8Array.of(1, 2, 0, 0, 3, 4, 5, 6);
      const transfer = issue({ lengths: 4, frames: 2, buffer });
      port.complete({ actual: [2, 4] });

      of(transfer).pipe(compact()).subscribe();

      expect([...transfer.results().data]).toStrictEqual([1, 2, 3, 4, 5, 6]);
      expect([...buffer]).toStrictEqual([1, 2, 0, 0, 3, 4, 5, 6]);
    });

    it(
      "refuses a transfer on an OUT endpoint",
      marbles((m) => {
        const { issue } = handMadePipe("out");
        const transfer = issue({ lengths: 4, frames: 1, buffer: new Uint8Array(4) });
        const source = m.hot("    -a-a-|", { a: transfer });
        const subs = "            ^!    ";
        const expected = "        -#    ";

        m.expect(source.pipe(compact(), plainErrors())).toBeObservable(
          expected,
          {},
          failure("InvalidRequestError", "compact-out", "IN"),
        );
        m.expect(source).toHaveSubscriptions(subs);
      }),
    );

    it(
      "refuses a transfer with a DMA buffer",
      marbles((m) => {
        const { issue } = handMadePipe();
        const dma = { bytes: new Uint8Array(4), address: 0x1000, free: () => undefined };
        const transfer = issue({ lengths: 4, frames: 1, dma });

        m.expect(m.hot("-a-|", { a: transfer }).pipe(compact(), plainErrors())).toBeObservable(
          "              -#",
          {},
          failure("InvalidRequestError", "compact-with-dma"),
        );
      }),
    );
  });
});

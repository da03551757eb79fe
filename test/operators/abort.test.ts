import { map, NEVER, throwError } from "rxjs";
import { describe, expect, it } from "vitest";
import { abort, close, issue } from "../../operators/index.js";
import { isochPipe, type IsochRequest } from "../../src/index.js";
import { handMadePipe } from "../support/hand-made.js";
import { inPipe, marbleLab } from "../support/marble-lab.js";
import { marbles } from "../support/marbles.js";
import { outcome } from "../support/outcome.js";
import { standardCases } from "../support/standard-cases.js";

const four: IsochRequest = { lengths: 64, frames: 4 };
const requests = { a: four, b: four, c: four, d: four };

describe("abort", () => {
  standardCases(() => {
    const { completed } = handMadePipe();
    return { operator: abort(NEVER), value: completed };
  });

  it(
    "passes transfers on at once, and completes when the last of them has",
    marbles((m) => {
      const { issue: issueByHand, port } = handMadePipe();
      const transfers = [issueByHand(), issueByHand()] as const;
      const source = m.hot("    -a-b|        ", { a: transfers[0], b: transfers[1] });
      const subs = "            ^---!        ";
      const panic = m.cold("    -------------");
      const panicSubs = "       ^---------!  ";
      const expected = "        -0-1------|  ";
      m.scheduler.schedule(() => port.complete(), 6);
      m.scheduler.schedule(() => port.complete(), 10);

      m.expect(
        source.pipe(
          abort(panic),
          map((transfer) => transfers.indexOf(transfer)),
        ),
      ).toBeObservable(expected, { 0: 0, 1: 1 });
      m.expect(source).toHaveSubscriptions(subs);
      m.expect(panic).toHaveSubscriptions(panicSubs);
    }),
  );

  it(
    "keeps what had arrived, and the frames that had not had their turn read not-complete",
    marbles((m) => {
      const lab = marbleLab(m);
      const source = m.cold("   (abc|)     ", requests);
      const panic = m.hot("     ------x----");
      const panicSubs = "       ^-----!    ";
      const expected = "        ----a-(bc|)";
      const result = source.pipe(issue(isochPipe(lab.transport, inPipe)), abort(panic), close(), map(outcome));

      m.expect(result).toBeObservable(expected, {
        a: "0: 4 of 4 ok",
        b: "4: 2 of 4 cancelled",
        c: "8: 0 of 4 cancelled",
      });
      m.expect(panic).toHaveSubscriptions(panicSubs);
      lab.finish();
      expect(lab.device.asked).toStrictEqual([0, 1, 2, 3, 4, 5]);
    }),
  );

  it(
    "leaves transfers alone that are issued later",
    marbles((m) => {
      const lab = marbleLab(m);
      const source = m.hot("    a----b-------|", requests);
      const subs = "            ^------------!";
      const panic = m.hot("     --x----------");
      const expected = "        --a------b---|";
      const result = source.pipe(issue(isochPipe(lab.transport, inPipe)), abort(panic), close(), map(outcome));

      m.expect(result).toBeObservable(expected, { a: "0: 2 of 4 cancelled", b: "5: 4 of 4 ok, 3 lost" });
      m.expect(source).toHaveSubscriptions(subs);
      lab.finish();
    }),
  );

  it(
    "abort-twice: the second finds what is in flight by then",
    marbles((m) => {
      const lab = marbleLab(m);
      const source = m.hot("    a--b---c----|", requests);
      const panic = m.hot("     -xx--x-------");
      const expected = "        -a---b-----c|";
      const result = source.pipe(issue(isochPipe(lab.transport, inPipe)), abort(panic), close(), map(outcome));

      m.expect(result).toBeObservable(expected, {
        a: "0: 1 of 4 cancelled",
        b: "3: 2 of 4 cancelled, 2 lost",
        c: "7: 4 of 4 ok, 2 lost",
      });
      lab.finish();
    }),
  );

  it(
    "abort-while-draining: reaches what is in flight after close has stopped issue",
    marbles((m) => {
      const lab = marbleLab(m);
      const source = m.hot("    abcd---------", requests);
      const subs = "            ^---!        ";
      const done = m.hot("      ----x--------");
      const panic = m.hot("     ------x------");
      const expected = "        ----a-(b|)";
      const pipe = isochPipe(lab.transport, inPipe);
      const result = source.pipe(issue(pipe, { queue: 2 }), abort(panic), close(done), map(outcome));

      m.expect(result).toBeObservable(expected, { a: "0: 4 of 4 ok", b: "4: 2 of 4 cancelled" });
      m.expect(source).toHaveSubscriptions(subs);
      lab.finish();
    }),
  );

  it(
    "does nothing where nothing is in flight, nor when the notifier completes",
    marbles((m) => {
      const lab = marbleLab(m);
      const source = m.hot("    ---a---|", requests);
      const panic = m.hot("     -x-|    ");
      const panicSubs = "       ^--!    ";
      const expected = "        -------(a|)";
      const result = source.pipe(issue(isochPipe(lab.transport, inPipe)), abort(panic), close(), map(outcome));

      m.expect(result).toBeObservable(expected, { a: "3: 4 of 4 ok" });
      m.expect(panic).toHaveSubscriptions(panicSubs);
      lab.finish();
    }),
  );

  it(
    "abort-on-a-pipe-that-cannot: lets the transfer run to its end",
    marbles((m) => {
      const lab = marbleLab(m, { capabilities: { cancel: "none" } });
      const source = m.hot("    a-------|", requests);
      const panic = m.hot("     -x------");
      const expected = "        ----a---|";
      const result = source.pipe(issue(isochPipe(lab.transport, inPipe)), abort(panic), close(), map(outcome));

      m.expect(result).toBeObservable(expected, { a: "0: 4 of 4 ok" });
      lab.finish();
    }),
  );

  it(
    "passes an error of the notifier on",
    marbles((m) => {
      const source = m.hot("    ------");
      const subs = "            ^-!   ";
      const panic = m.cold("    --#   ", {}, "reason");
      const expected = "        --#   ";

      m.expect(source.pipe(abort(panic))).toBeObservable(expected, {}, "reason");
      m.expect(source).toHaveSubscriptions(subs);
    }),
  );

  it(
    "does not subscribe to the source where the notifier errors at once",
    marbles((m) => {
      const source = m.cold("   a-----", { a: handMadePipe().issue() });
      const expected = "        #     ";

      m.expect(source.pipe(abort(throwError(() => new Error("reason"))))).toBeObservable(
        expected,
        {},
        new Error("reason"),
      );
      m.expect(source).toHaveSubscriptions([]);
    }),
  );

  it(
    "unsubscribes from the notifier when it is unsubscribed from, and cancels nothing by itself",
    marbles((m) => {
      const { issue: issueByHand, port } = handMadePipe();
      const source = m.hot("    -a-----", { a: issueByHand() });
      const panic = m.cold("    -----x-");
      const subs = "            ^--!   ";
      const expected = "        -x--   ";

      m.expect(
        source.pipe(
          abort(panic),
          map(() => "x"),
        ),
        subs,
      ).toBeObservable(expected);
      m.expect(source).toHaveSubscriptions(subs);
      m.expect(panic).toHaveSubscriptions(subs);
      m.flush();
      expect(port.cancelled).toStrictEqual([]);
    }),
  );
});

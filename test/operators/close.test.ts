import { concatMap, EMPTY, map, of, Subject, take, tap, throwError } from "rxjs";
import { describe, expect, it, vi } from "vitest";
import { abort, close, issue } from "../../operators/index.js";
import { isochPipe, type IsochRequest, type IsochResults, type IsochTransfer } from "../../src/index.js";
import { handMadePipe } from "../support/hand-made.js";
import { inPipe, marbleLab } from "../support/marble-lab.js";
import { marbles } from "../support/marbles.js";
import { outcome } from "../support/outcome.js";
import { plainErrors } from "../support/plain-error.js";
import { standardCases } from "../support/standard-cases.js";

const two: IsochRequest = { lengths: 64, frames: 2 };
const requests = { a: two, b: two, c: two, d: two, e: two };

describe("close", () => {
  standardCases(() => {
    const { completed } = handMadePipe();
    return { operator: close(), value: completed };
  });

  it(
    "emits the results of each transfer when it completes",
    marbles((m) => {
      const lab = marbleLab(m);
      const source = m.hot("    a---(bc|)  ", requests);
      const subs = "            ^---!      ";
      const expected = "        --a---b-(c|)";

      m.expect(source.pipe(issue(isochPipe(lab.transport, inPipe)), close(), map(outcome))).toBeObservable(expected, {
        a: "0: 2 of 2 ok",
        b: "4: 2 of 2 ok, 2 lost",
        c: "6: 2 of 2 ok",
      });
      m.expect(source).toHaveSubscriptions(subs);
      lab.finish();
    }),
  );

  it(
    "keeps the order of issue where a later transfer completes first",
    marbles((m) => {
      const first = handMadePipe();
      const second = handMadePipe();
      const transfers = { a: first.issue(), b: second.issue(), c: second.issue() };
      const source = m.hot("    abc|          ", transfers);
      const subs = "            ^--!          ";
      const expected = "        -------(ab)--(c|)";
      m.scheduler.schedule(() => second.port.complete({ firstFrame: 20 }), 4);
      m.scheduler.schedule(() => first.port.complete({ firstFrame: 10 }), 7);
      m.scheduler.schedule(() => second.port.complete({ firstFrame: 21 }), 13);

      m.expect(
        source.pipe(
          close(),
          map(({ firstFrame }) => firstFrame),
        ),
      ).toBeObservable(expected, { a: 10, b: 20, c: 21 });
      m.expect(source).toHaveSubscriptions(subs);
    }),
  );

  it("closes each transfer once its results are delivered, and these stay valid", () => {
    const { issue: issueByHand, port } = handMadePipe();
    const transfers = [issueByHand(), issueByHand()] as const;
    const whileDelivered: boolean[][] = [];
    const delivered: IsochResults[] = [];
    of(...transfers)
      .pipe(close())
      .subscribe((results) => {
        delivered.push(results);
        whileDelivered.push(transfers.map(({ isClosed }) => isClosed));
      });

    port.complete();
    expect(transfers.map(({ isClosed }) => isClosed)).toStrictEqual([true, false]);
    port.complete();
    expect(transfers.map(({ isClosed }) => isClosed)).toStrictEqual([true, true]);
    expect(whileDelivered).toStrictEqual([
      [false, false],
      [true, false],
    ]);
    expect(delivered.map(outcome)).toStrictEqual(["0: 1 of 1 ok", "1: 1 of 1 ok"]);
  });

  describe("with a notifier", () => {
    it(
      "close-in-flight: issues no more, drains what is in flight, and completes",
      marbles((m) => {
        const lab = marbleLab(m);
        const source = m.hot("    (abcde)------", requests);
        const subs = "            ^--!         ";
        const done = m.hot("      ---x---------");
        const doneSubs = "        ^-----!      ";
        const expected = "        --a-b-(c|)   ";
        const pipe = isochPipe(lab.transport, inPipe);

        m.expect(source.pipe(issue(pipe, { queue: 2 }), close(done), map(outcome))).toBeObservable(expected, {
          a: "0: 2 of 2 ok",
          b: "2: 2 of 2 ok",
          c: "4: 2 of 2 ok",
        });
        m.expect(source).toHaveSubscriptions(subs);
        m.expect(done).toHaveSubscriptions(doneSubs);
        lab.finish();
      }),
    );

    it(
      "close-after-abort: completes with what abort left",
      marbles((m) => {
        const lab = marbleLab(m);
        const source = m.hot("    (ab)---", requests);
        const panic = m.hot("     -x-----");
        const done = m.hot("      -----x-");
        const expected = "        -(ab)| ";
        const result = source.pipe(issue(isochPipe(lab.transport, inPipe)), abort(panic), close(done), map(outcome));

        m.expect(result).toBeObservable(expected, { a: "0: 1 of 2 cancelled", b: "2: 0 of 2 cancelled" });
        lab.finish();
      }),
    );

    it(
      "completes at once before the first transfer",
      marbles((m) => {
        const lab = marbleLab(m);
        const source = m.hot("    -----a-----", requests);
        const subs = "            ^-!        ";
        const done = m.hot("      --x--------");
        const expected = "        --|        ";

        m.expect(source.pipe(issue(isochPipe(lab.transport, inPipe)), close(done))).toBeObservable(expected);
        m.expect(source).toHaveSubscriptions(subs);
        lab.finish();
      }),
    );

    it(
      "completes at once where nothing is in flight",
      marbles((m) => {
        const lab = marbleLab(m);
        const source = m.hot("    -a---------", requests);
        const subs = "            ^-----!    ";
        const done = m.hot("      ------x----");
        const expected = "        ---a--|    ";
        const result = source.pipe(issue(isochPipe(lab.transport, inPipe)), close(done), map(outcome));

        m.expect(result).toBeObservable(expected, { a: "1: 2 of 2 ok" });
        m.expect(source).toHaveSubscriptions(subs);
        lab.finish();
      }),
    );

    it.each([
      ["what was in flight has drained", "(abcde)---", "---x------"],
      ["nothing is in flight", "          -a--------", "------x---"],
      ["nothing was issued", "            -----a----", "--x-------"],
    ])("has given the pipe back when it completes: %s", (_, issued, notified) => {
      marbles((m) => {
        const lab = marbleLab(m);
        const pipe = isochPipe(lab.transport, inPipe);
        const again: string[] = [];
        const sendAgain = () => {
          of(two)
            .pipe(issue(pipe), close(), map(outcome))
            .subscribe((each) => again.push(each));
        };
        m.hot(issued, requests)
          .pipe(issue(pipe, { queue: 2 }), close(m.hot(notified)))
          .subscribe({ complete: sendAgain });
        lab.finish();
        expect(again).toHaveLength(1);
      })();
    });

    it(
      "does not subscribe to the source where the notifier emits at once",
      marbles((m) => {
        const source = m.cold("   a--", { a: handMadePipe().issue() });
        const expected = "        |  ";

        m.expect(source.pipe(close(of("now")))).toBeObservable(expected);
        m.expect(source).toHaveSubscriptions([]);
      }),
    );

    it(
      "goes on where the notifier completes",
      marbles((m) => {
        const lab = marbleLab(m);
        const source = m.hot("    a-|", requests);
        const expected = "        --(a|)";

        m.expect(source.pipe(issue(isochPipe(lab.transport, inPipe)), close(EMPTY), map(outcome))).toBeObservable(
          expected,
          { a: "0: 2 of 2 ok" },
        );
        lab.finish();
      }),
    );

    it(
      "passes an error of the notifier on, and closes what is in flight",
      marbles((m) => {
        const lab = marbleLab(m);
        const transfers: IsochTransfer[] = [];
        const source = m.hot("    (ab)-----", requests);
        const subs = "            ^--!     ";
        const done = m.cold("     ---#     ", {}, "reason");
        const expected = "        --a#     ";
        const result = source.pipe(
          issue(isochPipe(lab.transport, inPipe)),
          tap((transfer) => transfers.push(transfer)),
          close(done),
          map(outcome),
        );

        m.expect(result).toBeObservable(expected, { a: "0: 2 of 2 ok" }, "reason");
        m.expect(source).toHaveSubscriptions(subs);
        lab.finish();
        expect(transfers.map(({ isClosed }) => isClosed)).toStrictEqual([true, true]);
      }),
    );

    it(
      "does not subscribe to the source where the notifier errors at once",
      marbles((m) => {
        const source = m.cold("   a--", { a: handMadePipe().issue() });
        const expected = "        #  ";

        m.expect(source.pipe(close(throwError(() => new Error("reason"))))).toBeObservable(
          expected,
          {},
          new Error("reason"),
        );
        m.expect(source).toHaveSubscriptions([]);
      }),
    );

    it("tells every issuer, those of transfers that come later too", () => {
      const { issue: issueByHand } = handMadePipe();
      const done = new Subject<void>();
      const stops = [vi.fn(), vi.fn(), vi.fn()] as const;
      const transfers = new Subject<IsochTransfer>();
      transfers.pipe(close(done)).subscribe();

      transfers.next(issueByHand(undefined, { stop: stops[0] }));
      transfers.next(issueByHand(undefined, { stop: stops[1] }));
      expect(stops.map((stop) => stop.mock.calls.length)).toStrictEqual([0, 0, 0]);
      done.next();
      transfers.next(issueByHand(undefined, { stop: stops[2] }));
      expect(stops.map((stop) => stop.mock.calls.length)).toStrictEqual([1, 1, 1]);
    });
  });

  describe("unsubscribed", () => {
    it(
      "close-in-flight: closes every transfer, and emits nothing",
      marbles((m) => {
        const lab = marbleLab(m);
        const transfers: IsochTransfer[] = [];
        const source = m.hot("    (abc)----", requests);
        const subs = "            ^--!     ";
        const expected = "        --a------";
        const result = source.pipe(
          issue(isochPipe(lab.transport, inPipe)),
          tap((transfer) => transfers.push(transfer)),
          close(),
          map(outcome),
        );

        m.expect(result, subs).toBeObservable(expected, { a: "0: 2 of 2 ok" });
        m.expect(source).toHaveSubscriptions(subs);
        lab.finish();
        expect(transfers.map(({ isClosed }) => isClosed)).toStrictEqual([true, true, true]);
        expect(lab.device.asked).toStrictEqual([0, 1, 2]);
      }),
    );

    it(
      "while results are being delivered: closes that transfer too",
      marbles((m) => {
        const lab = marbleLab(m);
        const transfers: IsochTransfer[] = [];
        const source = m.hot("    (abc)----", requests);
        const subs = "            ^-!      ";
        const expected = "        --(a|)   ";
        const result = source.pipe(
          issue(isochPipe(lab.transport, inPipe)),
          tap((transfer) => transfers.push(transfer)),
          close(),
          take(1),
          map(outcome),
        );

        m.expect(result).toBeObservable(expected, { a: "0: 2 of 2 ok" });
        m.expect(source).toHaveSubscriptions(subs);
        lab.finish();
        expect(transfers.map(({ isClosed }) => isClosed)).toStrictEqual([true, true, true]);
      }),
    );
  });

  it(
    "cancels what is in flight when the source errors, and errors after the results of that",
    marbles((m) => {
      const { issue: issueByHand, port } = handMadePipe();
      const transfers = { a: issueByHand(two), b: issueByHand(two) };
      const source = m.hot("    ab-#         ", transfers, "reason");
      const subs = "            ^--!         ";
      const expected = "        -----a--(b#) ";
      m.scheduler.schedule(() => port.complete({ served: 1, cancelled: true }), 5);
      m.scheduler.schedule(() => port.complete({ served: 0, cancelled: true }), 8);

      m.expect(source.pipe(close(), map(outcome))).toBeObservable(
        expected,
        { a: "0: 1 of 2 cancelled", b: "1: 0 of 2 cancelled" },
        "reason",
      );
      m.expect(source).toHaveSubscriptions(subs);
      m.flush();
      expect(port.cancelled).toHaveLength(2);
    }),
  );

  it(
    "delivers what had arrived when an operator between throws",
    marbles((m) => {
      const lab = marbleLab(m);
      const source = m.hot("    a--b------", requests);
      const subs = "            ^--!      ";
      const expected = "        --a#      ";
      const result = source.pipe(
        issue(isochPipe(lab.transport, inPipe)),
        map((transfer, i) => {
          if (i === 1) throw new Error("in between");
          return transfer;
        }),
        close(),
        map(outcome),
        plainErrors(),
      );

      m.expect(result).toBeObservable(
        expected,
        { a: "0: 2 of 2 ok" },
        { class: "Error", code: "none", message: "Error: in between" },
      );
      m.expect(source).toHaveSubscriptions(subs);
      lab.finish();
    }),
  );

  describe("close-after-close", () => {
    it(
      "passes over a transfer that somebody else has closed",
      marbles((m) => {
        const { issue: issueByHand, port } = handMadePipe();
        const transfers = { a: issueByHand(), b: issueByHand() };
        const source = m.hot("    ab|       ", transfers);
        const expected = "        -------(b|)";
        m.scheduler.schedule(() => {
          transfers.a.close();
        }, 4);
        m.scheduler.schedule(() => {
          port.complete({ served: 0, cancelled: true });
          port.complete();
        }, 7);

        m.expect(source.pipe(close(), map(outcome))).toBeObservable(expected, { b: "0: 1 of 1 ok" });
      }),
    );

    it("takes it when the receiver of the results closes the transfer", () => {
      const { issue: issueByHand, port } = handMadePipe();
      const transfer = issueByHand();
      const observer = { next: vi.fn(), error: vi.fn(), complete: vi.fn() };
      of(transfer)
        .pipe(
          close(),
          tap(() => {
            transfer.close();
          }),
        )
        .subscribe(observer);
      port.complete();

      expect(observer.next).toHaveBeenCalledTimes(1);
      expect(observer.error).not.toHaveBeenCalled();
      expect(observer.complete).toHaveBeenCalledTimes(1);
    });
  });

  it(
    "leaves the pipe free for the next, one after the other",
    marbles((m) => {
      const lab = marbleLab(m);
      const pipe = isochPipe(lab.transport, inPipe);
      const source = m.cold("   -(ab|)   ", requests);
      const subs = "            ^!       ";
      const expected = "        ---a-(b|)";
      const result = source.pipe(
        concatMap((request) => of(request).pipe(issue(pipe), close())),
        map(outcome),
      );

      m.expect(result).toBeObservable(expected, { a: "1: 2 of 2 ok", b: "3: 2 of 2 ok" });
      m.expect(source).toHaveSubscriptions(subs);
      lab.finish();
    }),
  );
});

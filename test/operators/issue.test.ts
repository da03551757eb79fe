import { concat, from, map, NEVER, Observable, of, repeat, retry, Subject, switchMap, take, tap } from "rxjs";
import { TestScheduler } from "rxjs/testing";
import { describe, expect, it, vi } from "vitest";
import { close, issue, type UnderrunPolicy } from "../../operators/index.js";
import {
  isochPipe,
  openDevice,
  TransportError,
  type IsochPipe,
  type IsochRequest,
  type IsochTransfer,
  type RequestSource,
} from "../../src/index.js";
import { writeCounter } from "../../transports/virtual/index.js";
import { handMadePipe } from "../support/hand-made.js";
import { inPipe, marbleLab, outPipe } from "../support/marble-lab.js";
import { marbles } from "../support/marbles.js";
import { observedMax } from "../support/observed-device.js";
import { outcome } from "../support/outcome.js";
import { failure, plain, plainErrors, thrown } from "../support/plain-error.js";
import { slowTransport, type SlowTransport } from "../support/slow-transport.js";
import { standardCases } from "../support/standard-cases.js";

const two: IsochRequest = { lengths: observedMax, frames: 2 };
const six: IsochRequest = { lengths: observedMax, frames: 6 };
const requests = { a: two, b: two, c: two, d: two, e: two };
const tooLong: IsochRequest = { lengths: observedMax + 1, frames: 1 };

/** Requests that know how many of them were asked for, and whether they were told to stop. */
function pullable(count: number, request: IsochRequest = two) {
  const seen = { pulls: 0, returns: 0 };
  const iterator: Iterator<IsochRequest> = {
    next: () => (++seen.pulls <= count ? { value: request } : { done: true, value: undefined }),
    return: () => {
      seen.returns++;
      return { done: true, value: undefined };
    },
  };
  return { seen, requests: { [Symbol.iterator]: () => iterator } satisfies Iterable<IsochRequest> };
}

/** A request to send two packets, with a counter in each. */
function packets(counter: number): IsochRequest & { readonly buffer: Uint8Array } {
  const buffer = Buffer.alloc(2 * observedMax);
  writeCounter(buffer, counter, 0);
  writeCounter(buffer, counter + 1, observedMax);
  return { lengths: observedMax, frames: 2, buffer };
}

describe("issue", () => {
  standardCases<RequestSource, IsochTransfer>((m) => {
    const pipe = isochPipe(marbleLab(m).transport, inPipe);
    return { operator: issue(pipe), value: () => two };
  });

  it(
    "emits each transfer the moment it is submitted, and completes with the last completion",
    marbles((m) => {
      const lab = marbleLab(m);
      const source = m.hot("    a--b--|  ", { a: six, b: two });
      const subs = "            ^-----!  ";
      const expected = "        a--b----|";
      const result = source.pipe(
        issue(isochPipe(lab.transport, inPipe)),
        map(({ isComplete, frames: count }) => ({ isComplete, count, inFlight: lab.bus.audit().inFlight })),
      );

      m.expect(result).toBeObservable(expected, {
        a: { isComplete: false, count: 6, inFlight: 1 },
        b: { isComplete: false, count: 2, inFlight: 2 },
      });
      m.expect(source).toHaveSubscriptions(subs);
      lab.finish();
    }),
  );

  it(
    "keeps `queue` transfers in flight, and the others in the backlog",
    marbles((m) => {
      const lab = marbleLab(m);
      const inFlight: number[] = [];
      const source = m.cold("   (abcde|)", { a: six, b: six, c: six, d: six, e: six });
      const subs = "            (^!)";
      const expected = "        (xx)--x-----x-----x-----------|";
      const result = source.pipe(
        issue(isochPipe(lab.transport, inPipe), { queue: 2 }),
        map(() => {
          inFlight.push(lab.bus.audit().inFlight);
          return "x";
        }),
      );

      m.expect(result).toBeObservable(expected);
      m.expect(source).toHaveSubscriptions(subs);
      lab.finish();
      expect(inFlight).toStrictEqual([1, 2, 2, 2, 2]);
      expect(lab.device.asked).toStrictEqual(Array.from({ length: 30 }, (_, frame) => frame));
    }),
  );

  it(
    "takes requests that are pushed while a transfer is being emitted",
    marbles((m) => {
      const lab = marbleLab(m);
      const source = new Subject<RequestSource>();
      const expected = "        ---a-b-c-(d|)";
      const result = source.pipe(
        issue(isochPipe(lab.transport, inPipe)),
        tap(() => {
          if (lab.bus.audit().submitted < 4) source.next(two);
          else source.complete();
        }),
        close(),
        map(outcome),
      );
      lab.at(1, () => {
        source.next(two);
      });

      m.expect(result).toBeObservable(expected, {
        a: "1: 2 of 2 ok",
        b: "3: 2 of 2 ok",
        c: "5: 2 of 2 ok",
        d: "7: 2 of 2 ok",
      });
      lab.finish();
    }),
  );

  it(
    "starts on the frame that a request names",
    marbles((m) => {
      const lab = marbleLab(m);
      const source = m.cold("   (ab|)      ", { a: { ...two, start: 3 }, b: { ...two, start: 7 } });
      const expected = "        -----a---(b|)";

      m.expect(source.pipe(issue(isochPipe(lab.transport, inPipe)), close(), map(outcome))).toBeObservable(expected, {
        a: "3: 2 of 2 ok",
        b: "7: 2 of 2 ok, 2 lost",
      });
      lab.finish();
      expect(lab.device.asked).toStrictEqual([3, 4, 7, 8]);
    }),
  );

  it.each([
    ["queue", { queue: 0 }, "invalid-number"],
    ["queue", { queue: 1.5 }, "invalid-number"],
    ["backlog", { backlog: 0 }, "invalid-number"],
    ["backlog", { backlog: Number.NaN }, "invalid-number"],
    ["underrun", { underrun: "sometimes" as UnderrunPolicy }, "invalid-option"],
  ] as const)("refuses an option at the call: %s in %o", (name, options, code) => {
    const pipe = isochPipe(marbleLab({ scheduler: new TestScheduler(() => true), flush: vi.fn() }).transport, inPipe);
    expect(thrown(() => issue(pipe, options))).toStrictEqual(failure("InvalidRequestError", code, name));
  });

  describe("opening and closing the pipe", () => {
    it(
      "keeps what is pushed while the pipe is still being opened",
      marbles((m) => {
        const lab = marbleLab(m, {}, (bus) => slowTransport(bus, m.scheduler));
        const source = m.hot("    ab|    ", { a: six, b: two });
        const subs = "            ^-!    ";
        const expected = "        ---------a-(b|)";

        m.expect(source.pipe(issue(isochPipe(lab.transport, inPipe)), close(), map(outcome))).toBeObservable(expected, {
          a: "3: 6 of 6 ok",
          b: "9: 2 of 2 ok",
        });
        m.expect(source).toHaveSubscriptions(subs);
        lab.finish();
      }),
    );

    it(
      "completes when it is open, where the source had nothing to push",
      marbles((m) => {
        const lab = marbleLab(m, {}, (bus) => slowTransport(bus, m.scheduler));
        const source = m.hot("    |  ");
        const expected = "        ---|";

        m.expect(source.pipe(issue(isochPipe(lab.transport, inPipe)))).toBeObservable(expected);
        lab.finish();
      }),
    );

    it(
      "error-while-opening: errors at once, and leaves nothing open",
      marbles((m) => {
        const lab = marbleLab(m, {}, (bus) => slowTransport(bus, m.scheduler));
        const source = m.hot("    a-#", requests, "reason");
        const subs = "            ^-!";
        const expected = "        --#";

        m.expect(source.pipe(issue(isochPipe(lab.transport, inPipe)))).toBeObservable(expected, {}, "reason");
        m.expect(source).toHaveSubscriptions(subs);
        lab.finish();
        expect(lab.device.asked).toStrictEqual([]);
      }),
    );

    it(
      "unsubscribe-while-opening: issues nothing, and leaves nothing open",
      marbles((m) => {
        const lab = marbleLab(m, {}, (bus) => slowTransport(bus, m.scheduler));
        const source = m.hot("    a----", requests);
        const subs = "            ^-!  ";
        const expected = "        -----";

        m.expect(source.pipe(issue(isochPipe(lab.transport, inPipe))), subs).toBeObservable(expected);
        m.expect(source).toHaveSubscriptions(subs);
        lab.finish();
        expect(lab.device.asked).toStrictEqual([]);
      }),
    );

    it(
      "unsubscribe-in-flight: cancels, drains and closes",
      marbles((m) => {
        const lab = marbleLab(m);
        const source = m.hot("    a------", { a: six });
        const subs = "            ^--!   ";
        const expected = "        x------";

        m.expect(
          source.pipe(
            issue(isochPipe(lab.transport, inPipe)),
            map(() => "x"),
          ),
          subs,
        ).toBeObservable(expected);
        m.expect(source).toHaveSubscriptions(subs);
        lab.finish();
        expect(lab.device.asked).toStrictEqual([0, 1, 2]);
      }),
    );

    it(
      "does not subscribe to the source where the pipe does not open",
      marbles((m) => {
        const lab = marbleLab(m);
        const source = m.cold("   a-|", requests);
        const expected = "        #  ";

        m.expect(
          source.pipe(issue(isochPipe(lab.transport, { ...inPipe, vendorId: 0xffff })), plainErrors()),
        ).toBeObservable(expected, {}, failure("DeviceError", "no-such-device"));
        m.expect(source).toHaveSubscriptions([]);
        lab.finish();
      }),
    );

    it(
      "refuses a second subscriber, and leaves the first alone",
      marbles((m) => {
        const lab = marbleLab(m);
        const pipe = isochPipe(lab.transport, inPipe);
        const first = m.hot("     a-----|", { a: six });
        const second = m.hot("    --a----", requests);
        const secondStart = "     --^----";
        const expected = "        ------(a|)";
        const refused = "         --#    ";

        m.expect(first.pipe(issue(pipe), close(), map(outcome))).toBeObservable(expected, { a: "0: 6 of 6 ok" });
        m.expect(second.pipe(issue(pipe), plainErrors()), secondStart).toBeObservable(
          refused,
          {},
          failure("BusyError", "pipe-busy", "share()"),
        );
        m.expect(second).toHaveSubscriptions([]);
        lab.finish();
      }),
    );

    it(
      "can be subscribed to again: repeat",
      marbles((m) => {
        const lab = marbleLab(m);
        const source = m.cold("   a|       ", requests);
        const subs = [
          "                       ^!       ",
          "                       --^!     ",
          "                       ----^!   ",
        ];
        const expected = "        --a-b-(c|)";

        m.expect(source.pipe(issue(isochPipe(lab.transport, inPipe)), close(), repeat(3), map(outcome))).toBeObservable(
          expected,
          { a: "0: 2 of 2 ok", b: "2: 2 of 2 ok", c: "4: 2 of 2 ok" },
        );
        m.expect(source).toHaveSubscriptions(subs);
        lab.finish();
      }),
    );

    it(
      "can be subscribed to again: retry",
      marbles((m) => {
        const lab = marbleLab(m);
        const source = m.cold("   ab       ", { a: two, b: tooLong });
        const subs = ["                       ^!       ", "                       --^!     "];
        const expected = "        --a-(b#)";
        const result = source.pipe(
          issue(isochPipe(lab.transport, inPipe)),
          close(),
          retry(1),
          map(outcome),
          plainErrors(),
        );

        m.expect(result).toBeObservable(
          expected,
          { a: "0: 2 of 2 ok", b: "2: 2 of 2 ok" },
          failure("InvalidRequestError", "length-out-of-range"),
        );
        m.expect(source).toHaveSubscriptions(subs);
        lab.finish();
      }),
    );

    it(
      "leaves a device open that was open before",
      marbles((m) => {
        const lab = marbleLab(m);
        const subs = "            ^-----!";
        const expected = "        --a----";
        const openDevices: number[] = [];
        const result = openDevice(lab.transport, { vendorId: inPipe.vendorId }).pipe(
          switchMap((device) => of(two).pipe(issue(isochPipe(device, inPipe)), close(), map(outcome))),
        );
        lab.at(4, () => {
          const { openDevices: open, claimedInterfaces } = lab.bus.audit();
          openDevices.push(open, claimedInterfaces);
        });

        m.expect(result, subs).toBeObservable(expected, { a: "0: 2 of 2 ok" });
        lab.finish();
        expect(openDevices).toStrictEqual([1, 0]);
      }),
    );
  });

  describe("what goes wrong is told after what had arrived", () => {
    it.each([
      ["a frame too long", tooLong, failure("InvalidRequestError", "length-out-of-range", "1 to 64", "65")],
      ["no frames", { lengths: [] }, failure("InvalidRequestError", "no-frames")],
      ["no request at all", undefined, failure("InvalidRequestError", "invalid-option", "not undefined")],
      ["a number", 64, failure("InvalidRequestError", "invalid-option", "not 64")],
      ["a frame that has passed", { ...two, start: 0 }, failure("InvalidRequestError", "start-in-past", "frame 0")],
      ["a frame that is taken", { ...two, start: 4 }, failure("InvalidRequestError", "start-overlap", "frame 4")],
      ["an iterable of nonsense", ["ab"], failure("InvalidRequestError", "invalid-option", "not ab")],
    ])("bad-request-in-flight: %s", (_, bad, reason) => {
      marbles((m) => {
        const lab = marbleLab(m);
        const source = m.hot("    a-bc---", { a: six, b: bad as RequestSource, c: two });
        const subs = "            ^-!    ";
        const expected = "        ------(a#)";

        m.expect(
          source.pipe(issue(isochPipe(lab.transport, inPipe)), close(), map(outcome), plainErrors()),
        ).toBeObservable(expected, { a: "0: 6 of 6 ok" }, reason);
        m.expect(source).toHaveSubscriptions(subs);
        lab.finish();
      })();
    });

    it(
      "at once, where nothing is in flight",
      marbles((m) => {
        const lab = marbleLab(m);
        const source = m.hot("    -a-", { a: tooLong });
        const expected = "        -# ";

        m.expect(source.pipe(issue(isochPipe(lab.transport, inPipe)), plainErrors())).toBeObservable(
          expected,
          {},
          failure("InvalidRequestError", "length-out-of-range"),
        );
        lab.finish();
      }),
    );

    it(
      "backlog-full: what is in flight is delivered, what waits is not issued",
      marbles((m) => {
        const lab = marbleLab(m);
        const source = m.hot("    abcde---", { a: six, b: two, c: two, d: two, e: two });
        const subs = "            ^--!    ";
        const expected = "        ------(a#)";
        const pipe = isochPipe(lab.transport, inPipe);

        m.expect(
          source.pipe(issue(pipe, { queue: 1, backlog: 2 }), close(), map(outcome), plainErrors()),
        ).toBeObservable(
          expected,
          { a: "0: 6 of 6 ok" },
          failure("OverflowError", "backlog-full", "2 requests wait", "iterable"),
        );
        m.expect(source).toHaveSubscriptions(subs);
        lab.finish();
      }),
    );

    it(
      "backlog-full: stops a synchronous source without end at that request",
      marbles((m) => {
        const lab = marbleLab(m);
        let pushed = 0;
        const endless = new Observable<IsochRequest>((subscriber) => {
          while (!subscriber.closed && pushed < 100) {
            pushed++;
            subscriber.next(two);
          }
        });
        const pipe = isochPipe(lab.transport, inPipe);
        const expected = "        --(a#)";

        m.expect(
          endless.pipe(issue(pipe, { queue: 1, backlog: 2 }), close(), map(outcome), plainErrors()),
        ).toBeObservable(expected, { a: "0: 2 of 2 ok" }, failure("OverflowError", "backlog-full"));
        lab.finish();
        expect(pushed).toBe(4);
      }),
    );

    it(
      "error-in-flight: of the source",
      marbles((m) => {
        const lab = marbleLab(m);
        const source = m.hot("    a-#     ", { a: six }, "reason");
        const subs = "            ^-!     ";
        const expected = "        ------(a#)";

        m.expect(source.pipe(issue(isochPipe(lab.transport, inPipe)), close(), map(outcome))).toBeObservable(
          expected,
          { a: "0: 6 of 6 ok" },
          "reason",
        );
        m.expect(source).toHaveSubscriptions(subs);
        lab.finish();
      }),
    );

    it(
      "unplug-in-flight: frames that had arrived are kept, then the device is gone",
      marbles((m) => {
        const lab = marbleLab(m);
        lab.attachment.inject({ type: "unplug", frame: 3 });
        const source = m.hot("    (abc)---", requests);
        const subs = "            ^--!    ";
        const expected = "        --a(bc#)";

        m.expect(
          source.pipe(issue(isochPipe(lab.transport, inPipe)), close(), map(outcome), plainErrors()),
        ).toBeObservable(
          expected,
          {
            a: "0: 2 of 2 ok",
            b: "2: 1 of 2 device-not-responding",
            c: "4: 0 of 2 device-not-responding",
          },
          failure("DeviceError", "device-gone", "unplugged"),
        );
        m.expect(source).toHaveSubscriptions(subs);
        lab.finish();
      }),
    );

    it(
      "unplug-while-draining: the results say so, and the stream completes as it was asked to",
      marbles((m) => {
        const lab = marbleLab(m);
        lab.attachment.inject({ type: "unplug", frame: 3 });
        const source = m.hot("    (ab)----", { a: two, b: six });
        const done = m.hot("      -x------");
        const expected = "        --a(b|) ";

        m.expect(source.pipe(issue(isochPipe(lab.transport, inPipe)), close(done), map(outcome))).toBeObservable(
          expected,
          { a: "0: 2 of 2 ok", b: "2: 1 of 6 device-not-responding" },
        );
        lab.finish();
      }),
    );

    it(
      "unplug-while-idle: told at once",
      marbles((m) => {
        const lab = marbleLab(m);
        lab.attachment.inject({ type: "unplug", frame: 4 });
        const source = m.hot("    a-----b--", requests);
        const subs = "            ^---!    ";
        const expected = "        --a-#    ";

        m.expect(
          source.pipe(issue(isochPipe(lab.transport, inPipe)), close(), map(outcome), plainErrors()),
        ).toBeObservable(expected, { a: "0: 2 of 2 ok" }, failure("DeviceError", "device-gone"));
        m.expect(source).toHaveSubscriptions(subs);
        lab.finish();
      }),
    );
  });

  it(
    "goes on after a transfer that was refused after all, and its frames are lost",
    marbles((m) => {
      const { port, session } = handMadePipe();
      const pipe = { open: () => concat(of(session), NEVER) } as unknown as IsochPipe;
      const rejected = new TransportError("transport-failed", "a packet of the batch failed");
      [{}, { rejected }, { firstFrame: 4 }].forEach((ending, i) => {
        m.scheduler.schedule(() => port.complete(ending), 2 * i + 2);
      });
      const source = m.hot("    (abc)-----", requests);
      const subs = "            ^---------";
      const expected = "        --a-b-c---";

      m.expect(source.pipe(issue(pipe), close(), map(outcome))).toBeObservable(expected, {
        a: "0: 2 of 2 ok",
        b: "2: 0 of 2 failed",
        c: "4: 2 of 2 ok, 2 lost",
      });
      m.expect(source).toHaveSubscriptions(subs);
      m.flush();
    }),
  );

  describe("unplugged", () => {
    const gone = failure("DeviceError", "device-gone", "unplugged");

    it(
      "before the first request: told at once",
      marbles((m) => {
        const lab = marbleLab(m);
        lab.attachment.inject({ type: "unplug", frame: 3 });
        const source = m.hot("    --------", requests);
        const subs = "            ^--!    ";
        const expected = "        ---#    ";
        m.expect(source.pipe(issue(isochPipe(lab.transport, inPipe)), plainErrors())).toBeObservable(
          expected,
          {},
          gone,
        );
        m.expect(source).toHaveSubscriptions(subs);
        lab.finish();
      }),
    );

    it(
      "completions that come later than the news come before the error",
      marbles((m) => {
        const lab = marbleLab(m);
        lab.attachment.inject({ type: "host-stall", frame: 1, frames: 6 }, { type: "unplug", frame: 3 });
        const source = m.hot("    (ab)----", requests);
        const subs = "            ^--!    ";
        const expected = "        -------(ab#)";
        m.expect(
          source.pipe(issue(isochPipe(lab.transport, inPipe)), close(), map(outcome), plainErrors()),
        ).toBeObservable(expected, { a: "0: 2 of 2 ok", b: "2: 1 of 2 device-not-responding" }, gone);
        m.expect(source).toHaveSubscriptions(subs);
        lab.finish();
      }),
    );

    it(
      "between requests that filler keeps apart: told at once, once",
      marbles((m) => {
        const lab = marbleLab(m);
        lab.attachment.inject({ type: "unplug", frame: 5 });
        const source = m.hot("    a-------", { a: packets(0) });
        const subs = "            ^----!  ";
        const expected = "        x----#  ";
        m.expect(
          source.pipe(
            issue(isochPipe(lab.transport, outPipe), { underrun: "zero-length" }),
            map(() => "x"),
            plainErrors(),
          ),
        ).toBeObservable(expected, { x: "x" }, gone);
        m.expect(source).toHaveSubscriptions(subs);
        lab.finish();
      }),
    );

    it(
      "once everything was issued: what it waits for completes it, as it would have",
      marbles((m) => {
        const lab = marbleLab(m);
        lab.attachment.inject({ type: "unplug", frame: 3 });
        const source = m.hot("    a|      ", requests);
        const expected = "        --(a|)  ";
        m.expect(source.pipe(issue(isochPipe(lab.transport, inPipe)), close(), map(outcome))).toBeObservable(expected, {
          a: "0: 2 of 2 ok",
        });
        lab.finish();
      }),
    );

    it(
      "while it is being closed: no error",
      marbles((m) => {
        let slow: SlowTransport | undefined;
        const lab = marbleLab(m, {}, (bus) => (slow = slowTransport(bus, m.scheduler)));
        lab.attachment.inject({ type: "unplug", frame: 6 });
        const source = m.hot("    --------", requests);
        const unsub = "           ^----!";
        const expected = "        ------";
        m.expect(source.pipe(issue(isochPipe(lab.transport, inPipe)), plainErrors()), unsub).toBeObservable(expected);
        lab.finish();
        expect(slow?.log.at(-1)).toBe("close");
      }),
    );
  });

  describe("pulling from an iterable", () => {
    it(
      "takes a request only when there is room in the queue",
      marbles((m) => {
        const lab = marbleLab(m);
        const { seen, requests: source } = pullable(5);
        const pulls: number[] = [];
        for (const frame of [1, 3, 5, 7]) lab.at(frame, () => pulls.push(seen.pulls));
        const expected = "        --a-b-c-d-(e|)";

        m.expect(
          of(source).pipe(issue(isochPipe(lab.transport, inPipe), { queue: 2 }), close(), map(outcome)),
        ).toBeObservable(expected, {
          a: "0: 2 of 2 ok",
          b: "2: 2 of 2 ok",
          c: "4: 2 of 2 ok",
          d: "6: 2 of 2 ok",
          e: "8: 2 of 2 ok",
        });
        lab.finish();
        expect(pulls).toStrictEqual([2, 3, 4, 5]);
        // The sixth is the one that says there is no more.
        expect(seen).toStrictEqual({ pulls: 6, returns: 0 });
      }),
    );

    it(
      "takes nothing while the pipe is still being opened",
      marbles((m) => {
        const lab = marbleLab(m, {}, (bus) => slowTransport(bus, m.scheduler));
        const { seen, requests: source } = pullable(1);
        const pulls: number[] = [];
        lab.at(2, () => pulls.push(seen.pulls));
        const expected = "        -----(a|)";

        m.expect(of(source).pipe(issue(isochPipe(lab.transport, inPipe)), close(), map(outcome))).toBeObservable(
          expected,
          { a: "3: 2 of 2 ok" },
        );
        lab.finish();
        expect(pulls).toStrictEqual([0]);
      }),
    );

    it(
      "keeps the order of iterables and of what is pushed",
      marbles((m) => {
        const lab = marbleLab(m);
        const lengths = (length: number): IsochRequest => ({ lengths: length, frames: 1 });
        const source = from<RequestSource[]>([
          lengths(1),
          [lengths(2), lengths(3)],
          [],
          lengths(4),
          (function* () {
            yield lengths(5);
          })(),
        ]);
        const expected = "        -abcd(e|)";

        m.expect(
          source.pipe(
            issue(isochPipe(lab.transport, inPipe), { queue: 2 }),
            close(),
            map(({ requested }) => requested[0]),
          ),
        ).toBeObservable(expected, { a: 1, b: 2, c: 3, d: 4, e: 5 });
        lab.finish();
      }),
    );

    it("takes from an endless generator exactly what is taken of the transfers", () => {
      marbles((m) => {
        const lab = marbleLab(m);
        const seen: string[] = [];
        function* endless(): Generator<IsochRequest> {
          try {
            for (;;) {
              seen.push("pulled");
              yield two;
            }
          } finally {
            seen.push("returned");
          }
        }
        const subscription = of(endless())
          .pipe(issue(isochPipe(lab.transport, inPipe)), take(2))
          .subscribe();
        expect(subscription.closed).toBe(true);
        expect(seen).toStrictEqual(["pulled", "pulled", "returned"]);
        lab.finish();
      })();
    });

    it(
      "tells the iterator that nobody wants more: unsubscribe",
      marbles((m) => {
        const lab = marbleLab(m);
        const { seen, requests: source } = pullable(100);
        const returns: number[] = [];
        lab.at(2, () => returns.push(seen.returns));
        const subs = "            ^--!  ";
        const expected = "        x-x---";

        m.expect(
          of(source).pipe(
            issue(isochPipe(lab.transport, inPipe), { queue: 1 }),
            map(() => "x"),
          ),
          subs,
        ).toBeObservable(expected);
        lab.finish();
        expect(returns).toStrictEqual([0]);
        expect(seen).toStrictEqual({ pulls: 2, returns: 1 });
      }),
    );

    it(
      "tells the iterator that nobody wants more: stop",
      marbles((m) => {
        const lab = marbleLab(m);
        const { seen, requests: source } = pullable(100);
        const returns: number[] = [];
        lab.at(4, () => returns.push(seen.returns));
        const done = m.hot("      ---x---");
        const expected = "        --a-(b|)";
        const pipe = isochPipe(lab.transport, inPipe);

        m.expect(concat(of(source), NEVER).pipe(issue(pipe, { queue: 1 }), close(done), map(outcome))).toBeObservable(
          expected,
          { a: "0: 2 of 2 ok", b: "2: 2 of 2 ok" },
        );
        lab.finish();
        expect(returns).toStrictEqual([1]);
        expect(seen).toStrictEqual({ pulls: 2, returns: 1 });
      }),
    );

    it(
      "tells the iterator that nobody wants more: error of a request",
      marbles((m) => {
        const lab = marbleLab(m);
        const { seen, requests: source } = pullable(100, tooLong);
        const expected = "        #";

        m.expect(of(source).pipe(issue(isochPipe(lab.transport, inPipe)), plainErrors())).toBeObservable(
          expected,
          {},
          failure("InvalidRequestError", "length-out-of-range"),
        );
        lab.finish();
        expect(seen).toStrictEqual({ pulls: 1, returns: 1 });
      }),
    );

    it(
      "an iterator that throws: what is in flight is delivered first",
      marbles((m) => {
        const lab = marbleLab(m);
        function* broken(): Generator<IsochRequest> {
          yield two;
          throw new RangeError("broken");
        }
        const expected = "        --(a#)";

        m.expect(
          of(broken()).pipe(issue(isochPipe(lab.transport, inPipe)), close(), map(outcome), plainErrors()),
        ).toBeObservable(
          expected,
          { a: "0: 2 of 2 ok" },
          { class: "RangeError", code: "none", message: "RangeError: broken" },
        );
        lab.finish();
      }),
    );
  });

  describe("pulling from an async iterable", () => {
    /** A laboratory whose time goes on step by step, so that promises can settle in between. */
    function stepped() {
      const scheduler = new TestScheduler(() => undefined);
      const lab = marbleLab({
        scheduler,
        flush: () => {
          scheduler.maxFrames = Infinity;
          scheduler.flush();
        },
      });
      return {
        ...lab,
        /** Lets the bus run up to a frame, then everything settle that waits for it. */
        run: async (frame: number) => {
          scheduler.schedule(() => undefined, frame - scheduler.now());
          scheduler.maxFrames = frame;
          scheduler.flush();
          await new Promise((resolve) => setImmediate(resolve));
        },
      };
    }

    /** An async iterable whose steps are answered by hand. */
    function answered() {
      const seen = { pulls: 0, returns: 0 };
      const waiting: { resolve: (result: IteratorResult<IsochRequest>) => void; reject: (reason: Error) => void }[] =
        [];
      const iterator: AsyncIterator<IsochRequest> = {
        next: () => {
          seen.pulls++;
          return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
        },
        return: () => {
          seen.returns++;
          return Promise.resolve({ done: true, value: undefined });
        },
      };
      const settled = () => new Promise((resolve) => setImmediate(resolve));
      return {
        seen,
        requests: { [Symbol.asyncIterator]: () => iterator } satisfies AsyncIterable<IsochRequest>,
        answer: async (result: IteratorResult<IsochRequest>) => {
          waiting.shift()?.resolve(result);
          await settled();
        },
        fail: async (reason: Error) => {
          waiting.shift()?.reject(reason);
          await settled();
        },
      };
    }

    /** Keeps everything that comes, in words. */
    function listen(transfers: Observable<IsochTransfer>) {
      const heard: string[] = [];
      const subscription = transfers.pipe(close(), map(outcome)).subscribe({
        next: (each) => heard.push(each),
        error: (error: unknown) => heard.push(plain(error).message),
        complete: () => heard.push("complete"),
      });
      return { heard, subscription };
    }

    it("takes a request only when there is room in the queue, one after the other", async () => {
      const lab = stepped();
      const { seen, requests: source, answer } = answered();
      const { heard } = listen(of(source).pipe(issue(isochPipe(lab.transport, inPipe), { queue: 2 })));

      expect(seen.pulls).toBe(1);
      await answer({ value: two });
      expect(seen.pulls).toBe(2);
      await answer({ value: two });
      await lab.run(1);
      expect(seen.pulls).toBe(2);
      await lab.run(2);
      expect(seen.pulls).toBe(3);
      await lab.run(5);
      expect(seen.pulls).toBe(3);
      await answer({ value: two });
      await answer({ done: true, value: undefined });
      expect(heard).toStrictEqual(["0: 2 of 2 ok", "2: 2 of 2 ok"]);

      lab.finish();
      expect(heard).toStrictEqual(["0: 2 of 2 ok", "2: 2 of 2 ok", "5: 2 of 2 ok, 1 lost", "complete"]);
      expect(seen).toStrictEqual({ pulls: 4, returns: 0 });
    });

    it("unsubscribe-while-pulling: tells the iterator, and drops what comes late", async () => {
      const lab = stepped();
      const { seen, requests: source, answer } = answered();
      const { heard, subscription } = listen(of(source).pipe(issue(isochPipe(lab.transport, inPipe))));

      await answer({ value: two });
      subscription.unsubscribe();
      expect(seen).toStrictEqual({ pulls: 2, returns: 1 });
      await answer({ value: two });

      lab.finish();
      expect(lab.bus.audit().submitted).toBe(1);
      expect(heard).toStrictEqual([]);
    });

    it("an iterator that rejects: what is in flight is delivered first", async () => {
      const lab = stepped();
      const { requests: source, answer, fail } = answered();
      const { heard } = listen(of(source).pipe(issue(isochPipe(lab.transport, inPipe))));

      await answer({ value: two });
      await fail(new Error("broken"));
      expect(heard).toStrictEqual([]);

      lab.finish();
      expect(heard).toStrictEqual(["0: 2 of 2 ok", "Error: broken"]);
    });

    it("runs an async generator to its end, and its finally", async () => {
      const lab = stepped();
      const seen: string[] = [];
      // eslint-disable-next-line @typescript-eslint/require-await
      async function* source(): AsyncGenerator<IsochRequest> {
        try {
          for (let i = 0; i < 3; i++) yield two;
        } finally {
          seen.push("finally");
        }
      }
      const { heard } = listen(of(source()).pipe(issue(isochPipe(lab.transport, inPipe), { queue: 1 })));

      for (const frame of [0, 2, 4, 6]) await lab.run(frame);
      lab.finish();
      expect(heard).toStrictEqual(["0: 2 of 2 ok", "2: 2 of 2 ok", "4: 2 of 2 ok", "complete"]);
      expect(seen).toStrictEqual(["finally"]);
    });
  });

  describe("underrun, on OUT pipes", () => {
    const zero = { length: 0, counter: undefined };
    const full = (counter: number) => ({ length: observedMax, counter });

    it(
      "without a policy: frames pass without a packet, and are lost",
      marbles((m) => {
        const lab = marbleLab(m);
        const source = m.hot("    a----b|  ", { a: packets(10), b: packets(12) });
        const expected = "        --a----(b|)";

        m.expect(source.pipe(issue(isochPipe(lab.transport, outPipe)), close(), map(outcome))).toBeObservable(
          expected,
          { a: "0: 2 of 2 ok", b: "5: 2 of 2 ok, 3 lost" },
        );
        lab.finish();
        expect(lab.device.sent).toStrictEqual([
          { frame: 0, ...full(10) },
          { frame: 1, ...full(11) },
          { frame: 5, ...full(12) },
          { frame: 6, ...full(13) },
        ]);
      }),
    );

    it(
      "zero-length: the device sees empty packets, which count as lost",
      marbles((m) => {
        const lab = marbleLab(m);
        const source = m.hot("    a----b|    ", { a: packets(10), b: packets(12) });
        const expected = "        --a-------(b|)";
        const pipe = isochPipe(lab.transport, outPipe);

        m.expect(source.pipe(issue(pipe, { underrun: "zero-length" }), close(), map(outcome))).toBeObservable(
          expected,
          { a: "0: 2 of 2 ok", b: "8: 2 of 2 ok, 6 lost" },
        );
        lab.finish();
        expect(lab.device.sent).toStrictEqual(
          [full(10), full(11), zero, zero, zero, zero, zero, zero, full(12), full(13)].map((packet, frame) => ({
            frame,
            ...packet,
          })),
        );
      }),
    );

    it(
      "repeat: the device sees the last request again, as it was when it was issued",
      marbles((m) => {
        const lab = marbleLab(m);
        const first = packets(10);
        const source = m.hot("    a----b|    ", { a: first, b: packets(12) });
        const expected = "        --a-------(b|)";
        const pipe = isochPipe(lab.transport, outPipe);
        lab.at(3, () => first.buffer.fill(0xff));

        m.expect(source.pipe(issue(pipe, { underrun: "repeat" }), close(), map(outcome))).toBeObservable(expected, {
          a: "0: 2 of 2 ok",
          b: "8: 2 of 2 ok, 6 lost",
        });
        lab.finish();
        expect(lab.device.sent.map(({ counter }) => counter)).toStrictEqual([10, 11, 10, 11, 10, 11, 10, 11, 12, 13]);
      }),
    );

    it(
      "repeat: repeats frames of different lengths, out of a DMA buffer larger than they are",
      marbles((m) => {
        const lab = marbleLab(m);
        const dma = { bytes: Buffer.alloc(1000), address: 0x1000, free: () => undefined };
        const source = m.hot("    a---", { a: { lengths: [9, 20], dma } });
        const subs = "            ^---!";
        const expected = "        --a--";
        const pipe = isochPipe(lab.transport, outPipe);

        m.expect(source.pipe(issue(pipe, { underrun: "repeat" }), close(), map(outcome)), subs).toBeObservable(
          expected,
          { a: "0: 2 of 2 ok" },
        );
        lab.finish();
        expect(lab.device.sent.map(({ length }) => length)).toStrictEqual([9, 20, 9, 20]);
      }),
    );

    it(
      "error: errors when the last request was sent and no other is ready",
      marbles((m) => {
        const lab = marbleLab(m);
        const source = m.hot("    ab-----c-", { a: packets(10), b: packets(12), c: packets(14) });
        const subs = "            ^---!    ";
        const expected = "        --a-(b#) ";
        const pipe = isochPipe(lab.transport, outPipe);

        m.expect(source.pipe(issue(pipe, { underrun: "error" }), close(), map(outcome), plainErrors())).toBeObservable(
          expected,
          { a: "0: 2 of 2 ok", b: "2: 2 of 2 ok" },
          failure("UnderrunError", "underrun", "raise queue"),
        );
        m.expect(source).toHaveSubscriptions(subs);
        lab.finish();
      }),
    );

    it.each<UnderrunPolicy>(["zero-length", "repeat", "error"])(
      "%s: the end of the source is no underrun, nor is the time before the first request",
      (underrun) => {
        marbles((m) => {
          const lab = marbleLab(m);
          const source = m.hot("    --a|  ", { a: packets(10) });
          const expected = "        ----(a|)";
          const pipe = isochPipe(lab.transport, outPipe);

          m.expect(source.pipe(issue(pipe, { underrun }), close(), map(outcome))).toBeObservable(expected, {
            a: "2: 2 of 2 ok",
          });
          lab.finish();
          expect(lab.device.sent.map(({ frame }) => frame)).toStrictEqual([2, 3]);
        })();
      },
    );

    it(
      "close-while-filling: the notifier ends it, and nothing is left",
      marbles((m) => {
        const lab = marbleLab(m);
        const source = m.hot("    a-----------", { a: packets(10) });
        const subs = "            ^------!    ";
        const done = m.hot("      -------x----");
        const expected = "        --a----|    ";
        const pipe = isochPipe(lab.transport, outPipe);

        m.expect(source.pipe(issue(pipe, { underrun: "zero-length" }), close(done), map(outcome))).toBeObservable(
          expected,
          { a: "0: 2 of 2 ok" },
        );
        m.expect(source).toHaveSubscriptions(subs);
        lab.finish();
      }),
    );

    it(
      "unplug-while-filling: told at once",
      marbles((m) => {
        const lab = marbleLab(m);
        lab.attachment.inject({ type: "unplug", frame: 5 });
        const source = m.hot("    a-----------", { a: packets(10) });
        const subs = "            ^----!      ";
        const expected = "        --a--#      ";
        const pipe = isochPipe(lab.transport, outPipe);

        m.expect(
          source.pipe(issue(pipe, { underrun: "zero-length" }), close(), map(outcome), plainErrors()),
        ).toBeObservable(expected, { a: "0: 2 of 2 ok" }, failure("DeviceError", "device-gone"));
        m.expect(source).toHaveSubscriptions(subs);
        lab.finish();
      }),
    );

    it(
      "is refused on an IN pipe",
      marbles((m) => {
        const lab = marbleLab(m);
        const source = m.cold("   a-|", requests);
        const expected = "        #  ";
        const pipe = isochPipe(lab.transport, inPipe);

        m.expect(source.pipe(issue(pipe, { underrun: "repeat" }), plainErrors())).toBeObservable(
          expected,
          {},
          failure("EndpointError", "wrong-direction", "an underrun policy", "OUT"),
        );
        m.expect(source).toHaveSubscriptions([]);
        lab.finish();
      }),
    );
  });
});

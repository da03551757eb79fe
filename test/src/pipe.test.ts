import {
  BehaviorSubject,
  concat,
  map,
  NEVER,
  of,
  repeat,
  retry,
  Subject,
  switchMap,
  take,
  throwError,
  timer,
  type Observable,
} from "rxjs";
import { describe, expect, it } from "vitest";
import {
  BandwidthError,
  BusyError,
  DeviceError,
  isochPipe,
  IsochResults,
  OverflowError,
  TransportError,
  type IsochPipe,
  type IsochTransport,
  type PipeSession,
  type ResultSource,
  type StreamOptions,
  type StreamPlan,
  type StreamSink,
} from "../../src/index.js";
import { alteredTransport } from "../support/altered-transport.js";
import { FakeEndpoint } from "../support/fake-endpoint.js";
import { expectClean, inPipe, marbleLab, outPipe } from "../support/marble-lab.js";
import { marbles } from "../support/marbles.js";
import { failure, plain, plainErrors } from "../support/plain-error.js";
import { slowTransport, type SlowOptions, type SlowTransport, type Step } from "../support/slow-transport.js";

type MarbleContext = Parameters<typeof marbleLab>[0];

/** A lab whose every step takes a frame: opening takes three, closing as many. */
function slowLab(m: MarbleContext, options: SlowOptions = {}) {
  let slow: SlowTransport | undefined;
  const lab = marbleLab(m, {}, (bus) => (slow = slowTransport(bus, m.scheduler, options)));
  return { ...lab, log: () => slow?.log ?? [] };
}

/** Results as they can be written in a diagram: first frame, frames lost before it, frames that had their turn. */
const brief = map(({ firstFrame, lost, served }: IsochResults) => [firstFrame, lost, served] as const);

const stream = (pipe: IsochPipe, options: StreamOptions = {}) =>
  pipe.results({ frames: 2, queue: 2, ...options }).pipe(brief);

const failed = (step: string) => new TransportError("transport-failed", `${step} failed`);
const opening = ["open …", "open", "claim 0 …", "claim 0", "select 0.1 …", "select 0.1"];
const closing = ["select 0.0 …", "select 0.0", "release 0 …", "release 0", "close …", "close"];

function outcome(log: string[], observable: Observable<unknown>): void {
  observable.subscribe({
    error: (error: unknown) => log.push(plain(error).message),
    complete: () => log.push("complete"),
  });
}

describe("IsochPipe", () => {
  it(
    "is cold: nothing is opened before the subscription",
    marbles((m) => {
      const lab = slowLab(m);
      const pipe = isochPipe(lab.transport, inPipe);
      void pipe.results();
      void pipe.open();
      m.flush();
      expect(lab.log()).toStrictEqual([]);
      lab.finish();
    }),
  );

  it(
    "streams frames",
    marbles((m) => {
      const lab = marbleLab(m);
      const unsub = "         ^-----------!";
      const expected = "      --------(abcdefgh)";
      const numbers = isochPipe(lab.transport, inPipe).pipe(map(({ frame }) => frame));
      m.expect(numbers, unsub).toBeObservable(expected, { a: 0, b: 1, c: 2, d: 3, e: 4, f: 5, g: 6, h: 7 });
      lab.at(10, () => {
        expect(lab.bus.audit().inFlight).toBe(8);
      });
      lab.finish();
    }),
  );

  it(
    "stops within a transfer when the subscriber has enough frames, and cleans up",
    marbles((m) => {
      const lab = marbleLab(m);
      const expected = "      --------(abc|)";
      const numbers = isochPipe(lab.transport, inPipe).pipe(
        map(({ frame }) => frame),
        take(3),
      );
      m.expect(numbers).toBeObservable(expected, { a: 0, b: 1, c: 2 });
      lab.finish();
    }),
  );

  it(
    "shows a loss at the very end by its last frame",
    marbles((m) => {
      const lab = marbleLab(m);
      const pause = new BehaviorSubject(true);
      lab.attachment.inject({ type: "unplug", frame: 7 });
      const results = isochPipe(lab.transport, inPipe).results({
        frames: 2,
        queue: 2,
        ring: 1,
        overflow: "drop-newest",
        pause,
      });
      lab.at(9, () => {
        pause.next(false);
      });
      const expected = "      ---------(ab#)";
      m.expect(results.pipe(brief, plainErrors())).toBeObservable(
        expected,
        { a: [0, 0, 2], b: [7, 5, 0] },
        failure("DeviceError", "device-gone"),
      );
      lab.finish();
    }),
  );
});

describe("IsochPipe, subscribing and unsubscribing", () => {
  it(
    "opens, claims, selects and streams; cancels, drains, releases and closes",
    marbles((m) => {
      const lab = slowLab(m);
      const unsub = "         ^--------!";
      const expected = "      -----a-b--";
      m.expect(stream(isochPipe(lab.transport, inPipe)), unsub).toBeObservable(expected, {
        a: [3, 0, 2],
        b: [5, 0, 2],
      });
      m.flush();
      expect(lab.log()).toStrictEqual([...opening, ...closing]);
      lab.finish();
    }),
  );

  it(
    "close-in-flight: releases only when the last completion is in",
    marbles((m) => {
      const lab = slowLab(m);
      // Completions are held back from frame 8 to 20.
      lab.attachment.inject({ type: "host-stall", frame: 8, frames: 12 });
      const unsub = "         ^--------!";
      const expected = "      -----a-b--";
      m.expect(stream(isochPipe(lab.transport, inPipe)), unsub).toBeObservable(expected, {
        a: [3, 0, 2],
        b: [5, 0, 2],
      });
      lab.at(19, () => {
        expect(lab.log()).toStrictEqual(opening);
        expect(lab.bus.audit().inFlight).toBeGreaterThan(0);
      });
      lab.finish();
      expect(lab.log()).toStrictEqual([...opening, ...closing]);
    }),
  );

  it.each([0, 1, 2, 3])("unsubscribe-while-opening, on frame %d, undoes what was begun", (frame) => {
    marbles((m) => {
      const lab = slowLab(m);
      const pipe = isochPipe(lab.transport, inPipe);
      const log: string[] = [];
      const subscription = stream(pipe).subscribe();
      lab.at(frame, () => {
        subscription.unsubscribe();
        outcome(log, pipe.closing);
      });
      lab.finish();
      expect(log).toStrictEqual(["complete"]);
      expect(lab.log().some((line) => line.includes("cut short") && !line.startsWith("open"))).toBe(false);
    })();
  });

  it(
    "reopen-while-closing: a subscription waits for what is closing",
    marbles((m) => {
      const lab = slowLab(m);
      const pipe = isochPipe(lab.transport, inPipe);
      const first = "         ^-----!";
      const expectedFirst = " -----a-";
      // Closing takes from frame 6 to 9, opening as long again.
      const second = "        -------^-----------!";
      const expectedSecond = "--------------b-c-d-";
      m.expect(stream(pipe), first).toBeObservable(expectedFirst, { a: [3, 0, 2] });
      m.expect(stream(pipe), second).toBeObservable(expectedSecond, {
        b: [12, 0, 2],
        c: [14, 0, 2],
        d: [16, 0, 2],
      });
      lab.finish();
      expect(lab.log()).toStrictEqual([...opening, ...closing, ...opening, ...closing]);
    }),
  );

  it(
    "reopen-while-closing, and unsubscribe while waiting for that",
    marbles((m) => {
      const lab = slowLab(m);
      const pipe = isochPipe(lab.transport, inPipe);
      m.expect(stream(pipe), "     ^-----!").toBeObservable("     -----a-", { a: [3, 0, 2] });
      m.expect(stream(pipe), "     -------^!").toBeObservable("     --------");
      m.expect(stream(pipe), "     ---------^----------!").toBeObservable("     --------------b-c-d", {
        b: [12, 0, 2],
        c: [14, 0, 2],
        d: [16, 0, 2],
      });
      lab.finish();
      expect(lab.log()).toStrictEqual([...opening, ...closing, ...opening, ...closing]);
    }),
  );

  it(
    "has one subscriber at a time, and the second costs the first nothing",
    marbles((m) => {
      const lab = marbleLab(m);
      const pipe = isochPipe(lab.transport, inPipe);
      const busy = failure("BusyError", "pipe-busy", "share()");
      m.expect(stream(pipe), "                  ^------!").toBeObservable("--a-b-c", {
        a: [0, 0, 2],
        b: [2, 0, 2],
        c: [4, 0, 2],
      });
      m.expect(stream(pipe).pipe(plainErrors()), "---^----").toBeObservable("---#", {}, busy);
      m.expect(pipe.pipe(plainErrors()), "        ----^---").toBeObservable("----#", {}, busy);
      m.expect(pipe.open().pipe(plainErrors()), " -----^--").toBeObservable("-----#", {}, busy);
      m.expect(stream(pipe), "                  -------^--!").toBeObservable("---------d-", { d: [7, 0, 2] });
      lab.finish();
    }),
  );

  it(
    "repeat() and retry() subscribe anew",
    marbles((m) => {
      const lab = marbleLab(m);
      const pipe = isochPipe(lab.transport, inPipe);
      const expected = "      --a-b-(c|)";
      m.expect(stream(pipe).pipe(take(1), repeat(3))).toBeObservable(expected, {
        a: [0, 0, 2],
        b: [2, 0, 2],
        c: [4, 0, 2],
      });
      lab.finish();
      const byConsumer = new Error("by the consumer");
      const failing = stream(pipe).pipe(
        switchMap((value) =>
          concat(
            of(value),
            throwError(() => byConsumer),
          ),
        ),
        retry(1),
      );
      const seen: unknown[] = [];
      failing.subscribe({ next: (value) => seen.push(value), error: (error: unknown) => seen.push(error) });
      lab.finish();
      expect(seen).toHaveLength(3);
      expect(seen[2]).toBe(byConsumer);
    }),
  );

  it(
    "retry() streams again from a device that was plugged in again",
    marbles((m) => {
      const lab = marbleLab(m);
      lab.attachment.inject({ type: "unplug", frame: 5 });
      lab.at(6, () => {
        lab.bus.attach(lab.device);
      });
      const unsub = "         ^-------------!";
      const expected = "      --a-bc----d-e-";
      const retried = stream(isochPipe(lab.transport, inPipe)).pipe(retry({ delay: () => timer(3, m.scheduler) }));
      m.expect(retried, unsub).toBeObservable(expected, {
        a: [0, 0, 2],
        b: [2, 0, 2],
        c: [4, 0, 1],
        d: [8, 0, 2],
        e: [10, 0, 2],
      });
      lab.finish();
    }),
  );
});

describe("IsochPipe, unplugged", () => {
  it(
    "delivers what had arrived, then errors, then closes",
    marbles((m) => {
      const lab = slowLab(m);
      lab.attachment.inject({ type: "unplug", frame: 8 });
      const expected = "      -----a-b(c#)";
      m.expect(stream(isochPipe(lab.transport, inPipe)).pipe(plainErrors())).toBeObservable(
        expected,
        { a: [3, 0, 2], b: [5, 0, 2], c: [7, 0, 1] },
        failure("DeviceError", "device-gone", "attach again"),
      );
      lab.finish();
      expect(lab.log().at(-1)).toBe("close");
    }),
  );

  it.each([0, 1, 2, 3, 4])("while it is being opened (frame %d), errors, and closes what was open", (frame) => {
    marbles((m) => {
      const lab = slowLab(m);
      lab.attachment.inject({ type: "unplug", frame });
      const errors: unknown[] = [];
      stream(isochPipe(lab.transport, inPipe)).subscribe({ error: (error: unknown) => errors.push(plain(error)) });
      lab.finish();
      expect(errors).toStrictEqual([failure("DeviceError", "device-gone")]);
      expect(lab.log().at(-1)).toBe("close");
    })();
  });

  it(
    "unplug-while-draining: is closed all the same, and tells of no error",
    marbles((m) => {
      const lab = slowLab(m);
      const pipe = isochPipe(lab.transport, inPipe);
      lab.attachment.inject({ type: "host-stall", frame: 8, frames: 12 }, { type: "unplug", frame: 12 });
      const log: string[] = [];
      m.expect(stream(pipe), "^--------!").toBeObservable("-----a-b--", { a: [3, 0, 2], b: [5, 0, 2] });
      lab.at(10, () => {
        outcome(log, pipe.closing);
      });
      lab.finish();
      expect(log).toStrictEqual(["complete"]);
    }),
  );

  it(
    "while it is being closed: is closed all the same, and tells of no error",
    marbles((m) => {
      for (const frame of [9, 10, 11, 12]) {
        const lab = slowLab(m);
        const pipe = isochPipe(lab.transport, inPipe);
        const log: string[] = [];
        const subscription = stream(pipe).subscribe();
        lab.attachment.inject({ type: "unplug", frame });
        lab.at(9, () => {
          subscription.unsubscribe();
          outcome(log, pipe.closing);
        });
        lab.at(20, () => {
          expect(log).toStrictEqual(["complete"]);
          expectClean(lab.bus, lab.transport);
        });
      }
      m.flush();
    }),
  );
});

describe("IsochPipe, a step that fails", () => {
  const cases: readonly (readonly [Step, Error, readonly string[]])[] = [
    ["open", new DeviceError("no-such-device", "attach one"), ["open …", "open failed", "open cut short"]],
    ["claim", new BusyError("interface-busy", "held elsewhere"), ["claim 0 …", "claim 0 failed", "close …", "close"]],
    [
      "select",
      new BandwidthError("bandwidth-exceeded", "choose a smaller alternate setting"),
      ["select 0.1 …", "select 0.1 failed", "release 0 …", "release 0", "close …", "close"],
    ],
  ];

  it.each(cases)("%s fails: errors with that, and undoes what was done before it", (step, error, last) => {
    marbles((m) => {
      const lab = slowLab(m, { failures: { [step]: error } });
      const pipe = isochPipe(lab.transport, inPipe);
      const errors: unknown[] = [];
      stream(pipe).subscribe({ error: (reason: unknown) => errors.push(reason) });
      lab.finish();
      expect(errors).toStrictEqual([error]);
      expect(errors[0]).toBe(error);
      expect(lab.log().slice(-last.length)).toStrictEqual(last);
    })();
  });

  it.each(["deselect", "release", "close"] as const)(
    "%s fails: the device is closed all the same, `closed` tells of it, and the pipe opens again",
    (step) => {
      marbles((m) => {
        const lab = slowLab(m, { failures: { [step]: failed(step) } });
        const pipe = isochPipe(lab.transport, inPipe);
        const log: string[] = [];
        const closed = pipe.closing;
        const subscription = stream(pipe).subscribe();
        lab.at(5, () => {
          subscription.unsubscribe();
          outcome(log, closed);
        });
        m.flush();
        expect(log).toStrictEqual([`${step} failed`]);
        expect(lab.log().slice(-2)).toStrictEqual(["close …", step === "close" ? "close failed" : "close"]);
        outcome(log, pipe.closing);
        expect(log).toStrictEqual([`${step} failed`, `${step} failed`]);
      })();
    },
  );

  it(
    "has typed errors for what a transport throws that is none",
    marbles((m) => {
      const { capabilities } = marbleLab(m).bus;
      const broken: IsochTransport = {
        name: "broken",
        capabilities,
        devices: () => NEVER,
        open: () => throwError(() => new RangeError("LIBUSB_ERROR_IO")),
      };
      const errors: unknown[] = [];
      isochPipe(broken, inPipe).subscribe({ error: (error: unknown) => errors.push(plain(error)) });
      expect(errors).toStrictEqual([failure("TransportError", "transport-failed", "LIBUSB_ERROR_IO")]);
    }),
  );
});

describe("IsochPipe.closing", () => {
  it(
    "completes at once where nothing is closing, and waits where something is, for each subscriber",
    marbles((m) => {
      const lab = slowLab(m);
      const pipe = isochPipe(lab.transport, inPipe);
      const { closing } = pipe;
      m.expect(stream(pipe), "^-----!").toBeObservable("-----a-", { a: [3, 0, 2] });
      m.expect(closing, "      ^").toBeObservable("|");
      m.expect(closing, "      -----^").toBeObservable("-----|");
      m.expect(closing, "      -------^").toBeObservable("---------|");
      m.expect(closing, "      --------------^").toBeObservable("--------------|");
      lab.finish();
    }),
  );
});

describe("IsochPipe.results, paused", () => {
  it(
    "keeps results in the ring, and delivers them when it goes on",
    marbles((m) => {
      const lab = marbleLab(m);
      const pause = m.hot("     ----p-----r--", { p: true, r: false });
      const pauseSubs = "       ^---------!";
      const expected = "        --a-------(bcde|)";
      const streamed = stream(isochPipe(lab.transport, inPipe), { pause }).pipe(take(5));
      m.expect(streamed).toBeObservable(expected, {
        a: [0, 0, 2],
        b: [2, 0, 2],
        c: [4, 0, 2],
        d: [6, 0, 2],
        e: [8, 0, 2],
      });
      m.expect(pause).toHaveSubscriptions(pauseSubs);
      lab.finish();
    }),
  );

  it(
    "drops by the policy when the ring is full, and says how many",
    marbles((m) => {
      const lab = marbleLab(m);
      const pause = m.hot("     p-----------r--", { p: true, r: false });
      const unsub = "           ^------------!";
      const expected = "        ------------(abc)";
      m.expect(stream(isochPipe(lab.transport, inPipe), { pause, ring: 2 }), unsub).toBeObservable(expected, {
        a: [6, 6, 2],
        b: [8, 0, 2],
        c: [10, 0, 2],
      });
      lab.finish();
    }),
  );

  it(
    "stops between two results when the consumer pauses within one",
    marbles((m) => {
      const lab = marbleLab(m);
      const pause = new Subject<boolean>();
      const seen: number[] = [];
      const subscription = isochPipe(lab.transport, inPipe)
        .results({ frames: 2, queue: 2, pause })
        .subscribe(({ firstFrame }) => {
          seen.push(firstFrame);
          pause.next(true);
        });
      lab.at(7, () => {
        expect(seen).toStrictEqual([0]);
        pause.next(false);
        expect(seen).toStrictEqual([0, 2]);
        pause.next(false);
        expect(seen).toStrictEqual([0, 2, 4]);
        subscription.unsubscribe();
      });
      lab.finish();
    }),
  );

  it(
    "holds the error back until what had arrived was taken",
    marbles((m) => {
      const lab = marbleLab(m);
      lab.attachment.inject({ type: "unplug", frame: 5 });
      const pause = m.hot("     p-------r--", { p: true, r: false });
      const pauseSubs = "       ^-------!";
      const expected = "        --------(abc#)";
      m.expect(stream(isochPipe(lab.transport, inPipe), { pause }).pipe(plainErrors())).toBeObservable(
        expected,
        { a: [0, 0, 2], b: [2, 0, 2], c: [4, 0, 1] },
        failure("DeviceError", "device-gone"),
      );
      m.expect(pause).toHaveSubscriptions(pauseSubs);
      lab.finish();
    }),
  );

  it(
    "keeps the last value of a notifier that completes",
    marbles((m) => {
      const lab = marbleLab(m);
      const pause = m.hot("     ---(p|)", { p: true });
      const pauseSubs = "       ^--!";
      const unsub = "           ^---------!";
      const expected = "        --a-------";
      m.expect(stream(isochPipe(lab.transport, inPipe), { pause }), unsub).toBeObservable(expected, { a: [0, 0, 2] });
      m.expect(pause).toHaveSubscriptions(pauseSubs);
      lab.finish();
    }),
  );

  it(
    "errors with the notifier, and opens nothing where it fails at once",
    marbles((m) => {
      const lab = slowLab(m);
      const pause = m.cold<boolean>("----#", {}, "notifier failed");
      const expected = "        ----#";
      m.expect(stream(isochPipe(lab.transport, inPipe), { pause })).toBeObservable(expected, {}, "notifier failed");
      lab.finish();
      const before = lab.log().length;
      stream(isochPipe(lab.transport, inPipe), { pause: throwError(() => new Error("at once")) }).subscribe({
        error: () => undefined,
      });
      expect(lab.log().length).toBe(before);
      lab.finish();
    }),
  );
});

describe("IsochPipe.results, overflow", () => {
  it(
    "error: delivers what waits, says what is missing, and then errors",
    marbles((m) => {
      const lab = marbleLab(m);
      const pause = m.hot("     p---------r--", { p: true, r: false });
      const expected = "        ----------(abc#)";
      m.expect(
        stream(isochPipe(lab.transport, inPipe), { pause, ring: 2, overflow: "error" }).pipe(plainErrors()),
      ).toBeObservable(
        expected,
        { a: [0, 0, 2], b: [2, 0, 2], c: [6, 2, 0] },
        failure("OverflowError", "overflow", "larger ring"),
      );
      lab.finish();
    }),
  );
});

describe("IsochPipe.open", () => {
  it(
    "emits a session, does not complete, and closes it with the unsubscribe",
    marbles((m) => {
      const lab = slowLab(m);
      const expected = "        ---s---";
      const session = isochPipe(lab.transport, outPipe)
        .open()
        .pipe(
          map(({ endpoint, capabilities }) => [endpoint.address, endpoint.maxFrameLength, capabilities.startFrame]),
        );
      m.expect(session, "       ^------!").toBeObservable(expected, { s: [1, 64, true] });
      lab.finish();
      expect(lab.log()).toStrictEqual([...opening, ...closing]);
    }),
  );

  it(
    "delivers what was in flight at the unsubscribe to those who hold the transfers",
    marbles((m) => {
      const lab = marbleLab(m);
      const outcomes: unknown[] = [];
      const issue = (session: PipeSession) => {
        session.issue({ lengths: 64, frames: 4 }).completion.subscribe(({ error, served }) => {
          outcomes.push([error, served]);
        });
      };
      const subscription = isochPipe(lab.transport, inPipe)
        .open()
        .subscribe((session) => {
          issue(session);
          issue(session);
        });
      lab.at(5, () => {
        subscription.unsubscribe();
      });
      lab.finish();
      expect(outcomes).toStrictEqual([
        ["ok", 4],
        ["cancelled", 1],
      ]);
    }),
  );
});

/** A transport that runs streams by itself, out of JavaScript's hands: moved by hand here. */
class NativeTransport {
  readonly ring: number[] = [];
  readonly log: string[] = [];
  ended: ResultSource["ended"];
  sink: StreamSink | undefined;
  readonly #inner: IsochTransport;

  constructor(inner: IsochTransport) {
    this.#inner = inner;
  }

  get transport(): IsochTransport {
    return alteredTransport(this.#inner, (device) => ({
      releaseInterface: (number) => {
        this.log.push("release");
        return device.releaseInterface(number);
      },
      openEndpoint: () =>
        Object.assign(new FakeEndpoint(), { stream: (_: StreamPlan, sink: StreamSink) => this.#start(sink) }),
    }));
  }

  #start(sink: StreamSink): ResultSource {
    this.sink = sink;
    this.log.push("start");
    const ended = () => this.ended;
    return {
      take: () => {
        const firstFrame = this.ring.shift();
        return firstFrame === undefined ? undefined : resultsAt(firstFrame);
      },
      get ended() {
        return ended();
      },
      stop: () => {
        this.log.push("stop");
      },
    };
  }
}

function resultsAt(firstFrame: number): IsochResults {
  return new IsochResults({
    firstFrame,
    requested: Uint32Array.of(1),
    actual: Uint32Array.of(1),
    statuses: new Uint8Array(1),
    data: new Uint8Array(1),
    compacted: true,
    timestamp: 0,
  });
}

describe("IsochPipe.results, where the transport runs the stream by itself", () => {
  function native(options: StreamOptions = {}, onNext: (firstFrame: number) => void = () => undefined) {
    let lab: ReturnType<typeof marbleLab> | undefined;
    marbles((m) => {
      lab = marbleLab(m);
    })();
    if (lab === undefined) throw new Error("no lab");
    const each = new NativeTransport(lab.bus);
    const seen: unknown[] = [];
    const pipe = isochPipe(each.transport, inPipe);
    const subscription = pipe.results(options).subscribe({
      next: ({ firstFrame }) => {
        seen.push(firstFrame);
        onNext(firstFrame);
      },
      error: (error: unknown) => seen.push(plain(error).code),
      complete: () => seen.push("complete"),
    });
    return { each, seen, pipe, subscription, bus: lab.bus };
  }

  it("takes all that waits at one call of ready", () => {
    const { each, seen, bus } = native();
    expect(bus.audit().submitted).toBe(0);
    each.ring.push(0, 1, 2);
    each.sink?.ready();
    expect(seen).toStrictEqual([0, 1, 2]);
    each.sink?.ready();
    each.ring.push(3);
    expect(seen).toStrictEqual([0, 1, 2]);
    each.sink?.ready();
    expect(seen).toStrictEqual([0, 1, 2, 3]);
  });

  it("stops taking at a pause, and within a batch at an unsubscribe", () => {
    const pause = new Subject<boolean>();
    const { each, seen, subscription } = native({ pause }, (firstFrame) => {
      if (firstFrame === 3) subscription.unsubscribe();
    });
    pause.next(true);
    each.ring.push(0, 1, 2);
    each.sink?.ready();
    expect(seen).toStrictEqual([]);
    pause.next(false);
    expect(seen).toStrictEqual([0, 1, 2]);
    each.ring.push(3, 4, 5);
    each.sink?.ready();
    expect(seen).toStrictEqual([0, 1, 2, 3]);
    expect(each.ring).toStrictEqual([4, 5]);
  });

  it("keeps the order where ready comes while it takes", () => {
    const depth: number[] = [];
    const { each, seen } = native({}, (firstFrame) => {
      depth.push(firstFrame);
      each.sink?.ready();
      expect(depth).toStrictEqual([firstFrame]);
      depth.pop();
    });
    each.ring.push(0, 1, 2);
    each.sink?.ready();
    expect(seen).toStrictEqual([0, 1, 2]);
  });

  it("delivers the error after the results that wait", () => {
    const { each, seen } = native();
    each.ring.push(0, 1);
    each.ended = { error: new OverflowError("overflow", "too slow") };
    each.sink?.ready();
    expect(seen).toStrictEqual([0, 1, "overflow"]);
    expect(each.log).toStrictEqual(["start", "stop"]);
  });

  it("does not hang on a stream that has ended without a reason", () => {
    const { each, seen } = native();
    each.ended = { error: undefined };
    each.sink?.ready();
    expect(seen).toStrictEqual(["pipe-closed"]);
  });

  it("releases the interface when the stream is drained, not before", () => {
    const { each, seen, pipe, subscription, bus } = native();
    const log: string[] = [];
    subscription.unsubscribe();
    outcome(log, pipe.closing);
    expect(each.log).toStrictEqual(["start", "stop"]);
    expect(bus.audit()).toMatchObject({ openDevices: 1, claimedInterfaces: 1 });
    expect(log).toStrictEqual([]);
    each.ring.push(7);
    each.sink?.ready();
    each.sink?.drained();
    expect(each.log).toStrictEqual(["start", "stop", "release"]);
    expect(log).toStrictEqual(["complete"]);
    expect(seen).toStrictEqual([]);
    expectClean(bus);
  });
});

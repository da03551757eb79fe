import { from, Observable, Subject } from "rxjs";
import { describe, expect, it } from "vitest";
import { Intake, queueSettings, type QueueOptions } from "../../src/intake.js";
import { failure, plain, thrown } from "../support/plain-error.js";

function laboratory(options: QueueOptions<number>) {
  const source = new Subject<number>();
  const taken: number[] = [];
  const intake = new Intake(queueSettings(options), () => undefined);
  intake.start(source);
  const take = () => intake.take((value) => taken.push(value));
  const takeAll = () => {
    while (take());
    return taken;
  };
  return { source, intake, take, takeAll };
}

const push = (source: Subject<number>, ...values: number[]) => {
  for (const value of values) source.next(value);
};

describe("Intake", () => {
  it.each([
    ["queue", { queue: 0 }, "invalid-number"],
    ["overflow", { overflow: "drop" as "error" }, "invalid-option"],
  ] as const)("refuses a bad %s", (what, options, code) => {
    expect(thrown(() => queueSettings(options))).toStrictEqual(failure("InvalidRequestError", code, what));
  });

  it("hands values over in order, and then the end", () => {
    const { source, intake, takeAll } = laboratory({});
    push(source, 1, 2, 3);
    source.complete();
    expect(intake.ended).toBeUndefined();
    expect(takeAll()).toStrictEqual([1, 2, 3]);
    expect(intake.ended).toBe("complete");
  });

  it("hands over what had come before an error, and then the error", () => {
    const { source, intake, takeAll } = laboratory({});
    push(source, 1);
    source.error("reason");
    expect(intake.ended).toBeUndefined();
    expect(takeAll()).toStrictEqual([1]);
    expect(intake.ended).toStrictEqual({ error: "reason" });
  });

  it("error: ends when it is full, unsubscribes, and keeps what waits", () => {
    const { source, intake, takeAll } = laboratory({ queue: 2 });
    push(source, 1, 2, 3, 4);
    expect(source.observed).toBe(false);
    expect(takeAll()).toStrictEqual([1, 2]);
    const { ended } = intake;
    expect(plain(typeof ended === "object" ? ended.error : ended)).toStrictEqual(
      failure("OverflowError", "overflow", "2 values"),
    );
  });

  it.each([
    ["drop-oldest", [3, 4], [1, 2]],
    ["drop-newest", [1, 2], [3, 4]],
  ] as const)("%s: tells of each value that is dropped", (overflow, kept, dropped) => {
    const lost: number[] = [];
    const { source, takeAll } = laboratory({ queue: 2, overflow, lost: (value) => lost.push(value) });
    push(source, 1, 2, 3, 4);
    expect(takeAll()).toStrictEqual(kept);
    expect(lost).toStrictEqual(dropped);
  });

  it("ends with what `lost` throws", () => {
    const { source, intake, takeAll } = laboratory({
      queue: 1,
      overflow: "drop-oldest",
      lost: () => {
        throw new RangeError("no");
      },
    });
    push(source, 1, 2);
    takeAll();
    expect(intake.ended).toStrictEqual({ error: new RangeError("no") });
    expect(source.observed).toBe(false);
  });

  it("pauses the source when it is full, and no sooner goes on than half is gone", () => {
    const pauses: boolean[] = [];
    const pause = { next: (value: boolean) => pauses.push(value) };
    const { source, take } = laboratory({ queue: 4, pause });
    push(source, 1, 2, 3);
    expect(pauses).toStrictEqual([]);
    push(source, 4);
    expect(pauses).toStrictEqual([true]);
    take();
    expect(pauses).toStrictEqual([true]);
    take();
    take();
    expect(pauses).toStrictEqual([true, false]);
  });

  it("loses nothing of a source that goes on within the call that resumes it", () => {
    let next = 0;
    const pause = new Subject<boolean>();
    const source = new Observable<number>((subscriber) => {
      let paused = false;
      const run = () => {
        while (!paused && next < 100) subscriber.next(next++);
      };
      subscriber.add(
        pause.subscribe((value) => {
          paused = value;
          run();
        }),
      );
      run();
    });
    const taken: number[] = [];
    const intake = new Intake(queueSettings<number>({ queue: 3, pause }), () => undefined);
    intake.start(source);
    while (intake.take((value) => taken.push(value)));
    expect(taken).toStrictEqual(Array.from({ length: 100 }, (_, i) => i));
  });

  it("stops a source that is being subscribed to", () => {
    const seen: number[] = [];
    const endless = from(
      (function* () {
        for (let i = 0; ; i++) {
          seen.push(i);
          yield i;
        }
      })(),
    );
    const intake: Intake<number> = new Intake(queueSettings<number>({}), () => {
      intake.stop();
    });
    intake.start(endless);
    expect(seen.length).toBeLessThan(3);
  });
});

import { Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { EMPTY, from, NEVER, Subject } from "rxjs";
import { describe, expect, it } from "vitest";
import { writeTo } from "../../../operators/node/index.js";
import { failure, plain } from "../../support/plain-error.js";

/** A Writable whose writes are finished by hand. */
function slow(highWaterMark = 1) {
  const events: string[] = [];
  const writes: ((error?: Error) => void)[] = [];
  const writable = new Writable({
    objectMode: true,
    highWaterMark,
    write: (value: number, _, done) => {
      events.push(`write ${value}`);
      writes.push(done);
    },
    final: (done) => {
      events.push("end");
      done();
    },
    destroy: (error, done) => {
      events.push(`destroy${error ? ` ${error.message}` : ""}`);
      done(error);
    },
  });
  const finish = async (error?: Error) => {
    writes.shift()?.(error);
    await sleep(1);
  };
  const outcome: unknown[] = [];
  const observer = {
    error: (error: unknown) => outcome.push(error),
    complete: () => outcome.push("complete"),
  };
  const listeners = () => writable.eventNames().map((name) => [name, writable.listenerCount(name)]);
  return { writable, events, finish, outcome, observer, listeners, before: listeners() };
}

describe("writeTo", () => {
  it("writes every value when there is room for it, ends, and completes when it is closed", async () => {
    const { writable, events, finish, outcome, observer, listeners, before } = slow();
    from([1, 2]).pipe(writeTo(writable)).subscribe(observer);
    await sleep(1);
    expect(events).toStrictEqual(["write 1"]);
    await finish();
    expect(outcome).toStrictEqual([]);
    await finish();
    expect(events).toStrictEqual(["write 1", "write 2", "end", "destroy"]);
    expect(outcome).toStrictEqual(["complete"]);
    expect(listeners()).toStrictEqual(before);
  });

  it("ends a Writable that nothing was written to", async () => {
    const { writable, events, outcome, observer } = slow();
    EMPTY.pipe(writeTo(writable)).subscribe(observer);
    await sleep(1);
    expect([events, outcome]).toStrictEqual([["end", "destroy"], ["complete"]]);
  });

  it("what a slow Writable misses is told, and nothing piles up in it", async () => {
    const { writable, events, finish, outcome, observer } = slow();
    const lost: number[] = [];
    const source = new Subject<number>();
    source
      .pipe(writeTo(writable, { queue: 2, overflow: "drop-newest", lost: (value) => lost.push(value) }))
      .subscribe(observer);
    for (let i = 0; i < 6; i++) source.next(i);
    source.complete();
    expect(writable.writableLength).toBe(1);
    expect(lost).toStrictEqual([3, 4, 5]);
    for (let i = 0; i < 3; i++) await finish();
    expect(events.slice(0, 3)).toStrictEqual(["write 0", "write 1", "write 2"]);
    expect(outcome).toStrictEqual(["complete"]);
  });

  it("error: writes what waits, ends it, and errors", async () => {
    const { writable, events, finish, outcome, observer } = slow();
    const source = new Subject<number>();
    source.pipe(writeTo(writable, { queue: 1 })).subscribe(observer);
    for (let i = 0; i < 3; i++) source.next(i);
    await finish();
    await finish();
    expect(events).toStrictEqual(["write 0", "write 1", "end", "destroy"]);
    expect(outcome.map(plain)).toStrictEqual([failure("OverflowError", "overflow")]);
  });

  it("errors, and lets the source go, when a write fails or it is destroyed by others", async () => {
    const first = slow();
    const source = new Subject<number>();
    source.pipe(writeTo(first.writable)).subscribe(first.observer);
    source.next(1);
    await first.finish(new RangeError("full"));
    expect(first.outcome).toStrictEqual([new RangeError("full")]);
    expect(source.observed).toBe(false);
    expect(first.listeners()).toStrictEqual(first.before);

    const second = slow();
    source.pipe(writeTo(second.writable)).subscribe(second.observer);
    source.next(1);
    source.next(2);
    second.writable.destroy();
    await sleep(1);
    expect(second.outcome).toMatchObject([{ code: "ERR_STREAM_PREMATURE_CLOSE" }]);
    expect(source.observed).toBe(false);
  });

  it("errors where others end it", async () => {
    const { writable, outcome, observer } = slow();
    const source = new Subject<number>();
    source.pipe(writeTo(writable)).subscribe(observer);
    writable.end();
    source.next(1);
    await sleep(1);
    expect(outcome.map(plain)).toStrictEqual([failure("InvalidRequestError", "invalid-option", "ended")]);
  });

  it.each(["before anything", "while writing", "while ending"])("an unsubscribe %s destroys it", async (when) => {
    const { writable, events, listeners, before } = slow();
    const source = new Subject<number>();
    const subscription = source.pipe(writeTo(writable)).subscribe();
    if (when !== "before anything") source.next(1);
    if (when === "while ending") source.complete();
    subscription.unsubscribe();
    await sleep(1);
    expect(source.observed).toBe(false);
    expect(events.at(-1)).toBe("destroy");
    expect(listeners()).toStrictEqual(before);
  });

  it("leaves it open where it is told to, and takes its listeners away", async () => {
    const { writable, events, finish, outcome, observer, listeners, before } = slow();
    from([1])
      .pipe(writeTo(writable, { end: false }))
      .subscribe(observer);
    await sleep(1);
    await finish();
    expect([events, outcome]).toStrictEqual([["write 1"], ["complete"]]);
    NEVER.pipe(writeTo(writable, { end: false }))
      .subscribe()
      .unsubscribe();
    expect(writable.destroyed).toBe(false);
    expect(listeners()).toStrictEqual(before);
  });

  it.each([
    ["for room", 1],
    ["for its end", 16],
  ])("an unsubscribe destroys one that is waited for %s, after an error of the source", async (_, room) => {
    const { writable, events, outcome, observer, listeners, before } = slow(room);
    const source = new Subject<number>();
    const subscription = source.pipe(writeTo(writable)).subscribe(observer);
    source.next(1);
    source.error(new RangeError("reason"));
    await sleep(1);
    expect([events, outcome]).toStrictEqual([["write 1"], []]);
    subscription.unsubscribe();
    expect(writable.destroyed).toBe(true);
    await sleep(1);
    expect([events, outcome]).toStrictEqual([["write 1", "destroy"], []]);
    expect(listeners()).toStrictEqual(before);
  });

  it("an unsubscribe from one that is left open and hangs leaves nothing of ours in it", async () => {
    for (const ends of ["not yet", "complete", "error"]) {
      const { writable, events, observer, outcome, listeners, before } = slow();
      const source = new Subject<number>();
      const subscription = source.pipe(writeTo(writable, { end: false })).subscribe(observer);
      source.next(1);
      if (ends === "complete") source.complete();
      if (ends === "error") source.error(new RangeError("reason"));
      await sleep(1);
      subscription.unsubscribe();
      await sleep(1);
      expect([events, outcome, writable.destroyed]).toStrictEqual([["write 1"], [], false]);
      expect(listeners()).toStrictEqual(before);
    }
  });

  it("errors where a write calls back twice", async () => {
    const { observer, outcome } = slow();
    const writable = new Writable({
      objectMode: true,
      write: (_value, _encoding, done) => {
        done();
        done();
      },
    });
    from([1, 2, 3]).pipe(writeTo(writable)).subscribe(observer);
    await sleep(1);
    expect(outcome).toMatchObject([{ code: "ERR_MULTIPLE_CALLBACK" }]);
    expect(writable.destroyed).toBe(true);
  });

  it.each([true, false])("errors at once where a write throws, and never calls back (end: %s)", async (end) => {
    const { observer, outcome } = slow();
    const writable = new Writable({
      objectMode: true,
      highWaterMark: 1,
      write: () => {
        throw new RangeError("thrown");
      },
    });
    const source = new Subject<number>();
    source.pipe(writeTo(writable, { end })).subscribe(observer);
    source.next(1);
    await sleep(1);
    expect(outcome).toStrictEqual([new RangeError("thrown")]);
    expect([source.observed, writable.destroyed]).toStrictEqual([false, end]);
  });

  it("what a Writable fails with after an unsubscribe is nobody's error", async () => {
    const writable = new Writable({
      write: () => undefined,
      destroy: (_error, done) => setTimeout(done, 1, new RangeError("late")),
    });
    const before = writable.listenerCount("error");
    NEVER.pipe(writeTo(writable)).subscribe().unsubscribe();
    // An error that nobody listens to would end the process.
    await sleep(10);
    expect(writable.errored).toStrictEqual(new RangeError("late"));
    expect(writable.listenerCount("error")).toBe(before);
  });

  it("errors with the error of the source where others destroy it while it is waited for after that", async () => {
    const { writable, outcome, observer, listeners, before } = slow(16);
    const source = new Subject<number>();
    source.pipe(writeTo(writable)).subscribe(observer);
    source.next(1);
    source.error(new RangeError("reason"));
    await sleep(1);
    writable.destroy();
    await sleep(1);
    expect(outcome).toStrictEqual([new RangeError("reason")]);
    expect(listeners()).toStrictEqual(before);
  });

  it("null is no value of a Node stream: invalid-option, once what had come is written", async () => {
    const { writable, events, finish, outcome, observer } = slow();
    from([1, null]).pipe(writeTo<number | null>(writable)).subscribe(observer);
    await finish();
    expect(events).toStrictEqual(["write 1", "end", "destroy"]);
    expect(outcome.map(plain)).toStrictEqual([failure("InvalidRequestError", "invalid-option", "null")]);
  });
});

import { EMPTY, firstValueFrom, from, NEVER, Subject } from "rxjs";
import { describe, expect, it } from "vitest";
import { toWritableStream } from "../../../operators/streams/index.js";
import { failure, plain } from "../../support/plain-error.js";

/** A stream whose writes are finished by hand. */
function slow(highWaterMark = 1) {
  const events: string[] = [];
  const writes: ((error?: Error) => void)[] = [];
  const stream = new WritableStream<number>(
    {
      write: (value) => {
        events.push(`write ${value}`);
        return new Promise((resolve, reject) => {
          writes.push((error) => {
            if (error) reject(error);
            else resolve();
          });
        });
      },
      close: () => {
        events.push("close");
      },
      abort: (reason) => {
        events.push(`abort ${String(reason)}`);
      },
    },
    { highWaterMark },
  );
  const finish = async (error?: Error) => {
    writes.shift()?.(error);
    await settle();
  };
  return { stream, events, finish };
}

const settle = () => new Promise(setImmediate);

function observed() {
  const events: unknown[] = [];
  const observer = {
    next: (value: unknown) => events.push(value),
    error: (error: unknown) => events.push(error),
    complete: () => events.push("complete"),
  };
  return { events, observer };
}

describe("toWritableStream", () => {
  it("writes every value, closes, unlocks, and then completes", async () => {
    const { stream, events, finish } = slow();
    const { observer, events: outcome } = observed();
    from([1, 2]).pipe(toWritableStream(stream)).subscribe(observer);
    await settle();
    expect([events, outcome]).toStrictEqual([["write 1"], []]);
    await finish();
    await finish();
    expect([events, outcome]).toStrictEqual([["write 1", "write 2", "close"], ["complete"]]);
    expect(stream.locked).toBe(false);
  });

  it("closes a stream that nothing was written to", async () => {
    const { stream, events } = slow();
    const { observer, events: outcome } = observed();
    EMPTY.pipe(toWritableStream<number>(stream)).subscribe(observer);
    await settle();
    expect([events, outcome]).toStrictEqual([["close"], ["complete"]]);
  });

  it("does not hand over more than the stream has room for, and drops by the policy, told", async () => {
    const { stream, events, finish } = slow();
    const { observer, events: outcome } = observed();
    const lost: number[] = [];
    const source = new Subject<number>();
    source
      .pipe(toWritableStream(stream, { queue: 2, overflow: "drop-oldest", lost: (value) => lost.push(value) }))
      .subscribe(observer);
    for (let i = 0; i < 6; i++) source.next(i);
    source.complete();
    await settle();
    expect(events).toStrictEqual(["write 0"]);
    expect(lost).toStrictEqual([1, 2, 3]);
    for (let i = 0; i < 3; i++) await finish();
    expect(events).toStrictEqual(["write 0", "write 4", "write 5", "close"]);
    expect(outcome).toStrictEqual(["complete"]);
  });

  it("error: writes what waits, aborts the stream, and errors", async () => {
    const { stream, events, finish } = slow();
    const { observer, events: outcome } = observed();
    const source = new Subject<number>();
    source.pipe(toWritableStream(stream, { queue: 1 })).subscribe(observer);
    for (let i = 0; i < 3; i++) source.next(i);
    expect(source.observed).toBe(false);
    await settle();
    await finish();
    await finish();
    expect(events.slice(0, 2)).toStrictEqual(["write 0", "write 1"]);
    expect(events[2]).toMatch(/^abort OverflowError/);
    expect(outcome.map(plain)).toStrictEqual([failure("OverflowError", "overflow")]);
  });

  it("pauses the source while as many wait as may", async () => {
    const { stream, finish } = slow();
    const pauses: boolean[] = [];
    const source = new Subject<number>();
    const pause = { next: (value: boolean) => pauses.push(value) };
    const subscription = source.pipe(toWritableStream(stream, { queue: 2, pause })).subscribe();
    for (let i = 0; i < 3; i++) source.next(i);
    expect(pauses).toStrictEqual([true]);
    await settle();
    await finish();
    expect(pauses).toStrictEqual([true, false]);
    subscription.unsubscribe();
  });

  it("writes what had come before an error of the source, and then aborts with it", async () => {
    const { stream, events, finish } = slow();
    const { observer, events: outcome } = observed();
    const source = new Subject<number>();
    source.pipe(toWritableStream(stream)).subscribe(observer);
    source.next(1);
    source.next(2);
    source.error(new Error("reason"));
    await settle();
    await finish();
    expect(outcome).toStrictEqual([]);
    await finish();
    expect(events).toStrictEqual(["write 1", "write 2", "abort Error: reason"]);
    expect(outcome).toStrictEqual([new Error("reason")]);
    expect(stream.locked).toBe(false);
  });

  it("errors, and unsubscribes from the source, when the stream fails, in a write or by itself", async () => {
    const { stream, finish } = slow();
    const { observer, events: outcome } = observed();
    const source = new Subject<number>();
    source.pipe(toWritableStream(stream)).subscribe(observer);
    source.next(1);
    await settle();
    await finish(new RangeError("full"));
    expect(outcome).toStrictEqual([new RangeError("full")]);
    expect(source.observed).toBe(false);

    let fail: (error: unknown) => void = () => undefined;
    const idle = new WritableStream<number>({
      start: (controller) => {
        fail = (error) => {
          controller.error(error);
        };
      },
    });
    const { observer: other, events: otherOutcome } = observed();
    const never = new Subject<number>();
    never.pipe(toWritableStream(idle)).subscribe(other);
    await settle();
    fail("gone");
    await settle();
    expect(otherOutcome).toStrictEqual(["gone"]);
    expect(never.observed).toBe(false);
  });

  it.each(["before anything", "while writing", "while closing"])(
    "an unsubscribe %s aborts the stream",
    async (when) => {
      const { stream, events } = slow();
      const source = new Subject<number>();
      const subscription = source.pipe(toWritableStream(stream)).subscribe();
      if (when !== "before anything") source.next(1);
      await settle();
      if (when === "while closing") source.complete();
      subscription.unsubscribe();
      await settle();
      expect(source.observed).toBe(false);
      expect(stream.locked).toBe(false);
      expect(events).not.toContain("close");
    },
  );

  it("an unsubscribe aborts one that hangs, also while it is waited for after an error of the source", async () => {
    let aborted: AbortSignal | undefined;
    const stream = new WritableStream<number>(
      {
        // TypeScript has not heard of it.
        start: (controller) => {
          aborted = (controller as unknown as { readonly signal: AbortSignal }).signal;
        },
        write: () => new Promise(() => undefined),
      },
      { highWaterMark: 4 },
    );
    const { observer, events: outcome } = observed();
    const source = new Subject<number>();
    const subscription = source.pipe(toWritableStream(stream)).subscribe(observer);
    source.next(1);
    source.error(new Error("reason"));
    await settle();
    expect([stream.locked, aborted?.aborted]).toStrictEqual([true, false]);
    subscription.unsubscribe();
    await settle();
    expect([stream.locked, aborted?.aborted, outcome]).toStrictEqual([false, true, []]);
  });

  it("leaves the stream open where it is told to", async () => {
    const { stream, events, finish } = slow();
    const { observer, events: outcome } = observed();
    from([1])
      .pipe(toWritableStream(stream, { close: false }))
      .subscribe(observer);
    await settle();
    expect(outcome).toStrictEqual([]);
    await finish();
    expect([events, outcome]).toStrictEqual([["write 1"], ["complete"]]);
    NEVER.pipe(toWritableStream<number>(stream, { close: false }))
      .subscribe()
      .unsubscribe();
    await settle();
    expect(stream.locked).toBe(false);
    await stream.close();
  });

  it("refuses a stream that has a writer", async () => {
    const { stream } = slow();
    stream.getWriter();
    const error: unknown = await firstValueFrom(NEVER.pipe(toWritableStream(stream))).catch(
      (reason: unknown) => reason,
    );
    expect(plain(error)).toStrictEqual(failure("InvalidRequestError", "invalid-option", "writer"));
  });
});

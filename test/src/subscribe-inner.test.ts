import { Observable, of, range, Subject, throwError } from "rxjs";
import { describe, expect, it } from "vitest";
import { subscribeInner } from "../../src/subscribe-inner.js";
import { marbles } from "../support/marbles.js";

/** Passes values on, doubled, and the rest as it comes. */
function doubled(source: Observable<number>): Observable<number> {
  return new Observable((subscriber) => {
    subscribeInner(source, subscriber, {
      next: (value) => {
        subscriber.next(2 * value);
      },
    });
  });
}

describe("subscribeInner", () => {
  const values = { a: 1, b: 2, c: 3, A: 2, B: 4, C: 6 };

  it(
    "passes on what the observer leaves out",
    marbles((m) => {
      const source = m.hot("  -a-b-|", values);
      const subs = "          ^----!";
      const expected = "      -A-B-|";
      m.expect(doubled(source)).toBeObservable(expected, values);
      m.expect(source).toHaveSubscriptions(subs);
    }),
  );

  it(
    "passes an error on",
    marbles((m) => {
      const source = m.hot("  -a-#", values, "failed");
      const subs = "          ^--!";
      const expected = "      -A-#";
      m.expect(doubled(source)).toBeObservable(expected, values, "failed");
      m.expect(source).toHaveSubscriptions(subs);
    }),
  );

  it(
    "unsubscribes from the source with the outer subscriber",
    marbles((m) => {
      const source = m.hot("  -a-b-c-", values);
      const unsub = "         ^---!";
      const subs = "          ^---!";
      const expected = "      -A-B-";
      m.expect(doubled(source), unsub).toBeObservable(expected, values);
      m.expect(source).toHaveSubscriptions(subs);
    }),
  );

  it("stops a source that emits while it is being subscribed to", () => {
    let emitted = 0;
    const source = new Observable<number>((subscriber) => {
      while (!subscriber.closed && emitted < 100) subscriber.next(++emitted);
    });
    const seen: number[] = [];
    const subscription = new Observable<number>((subscriber) => {
      subscribeInner(source, subscriber, {
        next: (value) => {
          seen.push(value);
          if (value === 3) subscriber.unsubscribe();
        },
      });
    }).subscribe();
    expect(subscription.closed).toBe(true);
    expect(seen).toStrictEqual([1, 2, 3]);
    expect(emitted).toBe(3);
  });

  it("takes nothing for an outer subscriber that is closed already", () => {
    const seen: number[] = [];
    new Observable<number>((subscriber) => {
      subscriber.complete();
      subscribeInner(of(1, 2), subscriber, { next: (value) => seen.push(value) });
    }).subscribe();
    expect(seen).toStrictEqual([]);
  });

  it("sends what the observer throws to the outer subscriber, and stops the source", () => {
    const source = new Subject<number>();
    const bad = new Error("bad value");
    const errors: unknown[] = [];
    new Observable<number>((subscriber) => {
      subscribeInner(source, subscriber, {
        next: () => {
          throw bad;
        },
      });
    }).subscribe({ error: (error: unknown) => errors.push(error) });
    source.next(1);
    expect(errors).toStrictEqual([bad]);
    expect(source.observed).toBe(false);
  });

  it("does so for what complete and error throw", () => {
    const errors: unknown[] = [];
    const fail = () => {
      throw new Error("failed at the end");
    };
    const observe = (source: Observable<number>) => {
      new Observable<number>((subscriber) => {
        subscribeInner(source, subscriber, { next: () => undefined, error: fail, complete: fail });
      }).subscribe({ error: (error: unknown) => errors.push((error as Error).message) });
    };
    observe(of());
    observe(throwError(() => new Error("cause")));
    expect(errors).toStrictEqual(["failed at the end", "failed at the end"]);
  });

  it("lets the observer keep completion and error to itself", () => {
    const events: string[] = [];
    const observe = (source: Observable<number>) =>
      new Observable<number>((subscriber) => {
        subscribeInner(source, subscriber, {
          next: () => undefined,
          error: () => events.push("error"),
          complete: () => events.push("complete"),
        });
      }).subscribe({ error: () => events.push("outer error"), complete: () => events.push("outer complete") });
    expect(observe(range(0, 3)).closed).toBe(false);
    expect(observe(throwError(() => new Error("cause"))).closed).toBe(false);
    expect(events).toStrictEqual(["complete", "error"]);
  });
});

import type { Context } from "rxjs-marbles";
import { map, mergeMap, Observable, of, take, type OperatorFunction } from "rxjs";
import { expect, it } from "vitest";
import { marbles } from "./marbles.js";

/** An operator under test, and values that each bring out one value at once. */
export interface StandardCase<T, R> {
  readonly operator: OperatorFunction<T, R>;
  readonly value: () => T;
}

/**
 * The cases that every operator passes: empty, never, error, early unsubscribe, unbroken chain of
 * unsubscription, synchronous source.
 *
 * @param prepare makes the operator and its values anew, in the time of each test
 */
export function standardCases<T, R>(prepare: (m: Context) => StandardCase<T, R>): void {
  const anything = map(() => "x");

  it(
    "completes with an empty source",
    marbles((m) => {
      const source = m.cold<T>("-|   ");
      const subs = "            ^!   ";
      const expected = "        -|   ";

      m.expect(source.pipe(prepare(m).operator, anything)).toBeObservable(expected);
      m.expect(source).toHaveSubscriptions(subs);
    }),
  );

  it(
    "never ends with a source that does not",
    marbles((m) => {
      const source = m.cold<T>("-    ");
      const subs = "            ^---!";
      const expected = "        -----";

      m.expect(source.pipe(prepare(m).operator, anything), subs).toBeObservable(expected);
      m.expect(source).toHaveSubscriptions(subs);
    }),
  );

  it(
    "passes an error of the source on",
    marbles((m) => {
      const source = m.cold<T>("-#   ", {}, "reason");
      const subs = "            ^!   ";
      const expected = "        -#   ";

      m.expect(source.pipe(prepare(m).operator, anything)).toBeObservable(expected, {}, "reason");
      m.expect(source).toHaveSubscriptions(subs);
    }),
  );

  it(
    "unsubscribes from the source when it is unsubscribed from",
    marbles((m) => {
      const { operator, value } = prepare(m);
      const source = m.hot("    --a--b--|", { a: value(), b: value() });
      const subs = "            ^---!    ";
      const expected = "        --x--    ";

      m.expect(source.pipe(operator, anything), subs).toBeObservable(expected);
      m.expect(source).toHaveSubscriptions(subs);
    }),
  );

  it(
    "does not break the chain of unsubscription",
    marbles((m) => {
      const { operator, value } = prepare(m);
      const source = m.hot("    --a--b--|", { a: value(), b: value() });
      const subs = "            ^---!    ";
      const expected = "        --x--    ";
      const result = source.pipe(
        mergeMap((each) => of(each)),
        operator,
        mergeMap((each) => of(each)),
        anything,
      );

      m.expect(result, subs).toBeObservable(expected);
      m.expect(source).toHaveSubscriptions(subs);
    }),
  );

  it(
    "stops listening to a synchronous source when it is unsubscribed from",
    marbles((m) => {
      const { operator, value } = prepare(m);
      const effects: number[] = [];
      const source = new Observable<T>((subscriber) => {
        for (let i = 0; !subscriber.closed && i < 10; i++) {
          effects.push(i);
          subscriber.next(value());
        }
      });
      let taken = 0;

      source.pipe(operator, take(3)).subscribe(() => taken++);

      expect(taken).toBe(3);
      expect(effects).toStrictEqual([0, 1, 2]);
    }),
  );
}

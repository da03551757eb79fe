import { configure } from "rxjs-marbles";
import { expect } from "vitest";

/** rxjs-marbles on vitest: marble assertions compare as `toStrictEqual` does. */
export const { marbles } = configure({
  assertDeepEqual: (actual, expected) => {
    expect(actual).toStrictEqual(expected);
  },
  frameworkMatcher: true,
  run: true,
});

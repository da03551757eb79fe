import { describe, expect, it } from "vitest";
import { oneOf, wholeNumber } from "../../src/numbers.js";
import { failure, thrown } from "../support/plain-error.js";

const garbage: readonly (readonly [string, unknown])[] = [
  ["NaN", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
  ["a fraction", 1.5],
  ["1e300", 1e300],
  ["2 ** 53", 2 ** 53],
  ["a string", "3"],
  ["an empty string", ""],
  ["null", null],
  ["undefined", undefined],
  ["a bigint", 3n],
  ["true", true],
  ["a symbol", Symbol("3")],
  ["an array", [3]],
  ["an object with valueOf", { valueOf: () => 3 }],
  ["an object without a prototype", Object.create(null)],
  [
    "an object that cannot be shown",
    {
      toString: () => {
        throw new Error("not shown");
      },
    },
  ],
];

describe("wholeNumber", () => {
  it("passes on whole numbers within their range, ends included", () => {
    expect(wholeNumber("size", 1, 1, 3)).toBe(1);
    expect(wholeNumber("size", 3, 1, 3)).toBe(3);
    expect(wholeNumber("size", Number.MAX_SAFE_INTEGER, 0)).toBe(Number.MAX_SAFE_INTEGER);
  });

  it.each([0, 4, -1])("refuses %d where 1 to 3 go in", (value) => {
    expect(thrown(() => wholeNumber("size", value, 1, 3))).toStrictEqual(
      failure("InvalidRequestError", "invalid-number", `size must be a whole number from 1 to 3, not ${value}`),
    );
  });

  it.each(garbage)("refuses %s", (_, value) => {
    expect(thrown(() => wholeNumber("size", value, 1))).toStrictEqual(
      failure("InvalidRequestError", "invalid-number", "size must be a whole number from 1 to 9007199254740991, not "),
    );
  });
});

describe("oneOf", () => {
  it("passes on what is among the words", () => {
    expect(oneOf("policy", "wait", ["drop", "wait"])).toBe("wait");
  });

  it.each([...garbage, ["another word", "Wait"] as const])("refuses %s", (_, value) => {
    expect(thrown(() => oneOf("policy", value, ["drop", "wait"]))).toStrictEqual(
      failure("InvalidRequestError", "invalid-option", "policy must be one of drop, wait, not "),
    );
  });
});

import { describe, expect, it } from "vitest";
import { Refusals } from "../../../transports/webusb/refusals.js";

/** What comes of calls that are rejected one after the other, each of 4 ms of frames. */
function afterRejections(refusals: Refusals, count: number, microsecondsApart: number) {
  const verdicts = Array.from({ length: count }, (_, i) => refusals.add(4000, 0, (i + 1) * microsecondsApart));
  return { at: verdicts.findIndex((verdict) => verdict !== undefined) + 1, verdict: verdicts.at(-1) };
}

describe("calls that are rejected in a row", () => {
  it("faster than the bus, and nothing ever moved: never-moved, with the sixteenth", () => {
    expect(afterRejections(new Refusals(), 16, 10)).toStrictEqual({ at: 16, verdict: "never-moved" });
  });

  it("faster than the bus, after something moved: moves-no-more", () => {
    const refusals = new Refusals();
    refusals.clear();
    expect(afterRejections(refusals, 16, 10)).toStrictEqual({ at: 16, verdict: "moves-no-more" });
  });

  it("at the pace of the bus, after something moved: a bad cable, for as long as it lasts", () => {
    const refusals = new Refusals();
    refusals.clear();
    expect(afterRejections(refusals, 10_000, 4000)).toStrictEqual({ at: 0, verdict: undefined });
  });

  it("at the pace of the bus, and nothing ever moved: given up after two seconds", () => {
    expect(afterRejections(new Refusals(), 501, 4000)).toStrictEqual({ at: 501, verdict: "never-moved" });
  });

  it("one that succeeds begins the count anew", () => {
    const refusals = new Refusals();
    for (let i = 0; i < 10; i++) {
      afterRejections(refusals, 15, 10);
      refusals.clear();
    }
    expect(afterRejections(refusals, 15, 10).verdict).toBeUndefined();
  });
});

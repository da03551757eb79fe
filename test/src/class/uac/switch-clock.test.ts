import { lastValueFrom, toArray } from "rxjs";
import { describe, expect, it } from "vitest";
import { switchClock } from "../../../../src/class/uac/switch-clock.js";
import { clockEntityOf, scriptedClocks } from "./clocks.js";

const entities = [
  clockEntityOf("clock-source", 1, [], { isExternal: true }),
  clockEntityOf("clock-source", 2),
  clockEntityOf("clock-source", 3),
  clockEntityOf("clock-multiplier", 4, [3]),
  clockEntityOf("clock-selector", 5, [1, 2, 4]),
  clockEntityOf("clock-selector", 6, [1, 7]),
  clockEntityOf("clock-selector", 7, [1, 2]),
  clockEntityOf("clock-selector", 8, [8, 9, 2]),
  clockEntityOf("clock-selector", 9, [8]),
  clockEntityOf("clock-source", 10, [], { hasValidity: false }),
  clockEntityOf("clock-selector", 11, [1, 10]),
];

async function switched(clock: number, answers: Record<string, readonly number[] | "stall">) {
  const { port, asked } = scriptedClocks({ "1.2": [0], "2.2": [0], "3.2": [0], ...answers });
  const clocks = await lastValueFrom(switchClock(port, { controlInterface: 0, entities }, clock).pipe(toArray()));
  return {
    clocks: clocks.map(({ source, factor }) => ({ source: source.id, factor })),
    set: asked.filter((request) => request.startsWith("out")),
  };
}

const [yes, double] = [[1], { "4.1": [2, 0], "4.2": [1, 0] }];

describe("switchClock", () => {
  it.each<[what: string, clock: number, answers: Record<string, readonly number[] | "stall">, expected: object]>([
    [
      "leaves one that is valid",
      5,
      { "5.1": [1], "1.2": yes, "2.2": yes },
      { clocks: [{ source: 1, factor: 1 }], set: [] },
    ],
    [
      "takes the first that is",
      5,
      { "5.1": [1], "2.2": yes, "3.2": yes },
      { clocks: [{ source: 2, factor: 1 }], set: ["out 1 5.1 2"] },
    ],
    [
      "looks behind multipliers",
      5,
      { "5.1": [2], "3.2": yes, ...double },
      { clocks: [{ source: 3, factor: 2 }], set: ["out 1 5.1 3"] },
    ],
    [
      "goes on where a selector refuses",
      5,
      { "5.1": [1], "5.1 set": "stall", "2.2": yes, "3.2": yes },
      { clocks: [], set: ["out 1 5.1 2", "out 1 5.1 3"] },
    ],
    [
      "… or does not do what it was told",
      5,
      { "5.1": [1], "5.1 set": [], "2.2": yes, "3.2": yes },
      { clocks: [], set: ["out 1 5.1 2", "out 1 5.1 3"] },
    ],
    [
      "sets one selector behind another",
      6,
      { "6.1": [1], "7.1": [1], "2.2": yes },
      { clocks: [{ source: 2, factor: 1 }], set: ["out 1 7.1 2", "out 1 6.1 2"] },
    ],
    ["finds none", 5, { "5.1": [1] }, { clocks: [], set: [] }],
    ["ends in a circle", 8, { "8.1": [1] }, { clocks: [], set: [] }],
    [
      "… and finds a way out of it",
      8,
      { "8.1": [1], "2.2": yes },
      { clocks: [{ source: 2, factor: 1 }], set: ["out 1 8.1 3"] },
    ],
    [
      "takes one that does not tell",
      11,
      { "11.1": [1] },
      { clocks: [{ source: 10, factor: 1 }], set: ["out 1 11.1 2"] },
    ],
    [
      "gets over a pin that is not there",
      5,
      { "5.1": [9], "2.2": yes },
      { clocks: [{ source: 2, factor: 1 }], set: ["out 1 5.1 2"] },
    ],
    ["knows an entity that is not there", 99, {}, { clocks: [], set: [] }],
  ])("%s", async (_, clock, answers, expected) => {
    expect(await switched(clock, answers)).toStrictEqual(expected);
  });
});

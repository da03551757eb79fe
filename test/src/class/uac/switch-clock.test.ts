import { firstValueFrom } from "rxjs";
import { describe, expect, it } from "vitest";
import type { ClockOffer } from "../../../../src/class/uac/clock-offer.js";
import type { AudioEntity } from "../../../../src/class/uac/index.js";
import { switchClock } from "../../../../src/class/uac/switch-clock.js";
import { clockEntityOf, rangeBytes, rateBytes, scriptedClocks } from "./clocks.js";

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
  clockEntityOf("clock-source", 12, [], { isProgrammable: false, isExternal: true }),
  clockEntityOf("clock-selector", 13, [1, 12]),
  clockEntityOf("clock-selector", 14, [3, 4]),
  clockEntityOf("clock-multiplier", 15, [16]),
  clockEntityOf("clock-selector", 16, [1, 15, 2]),
];

type Answers = Record<string, readonly number[] | "stall">;

const inWords = ({ clock: { source, factor }, rates }: ClockOffer) =>
  `${source.id} × ${factor}: ${rates.map(({ max }) => max).join()}`;

/** Wants 48 kHz. What is not answered otherwise is not valid, and has that. */
async function switched(clock: number, answers: Answers, there: readonly AudioEntity[] = entities) {
  const each = [1, 2, 3, 10, 12].map((id) => [`${id}.1 range`, rangeBytes(48_000)] as const);
  const { port, asked } = scriptedClocks({
    ...Object.fromEntries(each),
    ...{ "1.2": [0], "2.2": [0], "3.2": [0], "12.2": [0] },
    ...answers,
  });
  const found = await firstValueFrom(switchClock(port, { controlInterface: 0, entities: there }, clock, 48_000));
  return {
    clock: found.clock && { source: found.clock.source.id, factor: found.clock.factor },
    set: asked.filter((request) => request.startsWith("out")),
    others: found.others.map(inWords),
    asked,
  };
}

const [yes, double] = [[1], { "4.1": [2, 0], "4.2": [1, 0] }];
const none = { clock: undefined, set: [], others: [] };

describe("switchClock", () => {
  it.each<[what: string, clock: number, answers: Answers, expected: object]>([
    [
      "leaves one that is valid",
      5,
      { "5.1": [1], "1.2": yes, "2.2": yes },
      { clock: { source: 1, factor: 1 }, set: [], others: [] },
    ],
    [
      "takes the first that is",
      5,
      { "5.1": [1], "2.2": yes, "3.2": yes },
      { clock: { source: 2, factor: 1 }, set: ["out 1 5.1 2"], others: [] },
    ],
    [
      "looks behind multipliers",
      5,
      { "5.1": [2], "3.2": yes, "3.1 range": rangeBytes(24_000), ...double },
      { clock: { source: 3, factor: 2 }, set: ["out 1 5.1 3"], others: [] },
    ],
    [
      "goes on where a selector refuses",
      5,
      { "5.1": [1], "5.1 set": "stall", "2.2": yes, "3.2": yes, "3.1 range": rangeBytes(24_000), ...double },
      { clock: undefined, set: ["out 1 5.1 2", "out 1 5.1 1", "out 1 5.1 3", "out 1 5.1 1"], others: [] },
    ],
    [
      "… or does not do what it was told, which it may do later, so that is taken back",
      5,
      { "5.1": [1], "5.1 set": [], "2.2": yes, "3.2": yes, "3.1 range": rangeBytes(24_000), ...double },
      { clock: undefined, set: ["out 1 5.1 2", "out 1 5.1 1", "out 1 5.1 3", "out 1 5.1 1"], others: [] },
    ],
    [
      "sets one selector behind another",
      6,
      { "6.1": [1], "7.1": [1], "2.2": yes },
      { clock: { source: 2, factor: 1 }, set: ["out 1 7.1 2", "out 1 6.1 2"], others: [] },
    ],
    [
      "… and sets both back where the other refuses",
      6,
      { "6.1": [1], "6.1 set": "stall", "7.1": [1], "2.2": yes },
      { clock: undefined, set: ["out 1 7.1 2", "out 1 6.1 2", "out 1 6.1 1", "out 1 7.1 1"], others: [] },
    ],
    ["finds none", 5, { "5.1": [1] }, none],
    ["ends in a circle", 8, { "8.1": [1] }, none],
    [
      "… and finds a way out of it",
      8,
      { "8.1": [1], "2.2": yes },
      { clock: { source: 2, factor: 1 }, set: ["out 1 8.1 3"], others: [] },
    ],
    [
      "… which multiplies",
      16,
      { "16.1": [1], "15.1": [2, 0], "15.2": [1, 0], "2.2": yes },
      { clock: { source: 2, factor: 1 }, set: ["out 1 16.1 3"], others: [] },
    ],
    [
      "takes one that does not tell",
      11,
      { "11.1": [1] },
      { clock: { source: 10, factor: 1 }, set: ["out 1 11.1 2"], others: [] },
    ],
    [
      "gets over a pin that is not there",
      5,
      { "5.1": [9], "2.2": yes },
      { clock: { source: 2, factor: 1 }, set: ["out 1 5.1 2"], others: [] },
    ],
    ["knows an entity that is not there", 99, {}, none],
    [
      "passes one over that does not have the rate",
      5,
      {
        "5.1": [1],
        "2.2": yes,
        "2.1 range": rangeBytes(44_100),
        "3.2": yes,
        "3.1 range": rangeBytes(24_000),
        ...double,
      },
      { clock: { source: 3, factor: 2 }, set: ["out 1 5.1 3"], others: ["2 × 1: 44100"] },
    ],
    [
      "sets nothing where none that is valid has it: behind a multiplier, that is of what comes out",
      5,
      { "5.1": [1], "2.2": yes, "2.1 range": rangeBytes(44_100, 96_000), "3.2": yes, ...double },
      { clock: undefined, set: [], others: ["2 × 1: 44100,96000", "3 × 2: 96000"] },
    ],
    [
      "finds on another way what a source does not have on the first",
      14,
      { "14.1": [1], "3.2": yes, "3.1 range": rangeBytes(24_000), ...double },
      { clock: { source: 3, factor: 2 }, set: ["out 1 14.1 2"], others: ["3 × 1: 24000"] },
    ],
    [
      "takes one that cannot be set where it runs at the rate",
      13,
      { "13.1": [1], "12.2": yes, "12.1 range": rangeBytes(44_100, 48_000), "12.1": rateBytes(47_999) },
      { clock: { source: 12, factor: 1 }, set: ["out 1 13.1 2"], others: [] },
    ],
    [
      "… not where it only could",
      13,
      { "13.1": [1], "12.2": yes, "12.1 range": rangeBytes(44_100, 48_000), "12.1": rateBytes(44_100) },
      { clock: undefined, set: [], others: ["12 × 1: 44100"] },
    ],
    [
      "… nor where it does not tell",
      13,
      { "13.1": [1], "12.2": yes, "12.1": "stall" },
      { clock: undefined, set: [], others: ["12 × 1: "] },
    ],
    [
      "goes on where a source stalls, and a multiplier, and a selector",
      5,
      { "5.1": [1], "2.2": yes, "2.1 range": "stall", "4.1": "stall", "3.2": yes },
      { clock: undefined, set: [], others: ["2 × 1: "] },
    ],
    ["… a selector behind another", 6, { "6.1": [1], "7.1": "stall", "2.2": yes }, none],
    ["… a multiplier of nothing", 5, { "5.1": [1], "3.2": yes, "4.1": [0, 0], "4.2": [1, 0] }, none],
  ])("%s", async (_, clock, answers, expected) => {
    expect(await switched(clock, answers)).toMatchObject(expected);
  });

  it.each<[what: string, selectors: number, answers: Answers, expected: object]>([
    ["has more ways than anybody can go", 31, { "131.2": [0] }, { clock: undefined, set: 0 }],
    ["is longer than any device's", 60, {}, { clock: undefined, set: 0 }],
    ["is long", 31, {}, { clock: { source: 131, factor: 1 }, set: 31 }],
  ])("comes to an end in a maze that %s", async (_, length, answers, expected) => {
    // Each selector leads to the next by both of its pins.
    const maze = Array.from({ length }, (_, i) => clockEntityOf("clock-selector", 100 + i, [101 + i, 101 + i]));
    const last = 100 + length;
    const have = { [`${last}.1 range`]: rangeBytes(48_000), ...answers };
    const { clock, set, asked } = await switched(100, have, [...maze, clockEntityOf("clock-source", last)]);
    expect({ clock, set: set.length }).toStrictEqual(expected);
    expect(asked.length).toBeLessThan(1000);
  });
});

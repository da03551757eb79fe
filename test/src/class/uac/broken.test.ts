import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { audioFunctions } from "../../../../src/class/uac/index.js";
import { DescriptorError, parseConfigurationDescriptor } from "../../../../src/index.js";
import * as fixtures from "../../../fixtures/descriptors/index.js";
import { speakerDevice } from "../../../../transports/virtual/index.js";
import { AudioDevice } from "../../../support/audio-device.js";

const full = new AudioDevice({ speed: "full", feedback: "explicit" }).configurationDescriptor;
const high = speakerDevice({ uacVersion: 2, feedback: "implicit", externalClock: true }).configurationDescriptor;
/** Where the first descriptor begins that has these bytes in it, from its type on. */
function find(bytes: Uint8Array, ...part: readonly number[]): number {
  const at = bytes.findIndex((_, i) => part.every((byte, j) => bytes[i + 1 + j] === byte));
  if (at < 0) throw new Error("there is none");
  return at;
}

function changed(bytes: Uint8Array, at: number, ...values: readonly number[]) {
  const copy = bytes.slice();
  copy.set(values, at);
  const [audio] = audioFunctions(parseConfigurationDescriptor(copy));
  return {
    places: audio?.alternates.map((each) => `${each.interfaceNumber}.${each.alternate}`),
    skipped: audio?.skipped.map(
      ({ interfaceNumber, alternate, reason }) => `${interfaceNumber}.${alternate}: ${reason}`,
    ),
  };
}

describe("what cannot be made sense of is left out, and told", () => {
  const general = find(full, 0x24, 1, 1, 1, 1, 0);
  const format = find(full, 0x24, 2, 1, 2, 2, 16);

  it.each<[what: string, at: number, values: readonly number[], reason: string]>([
    ["no channels", format + 4, [0], "it has no channels"],
    ["a slot of nothing", format + 5, [0], "a slot of 0 bytes is none"],
    ["more bits than fit", format + 6, [17], "17 bits do not fit into a slot of 2 bytes"],
    ["a format of type III", format + 3, [3], "its format type is 3, and only type I has samples in slots"],
    [
      "more rates than there is room",
      format + 7,
      [3],
      "the AudioStreaming descriptor is 14 bytes long, and 16 are the least",
    ],
    ["rates of nothing", format + 8, [0, 0, 0, 0, 0, 0], "all its sample rates are 0 Hz"],
    ["a range that is none", format + 7, [0, 2, 0, 0, 1, 0, 0], "sample rates from 2 to 1 Hz are none"],
    ["no general descriptor", general + 2, [9], "it has no general descriptor, which names its terminal"],
    ["no format type", format + 2, [9], "it has no format type descriptor"],
  ])("%s", (_, at, values, reason) => {
    expect(changed(full, at, ...values)).toStrictEqual({ places: ["2.1"], skipped: [`1.1: ${reason}`] });
  });

  it("an entity that is too short", () => {
    // The output terminal becomes a mixer of nine pins.
    expect(changed(full, find(full, 0x24, 3, 2) + 2, 4, 2, 9)).toStrictEqual({
      places: ["1.1", "2.1"],
      skipped: ["0.0: the AudioControl descriptor is 9 bytes long, and 10 are the least"],
    });
  });

  it("a clock source without its string is one all the same, and a selector without its controls cannot be set", () => {
    const source = find(high, 0x24, 10, 10);
    const selector = find(high, 0x24, 11, 12);
    const copy = Uint8Array.from([...high.slice(0, source + 7), ...high.slice(source + 8)]);
    copy[source] = 7;
    // One pin more takes the place of the controls.
    copy[selector - 1 + 4] = 4;
    copy.set([copy.length & 0xff, copy.length >> 8], 2);
    const [audio] = audioFunctions(parseConfigurationDescriptor(copy));
    expect(audio?.skipped).toStrictEqual([]);
    expect(audio?.entities.filter(({ kind }) => kind.startsWith("clock"))).toMatchObject([
      { id: 10, isProgrammable: true, hasValidity: true, stringIndex: 0 },
      { id: 11, isExternal: true, stringIndex: 5 },
      { id: 12, isProgrammable: false, sources: [11, 10, 3, 0] },
    ]);
  });

  it("a release that is not known, as a whole", () => {
    expect(changed(high, find(high, 4, 0, 0, 0, 1, 1, 0x20) + 7, 0x30)).toStrictEqual({
      places: [],
      skipped: ["0.0: release 0x30 of the audio class is not known here"],
    });
  });

  it("a terminal that leads in a circle leads nowhere", () => {
    const output = find(full, 0x24, 3, 2, 0x01, 0x03);
    const copy = full.slice();
    // The output terminal becomes a feature unit that is its own source.
    copy.set([6, 2, 2], output + 2);
    const [audio] = audioFunctions(parseConfigurationDescriptor(copy));
    expect(audio?.alternates[0]?.terminalTypes).toStrictEqual([]);
  });

  it("a range of rates is one", () => {
    const copy = full.slice();
    copy.set([0, 0x40, 0x1f, 0, 0x80, 0xbb, 0], format + 7);
    const [audio] = audioFunctions(parseConfigurationDescriptor(copy));
    expect(audio?.alternates[0]?.sampleRates).toStrictEqual([{ min: 8000, max: 48_000, step: 1 }]);
  });
});

it("10,000 mutated configurations throw nothing but DescriptorError", () => {
  const configurations = [full, high, ...Object.values(fixtures).map(({ configuration }) => configuration)];
  let parsed = 0;
  fc.assert(
    fc.property(
      fc.constantFrom(...configurations),
      fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { minLength: 1, maxLength: 6 }),
      (bytes, changes) => {
        const copy = bytes.slice();
        for (const [at, value] of changes) copy[at % copy.length] = value;
        try {
          const functions = audioFunctions(parseConfigurationDescriptor(copy));
          parsed += functions.length;
        } catch (error) {
          if (!DescriptorError.is(error)) throw error;
        }
      },
    ),
    { numRuns: 10_000 },
  );
  expect(parsed).toBeGreaterThan(1000);
});

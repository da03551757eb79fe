import { describe, expect, it } from "vitest";
import { audioFunctions, terminalName, type AudioAlternate } from "../../../../src/class/uac/index.js";
import { parseConfigurationDescriptor } from "../../../../src/index.js";
import * as fixtures from "../../../fixtures/descriptors/index.js";
import type { DescriptorFixture } from "../../../fixtures/descriptors/fixture.js";

function functionsOf({ configuration }: DescriptorFixture) {
  return audioFunctions(parseConfigurationDescriptor(configuration));
}

/** What counts, in a few words. */
function inWords(each: AudioAlternate) {
  const { format, feedback, endpoint } = each;
  return {
    place: `${each.interfaceNumber}.${each.alternate}`,
    endpoint: `${each.direction} 0x${endpoint.address.toString(16)} ${endpoint.synchronizationType}`,
    terminals: each.terminalTypes.map(terminalName).join(", "),
    format: `${format.kind} ${format.channels} × ${format.bitResolution} in ${format.subslotSize}`,
    rates: each.sampleRates?.map(({ min, max }) => (min === max ? min : `${min}-${max}`)),
    rateControl: each.hasRateControl,
    feedback: feedback.type === "explicit" ? `explicit 0x${feedback.endpoint.address.toString(16)}` : feedback.type,
  };
}

describe("the audio functions of real devices", () => {
  const uac1 = { rateControl: false, feedback: "none" } as const;

  it.each<[fixture: DescriptorFixture, version: 1 | 2, control: number, alternates: readonly object[]]>([
    [
      fixtures.cmediaUsbSpeaker,
      1,
      0,
      [
        {
          ...uac1,
          place: "1.1",
          endpoint: "out 0x6 adaptive",
          terminals: "speaker",
          format: "pcm 2 × 16 in 2",
          rates: [48_000],
        },
      ],
    ],
    [
      fixtures.sonyDualsense,
      1,
      0,
      [
        {
          ...uac1,
          place: "1.1",
          endpoint: "out 0x1 adaptive",
          terminals: "speaker",
          format: "pcm 4 × 16 in 2",
          rates: [48_000],
        },
        {
          ...uac1,
          place: "2.1",
          endpoint: "in 0x82 asynchronous",
          terminals: "headset",
          format: "pcm 2 × 16 in 2",
          rates: [48_000],
        },
      ],
    ],
    [
      fixtures.sonyPlaystationEye,
      1,
      1,
      [
        {
          place: "2.1",
          endpoint: "in 0x84 asynchronous",
          terminals: "microphone",
          format: "pcm 4 × 16 in 2",
          rates: [16_000],
          rateControl: true,
          feedback: "none",
        },
      ],
    ],
    [
      fixtures.macrosiliconMs210x,
      1,
      2,
      [
        {
          ...uac1,
          place: "3.1",
          endpoint: "in 0x82 none",
          terminals: "microphone",
          format: "pcm 1 × 16 in 2",
          rates: [96_000],
        },
      ],
    ],
    [
      fixtures.syntekStk1160,
      1,
      1,
      [
        {
          ...uac1,
          place: "2.1",
          endpoint: "in 0x84 asynchronous",
          terminals: "digital audio interface",
          format: "pcm 2 × 16 in 2",
          rates: [48_000],
        },
      ],
    ],
    [
      fixtures.focusriteScarlett2i2,
      2,
      0,
      [
        {
          place: "1.1",
          endpoint: "out 0x1 synchronous",
          terminals: "speaker",
          format: "pcm 2 × 24 in 4",
          rates: undefined,
          rateControl: true,
          feedback: "explicit 0x81",
        },
        {
          place: "2.1",
          endpoint: "in 0x82 asynchronous",
          terminals: "microphone",
          format: "pcm 2 × 24 in 4",
          rates: undefined,
          rateControl: true,
          feedback: "none",
        },
      ],
    ],
  ])("$name", (fixture, version, controlInterface, alternates) => {
    const functions = functionsOf(fixture);
    expect(functions).toHaveLength(1);
    expect(functions[0]).toMatchObject({ version, controlInterface, skipped: [] });
    expect(functions[0]?.alternates.map(inWords)).toStrictEqual(alternates);
  });

  it("of those without the class there are none: the Fireface UC has MIDI, and its audio is its vendor's", () => {
    const without = [fixtures.rmeFirefaceUc, fixtures.frescoFl2000, fixtures.gadmeiUtv382, fixtures.microsoftKinect];
    for (const fixture of without) expect(functionsOf(fixture)).toStrictEqual([]);
  });

  it("the clock of the Scarlett 2i2 is a selector with one pin, before a source that can be set", () => {
    const [scarlett] = functionsOf(fixtures.focusriteScarlett2i2);
    expect(scarlett?.alternates.map(({ clock }) => clock)).toStrictEqual([0x28, 0x28]);
    const clock = { terminalType: undefined, clock: undefined, hasValidity: false, isExternal: false, stringIndex: 0 };
    expect(scarlett?.entities.filter(({ kind }) => kind.startsWith("clock"))).toStrictEqual([
      {
        ...clock,
        ...{ kind: "clock-source", id: 0x29, sources: [], isProgrammable: true, hasValidity: true, stringIndex: 10 },
      },
      { ...clock, kind: "clock-selector", id: 0x28, sources: [0x29], isProgrammable: true },
    ]);
  });
});

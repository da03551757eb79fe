import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chooseAlternate, chooseVideo, videoFunctions } from "../../../../../src/class/uvc/index.js";
import { parseConfigurationDescriptor } from "../../../../../src/descriptors/configuration.js";
import type { ConfigurationDescriptor } from "../../../../../src/descriptors/model.js";
import { IsochError } from "../../../../../src/errors.js";
import * as fixtures from "../../../../fixtures/descriptors/index.js";
import { ScriptedCamera } from "../../../../support/scripted-camera.js";

/** FUZZ_SEED=n repeats a run: fast-check prints the seed of one that failed. */
const given = Number.parseInt(process.env["FUZZ_SEED"] ?? "", 10);
const seed = Number.isNaN(given) ? {} : { seed: given };

const configurations = [
  fixtures.sonyPlaystationCamera.configuration,
  fixtures.macrosiliconMs210x.configuration,
  new ScriptedCamera().configurationDescriptor,
];

/** The result, or `undefined` for an error of this library; any other error goes through. */
function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch (error) {
    if (IsochError.is(error)) return undefined;
    throw error;
  }
}

function holds(configuration: ConfigurationDescriptor): boolean {
  const functions = attempt(() => videoFunctions(configuration));
  const sizes = (functions ?? []).flatMap(({ streaming }) =>
    streaming.flatMap(({ formats }) => formats.flatMap((format) => format.sizes)),
  );
  for (const { width, height, defaultInterval, intervals } of sizes) {
    const values = intervals.type === "discrete" ? intervals.values : [intervals.min, intervals.max, intervals.step];
    const isWithin = width > 0 && height > 0 && defaultInterval > 0 && values.every((value) => value > 0);
    if (!isWithin) throw new Error("a size that cannot be");
  }
  for (const frameRate of [undefined, 0.001, 30, 10_000]) {
    const choice = attempt(() => chooseVideo(configuration, { frameRate }));
    if (choice === undefined) continue;
    const { interval } = choice;
    for (const maxPayloadSize of [0, 1, 1024, 0xffff_ffff]) {
      const fields = { formatIndex: 1, sizeIndex: 1, interval, delay: 0, maxFrameSize: 0, clockFrequency: undefined };
      const committed = { ...fields, maxPayloadSize, bytes: new Uint8Array(0) };
      const negotiated = { ...choice, committed, changes: [], maxFrameSize: 1 };
      const alternate = attempt(() => chooseAlternate(configuration, negotiated, "high"));
      if (alternate !== undefined && alternate.payloadSize > alternate.bytes) throw new Error("too small an alternate");
    }
  }
  return sizes.length > 0;
}

describe("descriptors of cameras that are mutated", () => {
  it("throw nothing but errors of this library, and lead to nothing that cannot be", () => {
    const change = fc.record({ at: fc.nat(0xffff), value: fc.nat(255), isLength: fc.boolean() });
    let read = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(...configurations),
        fc.array(change, { minLength: 1, maxLength: 8 }),
        (bytes, changes) => {
          const copy = bytes.slice();
          // Behind the header, so that more of them get through to what is tested.
          for (const { at, value, isLength } of changes) {
            const position = 9 + (at % (copy.length - 9));
            if (!isLength || copy[position + 1] === 0x24) copy[position] = isLength ? value % 64 : value;
          }
          const configuration = attempt(() => parseConfigurationDescriptor(copy));
          if (configuration !== undefined) read += Number(holds(configuration));
        },
      ),
      { ...seed, numRuns: 4000 },
    );
    expect(read).toBeGreaterThan(400);
  });
});

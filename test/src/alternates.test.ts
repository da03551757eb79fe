import { describe, expect, it } from "vitest";
import { alternateOf, alternatesOf } from "../../src/alternates.js";
import { parseConfigurationDescriptor } from "../../src/index.js";
import { counterDevice } from "../../transports/virtual/index.js";
import { failure, thrown } from "../support/plain-error.js";

const configuration = parseConfigurationDescriptor(counterDevice().configurationDescriptor);

describe("alternate settings of a configuration", () => {
  it("are found by the numbers of the interface and the setting", () => {
    expect(alternatesOf(configuration, 0, "d").map(({ alternateSetting }) => alternateSetting)).toStrictEqual([
      0, 1, 2, 3,
    ]);
    expect(alternateOf(configuration, 0, 2, "d")).toMatchObject({ interfaceNumber: 0, alternateSetting: 2 });
  });

  it("that are not there: the message names the device, and what it lacks", () => {
    expect(thrown(() => alternatesOf(configuration, 7, "d"))).toStrictEqual(
      failure("EndpointError", "no-such-endpoint", "d has no interface 7"),
    );
    expect(thrown(() => alternateOf(configuration, 0, 9, "d"))).toStrictEqual(
      failure("EndpointError", "no-such-endpoint", "interface 0 of d has no alternate setting 9"),
    );
  });
});

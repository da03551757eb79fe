import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseConfigurationDescriptor } from "../../src/descriptors/configuration.js";
import type { EndpointCompanion } from "../../src/descriptors/model.js";
import {
  findIsochEndpoint,
  isochEndpoints,
  maxBytesPerInterval,
  serviceInterval,
  type Speed,
} from "../../src/endpoint.js";
import { DescriptorError, EndpointError, InvalidRequestError, IsochError } from "../../src/errors.js";
import { hex } from "../fixtures/descriptors/fixture.js";
import { frescoFl2000, sonyPlaystationEye, syntekStk1160 } from "../fixtures/descriptors/index.js";

/** Class, code and message of what `action` throws. */
function thrown(action: () => unknown): [abstract: unknown, code: string, message: string] {
  try {
    action();
  } catch (error) {
    if (IsochError.is(error)) return [error.constructor, error.code, error.message];
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("serviceInterval", () => {
  it.each<[Speed, number, number]>([
    ["full", 1, 1000],
    ["full", 4, 8000],
    ["full", 16, 32_768_000],
    ["high", 1, 125],
    ["high", 4, 1000],
    ["high", 16, 4_096_000],
    ["super", 1, 125],
    ["super", 7, 8000],
    ["super-plus", 2, 250],
  ])("at %s speed, bInterval %d is %d microseconds", (speed, interval, microseconds) => {
    expect(serviceInterval({ interval }, speed)).toBe(microseconds);
  });

  it.each([0, 17, 255, 1.5, -1, Number.NaN])("refuses a bInterval of %d", (interval) => {
    expect(thrown(() => serviceInterval({ interval }, "high"))).toEqual([
      DescriptorError,
      "bad-descriptor",
      expect.stringContaining(`1 to 16, not ${interval}`),
    ]);
  });

  it("refuses low speed, and speeds that are none", () => {
    expect(thrown(() => serviceInterval({ interval: 1 }, "low"))).toEqual([
      DescriptorError,
      "bad-descriptor",
      expect.stringContaining("low speed has no isochronous endpoints"),
    ]);
    expect(thrown(() => serviceInterval({ interval: 1 }, "warp" as Speed)).slice(0, 2)).toEqual([
      InvalidRequestError,
      "invalid-option",
    ]);
  });
});

describe("maxBytesPerInterval", () => {
  const bytes = (maxPacketSize: number, speed: Speed, companion?: EndpointCompanion) =>
    maxBytesPerInterval({ maxPacketSize, companion }, speed);
  const companion = (burst: number, mult: number, bytesPerInterval: number) => ({ burst, mult, bytesPerInterval });

  it.each<[Speed, number, number]>([
    ["full", 0x0000, 0],
    ["full", 0x00c0, 192],
    ["full", 0x03ff, 1023],
    ["full", 0x08c0, 192],
    ["high", 0x0000, 0],
    ["high", 0x0400, 1024],
    ["high", 0x0bc0, 1920],
    ["high", 0x0c00, 2048],
    ["high", 0x13fc, 3060],
    ["high", 0x1400, 3072],
    ["high", 0xe400, 1024],
    ["super", 0x0400, 1024],
    ["super-plus", 0x00c0, 192],
  ])("at %s speed, without a companion, 0x%s stands for %d bytes", (speed, maxPacketSize, expected) => {
    expect(bytes(maxPacketSize, speed)).toBe(expected);
  });

  it("looks at the companion at SuperSpeed only", () => {
    expect(bytes(0x0200, "high", companion(16, 3, 49_152))).toBe(512);
    expect(bytes(0x0400, "super", companion(16, 3, 49_152))).toBe(49_152);
  });

  it.each<[string, EndpointCompanion, number]>([
    ["less than a packet", companion(1, 1, 512), 512],
    ["no whole number of packets", companion(2, 1, 1536), 1536],
    ["nothing: no bandwidth is reserved", companion(16, 3, 0), 0],
    ["more than its packets hold", companion(2, 1, 4096), 2048],
  ])("takes a companion at its word that says %s", (_, said, expected) => {
    expect(bytes(0x0400, "super", said)).toBe(expected);
  });

  it("lets a SuperSpeedPlus companion go beyond 48 packets", () => {
    expect(bytes(0x0400, "super-plus", companion(16, 1, 98_304))).toBe(98_304);
  });

  it.each<[string, Speed, number, EndpointCompanion | undefined, string]>([
    ["1024 bytes at full speed", "full", 0x0400, undefined, "1023 bytes, not 1024"],
    ["1025 bytes at high speed", "high", 0x0401, undefined, "1024 bytes, not 1025"],
    ["2047 bytes at SuperSpeed", "super", 0x07ff, undefined, "1024 bytes, not 2047"],
    ["multiplier 3", "high", 0x1c00, undefined, "bits 12..11"],
    ["a burst of 17", "super", 0x0400, companion(17, 1, 1024), "1 to 16 packets, not 17"],
    ["a mult of 4", "super", 0x0400, companion(1, 4, 1024), "1 to 3 bursts, not 4"],
    ["4 GiB", "super-plus", 0x0400, companion(1, 1, 0xffff_ffff), "no bus moves 4294967295 bytes"],
    ["low speed", "low", 0x0008, undefined, "low speed has no isochronous endpoints"],
  ])("refuses %s", (_, speed, maxPacketSize, said, message) => {
    expect(thrown(() => bytes(maxPacketSize, speed, said))).toEqual([
      DescriptorError,
      "bad-descriptor",
      expect.stringContaining(message),
    ]);
  });

  it("is at most what the specification allows, whatever the descriptor says", () => {
    const most = { full: 1023, high: 3072, super: 49_152, "super-plus": 312_500 };
    fc.assert(
      fc.property(
        fc.constantFrom("full" as const, "high" as const, "super" as const, "super-plus" as const),
        fc.nat(0xffff),
        fc.option(fc.record({ burst: fc.nat(256), mult: fc.nat(4), bytesPerInterval: fc.nat(0xffff_ffff) }), {
          nil: undefined,
        }),
        (speed, maxPacketSize, said) => {
          let size: number;
          try {
            size = bytes(maxPacketSize, speed, said);
          } catch (error) {
            return DescriptorError.is(error);
          }
          return Number.isInteger(size) && size >= 0 && size <= most[speed];
        },
      ),
      { numRuns: 5000 },
    );
  });
});

const stk1160 = parseConfigurationDescriptor(syntekStk1160.configuration);

describe("isochEndpoints", () => {
  it("lists an endpoint once for each alternate setting, and no other kind", () => {
    const found = isochEndpoints(stk1160);
    expect(found.map(({ endpoint }) => endpoint.address)).toEqual([0x82, 0x82, 0x82, 0x82, 0x82, 0x82, 0x84, 0x84]);
    expect(found.map(({ interfaceNumber }) => interfaceNumber)).toEqual([0, 0, 0, 0, 0, 0, 2, 2]);
    expect(found[5]?.alternate).toBe(stk1160.interfaces[0]?.alternates[5]);
    expect(found[5]?.endpoint).toBe(stk1160.interfaces[0]?.alternates[5]?.endpoints[1]);
  });

  it("lists nothing where there is nothing", () => {
    expect(isochEndpoints(parseConfigurationDescriptor(hex("09 02 09 00 00 01 00 80 32")))).toEqual([]);
  });
});

describe("findIsochEndpoint", () => {
  it("takes the alternate setting with the most bytes", () => {
    const found = findIsochEndpoint(stk1160, { endpoint: 0x82 }, "high");
    expect(found).toEqual({
      interfaceNumber: 0,
      alternate: stk1160.interfaces[0]?.alternates[5],
      endpoint: stk1160.interfaces[0]?.alternates[5]?.endpoints[1],
    });
  });

  it("takes the alternate setting that is asked for, an empty one too", () => {
    const settings = [0, 1, 2, 3, 4, 5].map((alternate) => {
      const found = findIsochEndpoint(stk1160, { endpoint: 0x82, interfaceNumber: 0, alternate }, "high");
      return maxBytesPerInterval(found.endpoint, "high");
    });
    expect(settings).toEqual([0, 768, 1020, 1024, 2048, 3072]);
  });

  it("takes the first of several that are as large", () => {
    const configuration = parseConfigurationDescriptor(
      hex(`
        09 02 39 00 01 01 00 80 32
        09 04 00 01 01 ff 00 00 00  07 05 81 05 00 02 01
        09 04 00 02 01 ff 00 00 00  07 05 81 05 00 04 01
        09 04 00 03 01 ff 00 00 00  07 05 81 05 00 04 01
      `),
    );
    expect(findIsochEndpoint(configuration, { endpoint: 0x81 }, "high").alternate.alternateSetting).toBe(2);
  });

  it("passes over alternate settings whose size is wrong, and says so where all are", () => {
    const configuration = parseConfigurationDescriptor(
      hex(`
        09 02 29 00 01 01 00 80 32
        09 04 00 01 01 ff 00 00 00  07 05 81 05 00 1c 01
        09 04 00 02 01 ff 00 00 00  07 05 81 05 00 02 01
      `),
    );
    expect(findIsochEndpoint(configuration, { endpoint: 0x81 }, "high").alternate.alternateSetting).toBe(2);
    expect(findIsochEndpoint(configuration, { endpoint: 0x81, alternate: 1 }, "high").endpoint.maxPacketSize).toBe(
      0x1c00,
    );
    expect(thrown(() => findIsochEndpoint(configuration, { endpoint: 0x81 }, "low")).slice(0, 2)).toEqual([
      DescriptorError,
      "bad-descriptor",
    ]);
  });

  it("tells endpoints of one address in two interfaces apart", () => {
    const configuration = parseConfigurationDescriptor(
      hex(`
        09 02 29 00 02 01 00 80 32
        09 04 00 00 01 ff 00 00 00  07 05 81 05 00 02 01
        09 04 01 00 01 ff 00 00 00  07 05 81 05 00 04 01
      `),
    );
    const find = (interfaceNumber?: number) =>
      findIsochEndpoint(configuration, { endpoint: 0x81, interfaceNumber }, "high");
    expect(find(0).interfaceNumber).toBe(0);
    expect(find(1).interfaceNumber).toBe(1);
    expect(find().interfaceNumber).toBe(1);
  });

  it("says which endpoints there are, if there is none of this address", () => {
    expect(thrown(() => findIsochEndpoint(stk1160, { endpoint: 0x83 }, "high"))).toEqual([
      EndpointError,
      "no-such-endpoint",
      "the device has no endpoint 0x83; its isochronous endpoints are " +
        "0x82 (interface 0, alternate settings 0, 1, 2, 3, 4, 5), 0x84 (interface 2, alternate settings 0, 1)",
    ]);
    expect(
      thrown(() => findIsochEndpoint(stk1160, { endpoint: 0x82, interfaceNumber: 2 }, "high")).slice(0, 2),
    ).toEqual([EndpointError, "no-such-endpoint"]);
    const empty = parseConfigurationDescriptor(hex("09 02 09 00 00 01 00 80 32"));
    expect(thrown(() => findIsochEndpoint(empty, { endpoint: 1 }, "high"))).toEqual([
      EndpointError,
      "no-such-endpoint",
      "the device has no endpoint 0x01; it has no isochronous endpoints",
    ]);
  });

  it("says which alternate settings have the endpoint, if the one asked for has not", () => {
    const eye = parseConfigurationDescriptor(sonyPlaystationEye.configuration);
    expect(thrown(() => findIsochEndpoint(eye, { endpoint: 0x84, alternate: 0 }, "high"))).toEqual([
      EndpointError,
      "not-in-alternate",
      "alternate setting 0 does not have endpoint 0x84; these have it: 0x84 (interface 2, alternate settings 1)",
    ]);
  });

  it("says what kind of endpoint it is, if it is another", () => {
    const fl2000 = parseConfigurationDescriptor(frescoFl2000.configuration);
    for (const alternate of [undefined, 0, 1]) {
      expect(thrown(() => findIsochEndpoint(fl2000, { endpoint: 0x81, alternate }, "high"))).toEqual([
        EndpointError,
        "not-isochronous",
        expect.stringContaining("endpoint 0x81 is a bulk endpoint"),
      ]);
    }
  });

  it.each([
    ["endpoint", { endpoint: 256 }],
    ["endpoint", { endpoint: Number.NaN }],
    ["interfaceNumber", { endpoint: 0x82, interfaceNumber: -1 }],
    ["alternate", { endpoint: 0x82, alternate: 1.5 }],
  ])("refuses a number that is none for %s", (what, selector) => {
    expect(thrown(() => findIsochEndpoint(stk1160, selector, "high"))).toEqual([
      InvalidRequestError,
      "invalid-number",
      expect.stringContaining(what),
    ]);
  });

  it("refuses a speed that is none", () => {
    expect(
      thrown(() => findIsochEndpoint(stk1160, { endpoint: 0x82, alternate: 1 }, "warp" as Speed)).slice(0, 2),
    ).toEqual([InvalidRequestError, "invalid-option"]);
  });
});

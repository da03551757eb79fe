import { describe, expect, it } from "vitest";
import { parseConfigurationDescriptor } from "../../../src/descriptors/configuration.js";
import { DescriptorError } from "../../../src/errors.js";
import { maxBytesPerInterval } from "../../../src/endpoint.js";
import { hex } from "../../fixtures/descriptors/fixture.js";
import { microsoftKinect, sonyPlaystationEye } from "../../fixtures/descriptors/index.js";

/** A configuration header with the right wTotalLength, and what stands behind it. */
function configuration(text: string): Uint8Array {
  const body = hex(text);
  const total = 9 + body.length;
  return Uint8Array.of(9, 2, total & 0xff, total >> 8, 1, 3, 4, 0xe0, 50, ...body);
}

function firstEndpoint(bytes: Uint8Array) {
  return parseConfigurationDescriptor(bytes).interfaces[0]?.alternates[0]?.endpoints[0];
}

describe("parseConfigurationDescriptor", () => {
  it("reads every field of the header", () => {
    expect(parseConfigurationDescriptor(configuration(""))).toEqual({
      value: 3,
      descriptionIndex: 4,
      selfPowered: true,
      remoteWakeup: true,
      maxPower: 50,
      interfaces: [],
      associations: [],
      extra: [],
    });
  });

  it("reads every field of an interface, an endpoint and an association", () => {
    const parsed = parseConfigurationDescriptor(
      configuration(`
        08 0b 02 01 0e 03 07 05
        09 04 02 01 01 0e 02 08 06
        09 05 81 25 00 0c 04 02 83
      `),
    );
    expect(parsed.associations).toEqual([
      {
        firstInterface: 2,
        interfaceCount: 1,
        functionClass: 14,
        functionSubclass: 3,
        functionProtocol: 7,
        descriptionIndex: 5,
      },
    ]);
    expect(parsed.interfaces).toEqual([
      {
        number: 2,
        alternates: [
          {
            interfaceNumber: 2,
            alternateSetting: 1,
            interfaceClass: 14,
            interfaceSubclass: 2,
            interfaceProtocol: 8,
            descriptionIndex: 6,
            extra: [],
            endpoints: [
              {
                address: 0x81,
                direction: "in",
                transferType: "isochronous",
                synchronizationType: "asynchronous",
                usageType: "implicit-feedback",
                maxPacketSize: 0x0c00,
                interval: 4,
                refresh: 2,
                synchAddress: 0x83,
                companion: undefined,
                extra: [],
              },
            ],
          },
        ],
      },
    ]);
  });

  it("hands out views of the bytes it was given, and writes to none of them", () => {
    const copy = sonyPlaystationEye.configuration.slice();
    const parsed = parseConfigurationDescriptor(copy);
    const view = parsed.interfaces[1]?.alternates[0]?.extra[0]?.bytes;
    expect(view?.buffer).toBe(copy.buffer);
    expect(view?.byteOffset).toBe(48);
    expect(copy).toEqual(sonyPlaystationEye.configuration);
  });

  it("stops at wTotalLength", () => {
    const bytes = Uint8Array.of(...microsoftKinect.configuration, 0x01, 0xff, 0xff);
    expect(parseConfigurationDescriptor(bytes)).toEqual(parseConfigurationDescriptor(microsoftKinect.configuration));
  });
});

describe("SuperSpeed companions", () => {
  const inAlternate = (text: string) => configuration(`09 04 00 00 01 ff 00 00 00 ${text}`);

  // The endpoint of a MOTU 16A (2025) as its maker quotes it, linux-sound 2025-12-02, in
  // https://lore.kernel.org/linux-sound/87sedt5piw.wl-tiwai@suse.de/; the interface around it is ours.
  it("are read where the bytes per interval fill no whole packet (MOTU 16A)", () => {
    const endpoint = firstEndpoint(inAlternate("07 05 82 25 00 04 01  06 30 03 00 85 0c"));
    expect(endpoint?.companion).toEqual({ burst: 4, mult: 1, bytesPerInterval: 3205 });
    expect(endpoint && maxBytesPerInterval(endpoint, "super")).toBe(3205);
  });

  it("are found behind a class-specific endpoint descriptor, which is kept", () => {
    const endpoint = firstEndpoint(inAlternate("07 05 81 05 00 04 01  05 25 01 00 00  06 30 00 01 00 08"));
    expect(endpoint?.companion).toEqual({ burst: 1, mult: 2, bytesPerInterval: 2048 });
    expect(endpoint?.extra.map(({ type }) => type)).toEqual([0x25]);
  });

  it("do not take the streams of a bulk endpoint for a mult", () => {
    const endpoint = firstEndpoint(inAlternate("07 05 81 02 00 04 00  06 30 0f 02 00 00"));
    expect(endpoint?.companion).toEqual({ burst: 16, mult: 1, bytesPerInterval: 0 });
  });

  it("give way to a SuperSpeedPlus companion that they announce", () => {
    const endpoint = firstEndpoint(inAlternate("07 05 81 05 00 04 01  06 30 0f 80 01 00  08 31 00 00 00 80 01 00"));
    expect(endpoint?.companion).toEqual({ burst: 16, mult: 1, bytesPerInterval: 0x18000 });
    expect(endpoint && maxBytesPerInterval(endpoint, "super-plus")).toBe(98_304);
    expect(endpoint?.extra).toEqual([]);
  });

  it("keep a SuperSpeedPlus companion that they do not announce as it is", () => {
    const endpoint = firstEndpoint(inAlternate("07 05 81 05 00 04 01  06 30 01 00 00 08  08 31 00 00 00 80 01 00"));
    expect(endpoint?.companion?.bytesPerInterval).toBe(2048);
    expect(endpoint?.extra.map(({ type }) => type)).toEqual([0x31]);
  });

  it("are unknown descriptors where there is no endpoint, and the second time", () => {
    const bytes = configuration("06 30 00 00 00 00  09 04 00 00 01 ff 00 00 00  06 30 01 00 00 00");
    const parsed = parseConfigurationDescriptor(bytes);
    expect(parsed.extra.map(({ type }) => type)).toEqual([0x30]);
    expect(parsed.interfaces[0]?.alternates[0]?.extra.map(({ type }) => type)).toEqual([0x30]);

    const endpoint = firstEndpoint(inAlternate("07 05 81 05 00 04 01  06 30 00 00 00 04  06 30 0f 00 00 40"));
    expect(endpoint?.companion?.burst).toBe(1);
    expect(endpoint?.extra.map(({ type }) => type)).toEqual([0x30]);
  });
});

describe("what sloppy devices do", () => {
  it("counts the endpoints and interfaces that are there, not those that are promised", () => {
    const parsed = parseConfigurationDescriptor(
      configuration(
        "09 04 00 00 05 ff 00 00 00  07 05 81 05 00 04 01  09 04 01 00 00 ff 00 00 00  07 05 82 05 00 04 01",
      ),
    );
    expect(parsed.interfaces.map(({ alternates }) => alternates[0]?.endpoints.length)).toEqual([1, 1]);
  });

  it("gathers the alternate settings of an interface from where they stand", () => {
    const parsed = parseConfigurationDescriptor(
      configuration("09 04 07 00 00 ff 00 00 00  09 04 03 00 00 ff 00 00 00  09 04 07 02 00 ff 00 00 00"),
    );
    expect(
      parsed.interfaces.map(({ number, alternates }) => [number, alternates.map((a) => a.alternateSetting)]),
    ).toEqual([
      [7, [0, 2]],
      [3, [0]],
    ]);
  });

  it("takes the first of two alternate settings with one number", () => {
    const parsed = parseConfigurationDescriptor(
      configuration(
        "09 04 00 01 01 ff 00 00 00  07 05 81 05 00 01 01  09 04 00 01 01 ff 00 00 00  07 05 81 05 00 04 01",
      ),
    );
    expect(parsed.interfaces[0]?.alternates.length).toBe(1);
    expect(parsed.interfaces[0]?.alternates[0]?.endpoints[0]?.maxPacketSize).toBe(256);
  });

  it("keeps an endpoint with an impossible address among what it does not know", () => {
    const parsed = parseConfigurationDescriptor(
      configuration("09 04 00 00 02 ff 00 00 00  07 05 80 05 00 04 01  06 30 00 00 00 04  07 05 91 05 00 04 01"),
    );
    const alternate = parsed.interfaces[0]?.alternates[0];
    expect(alternate?.endpoints).toEqual([]);
    expect(alternate?.extra.map(({ type }) => type)).toEqual([0x05, 0x30, 0x05]);
  });

  it("takes an endpoint before the first interface for an unknown descriptor", () => {
    const parsed = parseConfigurationDescriptor(configuration("07 05 81 05 00 04 01"));
    expect(parsed.extra.map(({ type }) => type)).toEqual([0x05]);
  });

  it.each([
    ["one zero", "00"],
    ["many", "00 00 00 00 00 00 00"],
  ])("passes over %s at the end", (_, zeros) => {
    const parsed = parseConfigurationDescriptor(configuration(`09 04 00 00 00 ff 00 00 00 ${zeros}`));
    expect(parsed.interfaces.length).toBe(1);
    expect(parsed.interfaces[0]?.alternates[0]?.extra).toEqual([]);
  });

  it("accepts descriptors longer than they have to be", () => {
    const bytes = configuration(`
      0a 04 00 00 01 ff 00 00 00 aa
      08 05 81 05 00 04 01 aa
      0a 05 82 05 00 04 01 05 06 aa
      07 30 00 00 00 04 aa
    `);
    const endpoints = parseConfigurationDescriptor(bytes).interfaces[0]?.alternates[0]?.endpoints;
    expect(endpoints?.map(({ refresh, synchAddress }) => [refresh, synchAddress])).toEqual([
      [undefined, undefined],
      [5, 6],
    ]);
    expect(endpoints?.[1]?.companion?.bytesPerInterval).toBe(1024);
  });
});

describe("what it refuses, and says where", () => {
  it.each([
    ["nothing", hex(""), /byte 0 is cut off after 0/],
    ["less than a header", hex("09 02 20 00"), /9 bytes long, and 4 are left/],
    ["a header that is too short", hex("08 02 08 00 01 01 00 80"), /at byte 0 is 8 bytes long, and 9/],
    ["a device descriptor", sonyPlaystationEye.device, /has type 0x2, and the one at byte 0 has 0x1/],
    [
      "only part of the configuration",
      sonyPlaystationEye.configuration.subarray(0, 140),
      /is 142 bytes long, and 140 were given: read the descriptor again with a wLength of 142/,
    ],
    ["a total below the header", hex("09 02 08 00 01 01 00 80 fa"), /says it is 8 bytes long in all, and its header/],
    ["a bLength of 0 before other bytes", configuration("00 00 00 01"), /byte 9 says it is 0 bytes long/],
    ["a bLength of 1", configuration("01 24 00"), /byte 9 says it is 1 bytes long/],
    ["a single byte left", configuration("03 24 01 07"), /byte 12 is cut off after 1/],
    ["a descriptor past the end", configuration("09 04 00 00"), /0x4 at byte 9 is 9 bytes long, and 4 are left/],
    ["a short interface", configuration("08 04 00 00 00 00 00 00"), /interface descriptor at byte 9 is 8 .* 9 are/],
    [
      "a short endpoint",
      configuration("09 04 00 00 01 ff 00 00 00  06 05 81 05 00 04"),
      /endpoint .* byte 18 is 6 .* 7/,
    ],
    ["a short association", configuration("07 0b 00 01 01 01 01"), /association descriptor at byte 9 is 7 .* 8/],
    [
      "a short companion",
      configuration("09 04 00 00 01 ff 00 00 00  07 05 81 05 00 04 01  05 30 00 00 00"),
      /companion descriptor at byte 25 is 5 .* 6/,
    ],
    [
      "a short companion of a bulk endpoint",
      configuration("09 04 00 00 01 ff 00 00 00  07 05 81 02 00 04 00  02 30"),
      /companion descriptor at byte 25 is 2 .* 6/,
    ],
    [
      "a short second companion",
      configuration("09 04 00 00 01 ff 00 00 00  07 05 81 05 00 04 01  06 30 00 80 01 00  06 31 00 00 00 00"),
      /isochronous endpoint companion descriptor at byte 31 is 6 .* 8/,
    ],
  ])("%s", (_, bytes, message) => {
    const parse = () => parseConfigurationDescriptor(bytes);
    expect(parse).toThrow(DescriptorError);
    expect(parse).toThrow(message);
    expect(parse).toThrow(expect.objectContaining({ code: "bad-descriptor" }));
  });

  it("every cut through a real configuration", () => {
    for (let length = 0; length < sonyPlaystationEye.configuration.length; length += 1) {
      expect(() => parseConfigurationDescriptor(sonyPlaystationEye.configuration.subarray(0, length))).toThrow(
        DescriptorError,
      );
    }
  });
});

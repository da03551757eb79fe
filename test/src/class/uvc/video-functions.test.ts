import { describe, expect, it } from "vitest";
import { parseConfigurationDescriptor } from "../../../../src/descriptors/configuration.js";
import { chooseVideo, videoFunctions, type VideoSelector } from "../../../../src/class/uvc/index.js";
import type { DescriptorFixture } from "../../../fixtures/descriptors/fixture.js";
import * as fixtures from "../../../fixtures/descriptors/index.js";
import { failure, thrown } from "../../../support/plain-error.js";
import { ScriptedCamera } from "../../../support/scripted-camera.js";
import { uint32 } from "./packets.js";

const functionsOf = ({ configuration }: DescriptorFixture) =>
  videoFunctions(parseConfigurationDescriptor(configuration));
const yuy2 = "32595559-0000-0010-8000-00aa00389b71";

type Descriptor = readonly number[];

/** The descriptors of the scripted camera, one by one, behind the configuration header. */
function descriptors(): Descriptor[] {
  const bytes = [...new ScriptedCamera().configurationDescriptor];
  const found: Descriptor[] = [];
  for (let at = 9; at < bytes.length; at += bytes[at] ?? 1) found.push(bytes.slice(at, at + (bytes[at] ?? 1)));
  return found;
}

/** The scripted camera with each descriptor that begins so replaced by others. */
function altered(begin: Descriptor, ...others: readonly Descriptor[]) {
  const isMeant = (each: Descriptor) => begin.every((byte, i) => each[i] === byte);
  const all = descriptors();
  expect(all.some(isMeant)).toBe(true);
  const body = all.flatMap((each) => (isMeant(each) ? others : [each])).flat();
  const bytes = Uint8Array.of(9, 2, 0, 0, 2, 1, 0, 0x80, 50, ...body);
  new DataView(bytes.buffer).setUint16(2, bytes.length, true);
  return parseConfigurationDescriptor(bytes);
}

const vcHeader = [13, 0x24, 1] as const;
const vsHeader = [15, 0x24, 1] as const;
const yuy2Format = [27, 0x24, 4] as const;
const firstSize = [34, 0x24, 5, 1] as const;

/** A frame descriptor of a YUY2 picture of 4 × 2. */
const sizeOf = (index: number, type: number, ...intervals: readonly number[]): number[] => [
  26 + 4 * intervals.length,
  ...[0x24, 5, index, 0, 4, 0, 2, 0],
  ...[1000, 2000, 16, 100].flatMap(uint32),
  type,
  ...intervals.flatMap(uint32),
];

describe("videoFunctions", () => {
  it("reads the PlayStation camera: YUY2, three sizes, at SuperSpeed", () => {
    const [camera, ...others] = functionsOf(fixtures.sonyPlaystationCamera);
    expect(others).toStrictEqual([]);
    expect(camera).toMatchObject({
      version: 0x0100,
      clockFrequency: 125_000_000,
      interfaceNumber: 0,
      terminals: [
        { direction: "input", id: 1, type: 0x0201, associatedTerminal: 0, source: undefined },
        { direction: "output", id: 2, type: 0x0101, associatedTerminal: 0, source: 3 },
      ],
      units: [
        { kind: "processing", id: 3 },
        { kind: "extension", id: 4 },
      ],
      skipped: [],
    });
    const [streaming] = camera?.streaming ?? [];
    expect(streaming).toMatchObject({
      interfaceNumber: 1,
      direction: "in",
      endpoint: 0x81,
      stillMethod: 0,
      skipped: [],
    });
    expect(streaming?.formats).toMatchObject([
      {
        index: 1,
        encoding: "yuy2",
        guid: yuy2,
        bitsPerPixel: 16,
        defaultSize: 1,
        color: { primaries: 1, transfer: 1, matrix: 4 },
        sizes: [
          { width: 3448, height: 808, defaultInterval: 166_666, maxFrameSize: 0x00550580 },
          { width: 1748, height: 408, defaultInterval: 83_333 },
          { width: 898, height: 200, defaultInterval: 41_666 },
        ],
      },
    ]);
    expect(streaming?.formats[0]?.sizes[0]?.intervals).toStrictEqual({
      type: "discrete",
      values: [166_666, 333_333, 666_666, 1_250_000],
    });
  });

  it("reads the MS210x grabber: MJPEG and YUY2, and finds it beside an audio function", () => {
    const [grabber, ...others] = functionsOf(fixtures.macrosiliconMs210x);
    expect(others).toStrictEqual([]);
    expect(grabber).toMatchObject({ version: 0x0100, clockFrequency: 24_000_000, skipped: [] });
    expect(grabber?.streaming[0]).toMatchObject({
      interfaceNumber: 1,
      endpoint: 0x83,
      formats: [
        {
          encoding: "mjpeg",
          guid: undefined,
          sizes: [
            { width: 480, height: 320 },
            { width: 640, height: 480 },
            { width: 720, height: 480 },
          ],
        },
        { encoding: "yuy2", sizes: [{ width: 480, height: 320, defaultInterval: 400_000 }] },
      ],
    });
  });

  it.each(
    [
      fixtures.syntekStk1160,
      fixtures.sonyPlaystationEye,
      fixtures.gadmeiUtv382,
      fixtures.microsoftKinect,
      fixtures.cmediaUsbSpeaker,
    ].map((each) => [each.name, each] as const),
  )("finds no video function in %s: its video is a vendor's own", (_, fixture) => {
    expect(functionsOf(fixture)).toStrictEqual([]);
  });

  const sizesOf = (configuration: ReturnType<typeof altered>) =>
    videoFunctions(configuration)[0]?.streaming[0]?.formats[0]?.sizes;
  const skippedOf = (configuration: ReturnType<typeof altered>) =>
    videoFunctions(configuration)[0]?.streaming[0]?.skipped.map(({ reason }) => reason);

  it.each<readonly [string, Descriptor, object]>([
    [
      "stepped",
      sizeOf(1, 0, 50, 200, 25),
      { defaultInterval: 100, intervals: { type: "stepped", min: 50, max: 200, step: 25 } },
    ],
    [
      "stepped without a step",
      sizeOf(1, 0, 100, 100, 0),
      { intervals: { type: "stepped", min: 100, max: 100, step: 1 } },
    ],
    ["fewer than announced", sizeOf(1, 7, 100, 200), { intervals: { type: "discrete", values: [100, 200] } }],
    [
      "zeros among them",
      sizeOf(1, 3, 0, 200, 0),
      { defaultInterval: 200, intervals: { type: "discrete", values: [200] } },
    ],
  ])("reads intervals that are %s", (_, descriptor, expected) => {
    expect(sizesOf(altered(firstSize, descriptor))?.[0]).toMatchObject(expected);
  });

  it("reads frame-based formats", () => {
    const format = [28, 0x24, 0x10, 1, 1, ...Array.from("H264", (each) => each.charCodeAt(0))];
    format.push(...[0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71], 16, 1, 0, 0, 0, 0, 1);
    const size = [
      30,
      0x24,
      0x11,
      1,
      0,
      4,
      0,
      2,
      0,
      ...[1000, 2000, 100].flatMap(uint32),
      1,
      0,
      0,
      0,
      0,
      ...uint32(100),
    ];
    const [video] = videoFunctions(altered(yuy2Format, format, size));
    expect(video?.streaming[0]?.formats[0]).toMatchObject({
      encoding: "h264",
      sizes: [{ width: 4, height: 2, defaultInterval: 100, maxFrameSize: 0, intervals: { values: [100] } }],
    });
  });

  it("keeps an unknown format by its GUID", () => {
    const format = descriptors().find((each) => yuy2Format.every((byte, i) => each[i] === byte)) ?? [];
    const other = [...format.slice(0, 5), 1, 2, 3, 4, ...format.slice(9)];
    expect(videoFunctions(altered(yuy2Format, other))[0]?.streaming[0]?.formats[0]).toMatchObject({
      encoding: "unknown",
      guid: "04030201-0000-0010-8000-00aa00389b71",
    });
  });

  it.each<readonly [string, readonly Descriptor[]]>([
    ["it has no bDescriptorSubtype", [[2, 0x24]]],
    ["the frame descriptor is 25 bytes long, and 26 are the least", [[25, 0x24, 5, 1, ...Array<number>(21).fill(1)]]],
    ["a size of 0 × 2 has no pixels", [sizeOf(1, 1, 100).with(5, 0)]],
    ["it has no frame interval", [sizeOf(1, 1)]],
    ["its frame intervals are stepped, and their range is cut off", [sizeOf(1, 0, 1, 2)]],
    ["its frame intervals are from 200 to 100", [sizeOf(1, 0, 200, 100, 1)]],
    ["the format has a size 2 already", [sizeOf(2, 1, 100)]],
    ["nothing is known of the subtype 0x77", [[3, 0x24, 0x77]]],
    ["it is a size of a format that does not stand before it", [[...sizeOf(1, 1, 100).with(2, 7)]]],
    ["the interface has a header already", [[12, 0x24, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]]],
    ["the colour matching descriptor is 5 bytes long, and 6 are the least", [[5, 0x24, 0x0d, 1, 1]]],
    ["the format descriptor is 22 bytes long, and 23 are the least", [[22, 0x24, 4, ...Array<number>(19).fill(9)]]],
  ])("skips what is wrong, and goes on: %s", (reason, wrong) => {
    // Behind the second size, so that all the others stand as they did.
    const second = descriptors().find((each) => [0x24, 5, 2].every((byte, i) => each[i + 1] === byte)) ?? [];
    const configuration = altered([30, 0x24, 5, 2], second, ...wrong);
    expect(skippedOf(configuration)).toStrictEqual([reason]);
    expect(sizesOf(configuration)).toMatchObject([{ width: 4 }, { width: 8 }]);
  });

  it("gives the sizes and colours of a format that is skipped to no other", () => {
    const second = descriptors().find((each) => [0x24, 5, 2].every((byte, i) => each[i + 1] === byte)) ?? [];
    const broken = [22, 0x24, 4, ...Array<number>(19).fill(9)];
    const configuration = altered([30, 0x24, 5, 2], second, broken, sizeOf(3, 1, 100), [6, 0x24, 0x0d, 1, 1, 4]);
    expect(skippedOf(configuration)).toStrictEqual([
      "the format descriptor is 22 bytes long, and 23 are the least",
      "it is a size of a format that does not stand before it",
      "it belongs to no format",
    ]);
    expect(sizesOf(configuration)).toMatchObject([{ width: 4 }, { width: 8 }]);
  });

  it("tolerates still image descriptors", () => {
    const still = [10, 0x24, 3, 0, 1, 4, 0, 2, 0, 0];
    expect(skippedOf(altered([11, 0x24, 6], still, [11, 0x24, 6, 2, 1, 1, 1, 0, 0, 0, 0]))).toStrictEqual([]);
  });

  it("throws where the VideoControl interface has no header that can be read", () => {
    expect(thrown(() => videoFunctions(altered(vcHeader)))).toStrictEqual(
      failure("DescriptorError", "bad-descriptor", "VideoControl interface 0", "it has none"),
    );
    expect(thrown(() => videoFunctions(altered(vcHeader, [5, 0x24, 1, 0, 1])))).toStrictEqual(
      failure("DescriptorError", "bad-descriptor", "5 bytes long, and 12 are the least"),
    );
  });

  it("leaves out a streaming interface without a header", () => {
    expect(videoFunctions(altered(vsHeader))).toMatchObject([{ streaming: [] }]);
  });

  it("takes a streaming interface that the header forgot", () => {
    const header = [12, 0x24, 1, 0x10, 1, 40, 0, ...uint32(1), 0];
    expect(videoFunctions(altered(vcHeader, header))[0]?.streaming).toHaveLength(1);
  });
});

describe("chooseVideo", () => {
  const configuration = parseConfigurationDescriptor(new ScriptedCamera().configurationDescriptor);
  const chosen = (selector?: VideoSelector) => {
    const { format, size, interval } = chooseVideo(configuration, selector);
    return [format.encoding, size.width, size.height, interval];
  };

  it.each<readonly [VideoSelector | undefined, readonly unknown[]]>([
    [undefined, ["yuy2", 4, 2, 333_333]],
    [{ format: "mjpeg" }, ["mjpeg", 16, 8, 333_333]],
    [{ width: 8 }, ["yuy2", 8, 4, 333_333]],
    [{ frameRate: 15 }, ["yuy2", 4, 2, 666_666]],
    [{ frameRate: 1 }, ["yuy2", 4, 2, 666_666]],
    [{ frameRate: 15, width: 8, height: 4 }, ["yuy2", 8, 4, 333_333]],
    [{ interfaceNumber: 1, height: 8 }, ["mjpeg", 16, 8, 333_333]],
  ])("%o", (selector, expected) => {
    expect(chosen(selector)).toStrictEqual(expected);
  });

  it("takes no unknown format unless asked to", () => {
    const format = descriptors().find((each) => yuy2Format.every((byte, i) => each[i] === byte)) ?? [];
    const odd = altered(yuy2Format, [...format.slice(0, 5), 1, ...format.slice(6)]);
    expect(chooseVideo(odd).format.encoding).toBe("mjpeg");
    expect(chooseVideo(odd, { format: "unknown" }).format.encoding).toBe("unknown");
  });

  it("says which interface has no video", () => {
    expect(thrown(() => chooseVideo(configuration, { interfaceNumber: 7 }))).toStrictEqual(
      failure("EndpointError", "no-such-endpoint", "interface 7"),
    );
  });
});

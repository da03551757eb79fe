import { describe, expect, it } from "vitest";
import { parseConfigurationDescriptor } from "../../../../src/descriptors/configuration.js";
import {
  chooseAlternate,
  chooseVideo,
  type NegotiatedVideo,
  type VideoSelector,
} from "../../../../src/class/uvc/index.js";
import * as fixtures from "../../../fixtures/descriptors/index.js";
import { failure, thrown } from "../../../support/plain-error.js";
import { ScriptedCamera } from "../../../support/scripted-camera.js";

const scripted = parseConfigurationDescriptor(new ScriptedCamera().configurationDescriptor);

/** What would have been negotiated, with this dwMaxPayloadTransferSize. */
function negotiated(maxPayloadSize: number, selector: VideoSelector = {}, configuration = scripted): NegotiatedVideo {
  const choice = chooseVideo(configuration, selector);
  const committed = {
    formatIndex: choice.format.index,
    sizeIndex: choice.size.index,
    interval: choice.interval,
    delay: 0,
    maxFrameSize: 0,
    maxPayloadSize,
    clockFrequency: undefined,
    bytes: new Uint8Array(26),
  };
  return { ...choice, committed, changes: [], maxFrameSize: 1000 };
}

const jpeg = { format: "mjpeg" } as const;

describe("chooseAlternate", () => {
  it.each([
    [1, 1],
    [16, 1],
    [17, 2],
    [32, 2],
    [33, 3],
    [64, 3],
  ])("carries %i bytes in alternate setting %i, the smallest that does", (payloadSize, alternate) => {
    expect(chooseAlternate(scripted, negotiated(payloadSize), "full")).toMatchObject({
      alternate,
      payloadSize,
      isEstimated: false,
    });
  });

  it("says where to stream", () => {
    expect(chooseAlternate(scripted, negotiated(20), "full")).toStrictEqual({
      interfaceNumber: 1,
      alternate: 2,
      endpoint: 0x81,
      bytes: 32,
      frameDuration: 1000,
      payloadSize: 20,
      isEstimated: false,
    });
  });

  it("cuts a size of 16 bits that was extended by its sign", () => {
    expect(chooseAlternate(scripted, negotiated(0xffff_0011), "full")).toMatchObject({ alternate: 2, payloadSize: 17 });
  });

  it.each([0, 65, 1024, 0x1234_5678])("takes what a raw picture needs where the device says %i", (payloadSize) => {
    // 16 bytes in 33 ms are one in a frame: alternate setting 3 has room for more, and gets it.
    expect(chooseAlternate(scripted, negotiated(payloadSize), "full")).toMatchObject({
      alternate: 3,
      payloadSize: 64,
      isEstimated: true,
    });
  });

  it.each([0, 0x1234_5678])("takes the largest for what is compressed where the device says %i", (payloadSize) => {
    expect(chooseAlternate(scripted, negotiated(payloadSize, jpeg), "full")).toMatchObject({
      alternate: 3,
      payloadSize: 64,
      isEstimated: true,
    });
  });

  it("says that none carries so much", () => {
    expect(thrown(() => chooseAlternate(scripted, negotiated(1000, jpeg), "full"))).toStrictEqual(
      failure("BandwidthError", "bandwidth-exceeded", "mjpeg, 16 × 8", "1000 bytes", "64", "smaller size", "frameRate"),
    );
    const large = negotiated(0);
    const tall = { ...large, size: { ...large.size, width: 640, height: 480 } };
    expect(thrown(() => chooseAlternate(scripted, tall, "full"))).toStrictEqual(
      failure("BandwidthError", "bandwidth-exceeded", "yuy2, 640 × 480", "18445 bytes"),
    );
  });

  it.each([
    [fixtures.sonyPlaystationCamera, 1, 0x81, 49_152],
    [fixtures.macrosiliconMs210x, 1, 0x83, 3072],
  ] as const)("finds the endpoint of $0.name", ({ configuration, speed }, alternate, endpoint, bytes) => {
    const parsed = parseConfigurationDescriptor(configuration);
    expect(chooseAlternate(parsed, negotiated(2000, {}, parsed), speed)).toMatchObject({ alternate, endpoint, bytes });
  });

  it("says that a camera streams over bulk, or has no endpoint", () => {
    const change = (type: number | undefined) => {
      const bytes = new ScriptedCamera().configurationDescriptor.slice();
      bytes.forEach((_, i) => {
        const isEndpoint = bytes[i] === 7 && bytes[i + 1] === 5 && bytes[i + 2] === 0x81;
        if (isEndpoint && type === undefined) bytes[i + 2] = 0x82;
        if (isEndpoint && type !== undefined) bytes[i + 3] = type;
      });
      return parseConfigurationDescriptor(bytes);
    };
    expect(thrown(() => chooseAlternate(change(2), negotiated(1), "full"))).toStrictEqual(
      failure("EndpointError", "not-isochronous", "bulk"),
    );
    expect(thrown(() => chooseAlternate(change(undefined), negotiated(1), "full"))).toStrictEqual(
      failure("EndpointError", "no-such-endpoint", "interface 1"),
    );
  });
});

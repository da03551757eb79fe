import { describe, expect, it } from "vitest";
import { choosePicture, chooseView, isCamera } from "../../../../src/cli/video/choose-picture.js";
import { parseConfigurationDescriptor } from "../../../../src/index.js";
import { cameraDevice, counterDevice, type CameraFormat } from "../../../../transports/virtual/index.js";

const camera = (formats?: readonly CameraFormat[]) =>
  parseConfigurationDescriptor(cameraDevice({ formats }).configurationDescriptor);

describe("isCamera", () => {
  it("tells a camera from other devices", () => {
    expect(isCamera(camera())).toBe(true);
    expect(isCamera(parseConfigurationDescriptor(counterDevice().configurationDescriptor))).toBe(false);
  });
});

describe("choosePicture", () => {
  it("takes the first format that the device has", () => {
    expect(choosePicture(camera(), ["mjpeg", "yuy2"], {}).format.encoding).toBe("mjpeg");
    expect(choosePicture(camera(["nv12"]), ["mjpeg", "yuy2", "nv12"], {}).format.encoding).toBe("nv12");
  });

  it("takes the size and the rate that are asked for", () => {
    const { size, interval } = choosePicture(camera(), ["yuy2"], { width: 320, height: 240, frameRate: 14 });
    expect([size.width, size.height, interval]).toStrictEqual([320, 240, 666_666]);
  });

  it("says what there is where nothing fits", () => {
    expect(() => choosePicture(camera(["yuy2"]), ["mjpeg"], {})).toThrow(/it has yuy2/);
    expect(() => choosePicture(camera(), ["yuy2"], { width: 1, height: 1 })).toThrow(/320 × 240/);
  });
});

describe("chooseView", () => {
  it("takes raw pixels of about the width of a terminal", () => {
    const { format, size } = chooseView(camera(["mjpeg", "nv12"]));
    expect([format.encoding, size.width]).toStrictEqual(["nv12", 320]);
  });

  it("takes what there is where no format is raw", () => {
    expect(chooseView(camera(["mjpeg"])).format.encoding).toBe("mjpeg");
  });
});

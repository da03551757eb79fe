import { describe, expect, it } from "vitest";
import type { IsochRequest } from "../../../src/index.js";
import { checkRequest } from "../../../src/request.js";
import { capabilitiesOn, type WindowsDriver } from "../../../transports/libusb/capabilities.js";
import { libusb } from "../../../transports/libusb/index.js";
import { pipeEndpoint } from "../../support/fake-endpoint.js";
import { failure, thrown } from "../../support/plain-error.js";

const sound: IsochRequest = { lengths: [44, 45, 44], buffer: new Uint8Array(133) };

describe("what libusb can do", () => {
  it.each<[NodeJS.Platform, WindowsDriver, lengthsPerFrame: boolean, dma: boolean]>([
    ["linux", "winusb", true, true],
    ["darwin", "winusb", true, false],
    ["win32", "winusb", false, false],
    ["win32", "libusbk", true, false],
  ])("on %s, with %s where there is a choice", (platform, driver, lengthsPerFrame, dma) => {
    expect(capabilitiesOn(platform, driver)).toStrictEqual({
      startFrame: false,
      frameNumber: false,
      lengthsPerFrame,
      cancel: "transfer",
      blocking: true,
      dma,
    });
  });

  it("WinUSB is asked for nothing that it does not take", () => {
    const check = (driver: WindowsDriver) => checkRequest(sound, pipeEndpoint("out"), capabilitiesOn("win32", driver));
    expect(thrown(() => check("winusb"))).toStrictEqual(
      failure("UnsupportedError", "unsupported", "give every frame the same length", "driver"),
    );
    expect([...check("libusbk").lengths]).toStrictEqual(sound.lengths);
  });

  it("is that of the system that it runs on", () => {
    for (const windowsDriver of ["winusb", "libusbk", undefined] as const) {
      expect(libusb({ windowsDriver }).capabilities).toStrictEqual(
        capabilitiesOn(process.platform, windowsDriver ?? "winusb"),
      );
    }
  });

  it("on Windows is that of the driver that is named", () => {
    const here = Object.getOwnPropertyDescriptor(process, "platform") ?? {};
    Object.defineProperty(process, "platform", { ...here, value: "win32" });
    try {
      const drivers = ["winusb", "libusbk", undefined] as const;
      expect(drivers.map((windowsDriver) => libusb({ windowsDriver }).capabilities.lengthsPerFrame)).toStrictEqual([
        false,
        true,
        false,
      ]);
    } finally {
      Object.defineProperty(process, "platform", here);
    }
  });

  it("refuses, at the call, a driver that it does not know", () => {
    expect(thrown(() => libusb({ windowsDriver: "usbaudio" as WindowsDriver }))).toStrictEqual(
      failure("InvalidRequestError", "invalid-option", "windowsDriver", "winusb, libusbk"),
    );
  });
});

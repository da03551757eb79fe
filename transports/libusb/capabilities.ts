import type { TransportCapabilities } from "../../src/index.js";

/** A driver by which Windows hands a device to programs. */
export type WindowsDriver = "winusb" | "libusbk";

export const windowsDrivers: readonly WindowsDriver[] = ["winusb", "libusbk"];

/** What libusb can do on a system. It does not tell which driver a device has there. */
export function capabilitiesOn(platform: NodeJS.Platform, windowsDriver: WindowsDriver): TransportCapabilities {
  return {
    startFrame: false,
    frameNumber: false,
    // WinUSB is given a buffer, and cuts it into packets of the largest size itself.
    lengthsPerFrame: platform !== "win32" || windowsDriver !== "winusb",
    cancel: "transfer",
    blocking: true,
    // libusb has it on Linux only.
    dma: platform === "linux",
  };
}

/** What to do about packets that libusb calls an invalid parameter; `undefined` where they are not why. */
export function packetRulesOn(platform: NodeJS.Platform): string | undefined {
  if (platform !== "win32") return undefined;
  return "WinUSB takes packets of the endpoint's largest size only, IN by the whole millisecond, OUT with a shorter one at the end: send and ask for such, or give the device the driver libusbK (Zadig does)";
}

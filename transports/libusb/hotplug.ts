import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { Observable } from "rxjs";
import { UnsupportedError } from "../../src/index.js";
import type { DeviceChange } from "./addon.js";

/** Who tells of devices that come and go. */
export type HotplugSource = "usb" | "addon";

/**
 * Devices that come and go, told by the package `usb` where it can be trusted to, else by the addon.
 *
 * `usb` hears of a device from udev, after its rules have given this program the rights to it; the
 * addon hears of it from the kernel, before. But where there is no libudev, `usb` does not load, and
 * where no udevd runs, as in most containers, it hears nothing. Whoever tells is listened to when
 * `subscribe` returns.
 *
 * @param fromAddon what the addon tells
 * @param source to have one of them and no other
 * @throws {@link UnsupportedError} `unsupported` if that is `usb`, which does not load
 */
export function deviceChanges(
  fromAddon: Observable<DeviceChange>,
  source: HotplugSource | undefined,
): Observable<DeviceChange> {
  return (source ?? (hasUdev() ? "usb" : "addon")) === "usb"
    ? (changesFromUsb(source === "usb") ?? fromAddon)
    : fromAddon;
}

function hasUdev(): boolean {
  return process.platform !== "linux" || existsSync("/run/udev/control");
}

/** What of the package `usb` is used here. */
interface UsbPackage {
  readonly usb: {
    on(event: "attach" | "detach", listener: (device: UsbPackageDevice) => void): void;
    off(event: "attach" | "detach", listener: (device: UsbPackageDevice) => void): void;
  };
}

interface UsbPackageDevice {
  readonly busNumber: number;
  readonly deviceAddress: number;
}

function changesFromUsb(isDemanded: boolean): Observable<DeviceChange> | undefined {
  const loaded = loadUsb(isDemanded);
  if (loaded === undefined) return undefined;
  const { usb } = loaded;
  return new Observable<DeviceChange>((subscriber) => {
    const listen = (arrived: boolean) => (device: UsbPackageDevice) => {
      subscriber.next({ arrived, bus: device.busNumber, address: device.deviceAddress });
    };
    const attached = listen(true);
    const detached = listen(false);
    usb.on("attach", attached);
    usb.on("detach", detached);
    return () => {
      usb.off("attach", attached);
      usb.off("detach", detached);
    };
  });
}

function loadUsb(isDemanded: boolean): UsbPackage | undefined {
  try {
    return createRequire(import.meta.url)("usb") as UsbPackage;
  } catch (cause) {
    if (!isDemanded) return undefined;
    throw new UnsupportedError(
      "unsupported",
      'the package usb does not load: run npm install usb, and on Linux install libudev.so.1 (Debian: libudev1); or leave the option hotplug out, or set it to "addon"',
      { cause },
    );
  }
}

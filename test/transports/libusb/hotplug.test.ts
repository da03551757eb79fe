import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { NEVER } from "rxjs";
import { describe, expect, it } from "vitest";
import { libusbCounters } from "../../../transports/libusb/index.js";
import { deviceChanges } from "../../../transports/libusb/hotplug.js";
import { SharedContext } from "../../../transports/libusb/shared-context.js";
import { failure, thrown } from "../../support/plain-error.js";

/** It does where there is a libudev. */
function usbLoads(): boolean {
  try {
    createRequire(import.meta.url)("usb");
    return true;
  } catch {
    return false;
  }
}

const fromAddon = NEVER;
const isTold = process.platform !== "linux" || existsSync("/run/udev/control");

describe("who tells of devices that come and go", () => {
  it("is the addon, if asked for", () => {
    expect(deviceChanges(fromAddon, "addon")).toBe(fromAddon);
  });

  it.skipIf(isTold)("is the addon where no udevd runs", () => {
    expect(deviceChanges(fromAddon, undefined)).toBe(fromAddon);
  });

  it.runIf(isTold)("is the package usb where udevd runs", () => {
    expect(deviceChanges(fromAddon, undefined)).not.toBe(fromAddon);
  });

  it("is the package usb if asked for, or an error that says what to do", () => {
    if (usbLoads()) {
      const changes = deviceChanges(fromAddon, "usb");
      expect(changes).not.toBe(fromAddon);
      changes.subscribe().unsubscribe();
    } else {
      expect(thrown(() => deviceChanges(fromAddon, "usb"))).toEqual(
        failure("UnsupportedError", "unsupported", "libudev1", '"addon"'),
      );
    }
  });

  it("has a context only while it is listened to", async () => {
    const changes = new SharedContext().use((context) => deviceChanges(context.changes, "addon"));
    expect(libusbCounters().contexts).toBe(0);
    const subscriptions = [changes.subscribe(), changes.subscribe()];
    await expect.poll(() => libusbCounters().contexts).toBe(1);
    for (const subscription of subscriptions) subscription.unsubscribe();
    await expect.poll(() => libusbCounters()).toMatchObject({ contexts: 0, threads: 0 });
  });
});

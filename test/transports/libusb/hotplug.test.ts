import { existsSync } from "node:fs";
import { createRequire } from "node:module";
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

const isTold = process.platform !== "linux" || existsSync("/run/udev/control");

describe("who tells of devices that come and go", () => {
  it("is the addon, if asked for", () => {
    const context = new SharedContext();
    expect(deviceChanges(context, "addon")).toBe(context.changes);
  });

  it.skipIf(isTold)("is the addon where no udevd runs", () => {
    const context = new SharedContext();
    expect(deviceChanges(context, undefined)).toBe(context.changes);
  });

  it.runIf(isTold)("is the package usb where udevd runs", () => {
    const context = new SharedContext();
    expect(deviceChanges(context, undefined)).not.toBe(context.changes);
  });

  it("is the package usb if asked for, or an error that says what to do", () => {
    const context = new SharedContext();
    if (usbLoads()) {
      const changes = deviceChanges(context, "usb");
      expect(changes).not.toBe(context.changes);
      changes.subscribe().unsubscribe();
    } else {
      expect(thrown(() => deviceChanges(context, "usb"))).toEqual(
        failure("UnsupportedError", "unsupported", "libudev1", '"addon"'),
      );
    }
  });

  it("has a context only while it is listened to", async () => {
    const changes = deviceChanges(new SharedContext(), "addon");
    expect(libusbCounters().contexts).toBe(0);
    const subscriptions = [changes.subscribe(), changes.subscribe()];
    await expect.poll(() => libusbCounters().contexts).toBe(1);
    for (const subscription of subscriptions) subscription.unsubscribe();
    await expect.poll(() => libusbCounters()).toMatchObject({ contexts: 0, threads: 0 });
  });
});

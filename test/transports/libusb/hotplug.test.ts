import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { libusbCounters } from "../../../transports/libusb/index.js";
import { deviceChanges } from "../../../transports/libusb/hotplug.js";
import { SharedContext } from "../../../transports/libusb/shared-context.js";

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

  it("has a context only while it is listened to", async () => {
    const changes = deviceChanges(new SharedContext(), "addon");
    expect(libusbCounters().contexts).toBe(0);
    const subscriptions = [changes.subscribe(), changes.subscribe()];
    await expect.poll(() => libusbCounters().contexts).toBe(1);
    for (const subscription of subscriptions) subscription.unsubscribe();
    await expect.poll(() => libusbCounters()).toMatchObject({ contexts: 0, threads: 0 });
  });
});

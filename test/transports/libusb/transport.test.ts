import { Worker } from "node:worker_threads";
import { lastValueFrom, takeUntil, timer, toArray } from "rxjs";
import { describe, expect, it } from "vitest";
import type { DeviceEvent } from "../../../src/index.js";
import { loadAddon } from "../../../transports/libusb/addon.js";
import { libusb, libusbCounters } from "../../../transports/libusb/index.js";
import { failure, plain } from "../../support/plain-error.js";

const none = { contexts: 0, threads: 0, handles: 0, transfers: 0, inFlight: 0, buffers: 0, dmaBuffers: 0 };
// USB-IF has given this vendor to nobody.
const nobodys = { vendorId: 0xf055, productId: 0xdead, serialNumber: "not there" };

async function returnsToNone(): Promise<void> {
  await expect.poll(() => libusbCounters(), { timeout: 10_000 }).toStrictEqual(none);
}

/** What this machine has, which may well be nothing. */
function listed(hotplug: "addon" | undefined): Promise<DeviceEvent[]> {
  return lastValueFrom(
    libusb({ hotplug })
      .devices()
      .pipe(takeUntil(timer(500)), toArray()),
  );
}

// In CI too: where the addon was not built, the libusb transport was not tested.
describe("the addon", () => {
  it("was built on this machine", () => {
    expect(Object.keys(loadAddon())).toEqual(expect.arrayContaining(["createContext", "counters", "now"]));
  });

  it("has nothing in use before it is used", () => {
    expect(libusbCounters()).toStrictEqual(none);
  });

  it("has a clock of microseconds that does not go back", async () => {
    const before = loadAddon().now();
    await new Promise((resolve) => setTimeout(resolve, 20));
    const passed = loadAddon().now() - before;
    expect(passed).toBeGreaterThan(19_000);
    expect(passed).toBeLessThan(10_000_000);
  });

  it("is loaded by several threads", async () => {
    const path = JSON.stringify(new URL("../../../transports/libusb/native", import.meta.url).pathname);
    const code = `
      const addon = require("node-gyp-build")(${path});
      addon.createContext().then(async (context) => {
        await context.devices();
        await context.close();
        require("node:worker_threads").parentPort.postMessage(addon.counters());
      });`;
    const worker = new Worker(code, { eval: true });
    try {
      const counters = await new Promise((resolve, reject) => {
        worker.once("message", resolve);
        worker.once("error", reject);
      });
      expect(counters).toStrictEqual(none);
    } finally {
      await worker.terminate();
    }
    await returnsToNone();
  });
});

describe("libusb on this machine", () => {
  it("says what it can do", () => {
    expect(libusb()).toMatchObject({ name: "libusb", capabilities: { startFrame: false, cancel: "transfer" } });
  });

  it.each(["addon", undefined] as const)("lists what there is, each device once (hotplug: %s)", async (hotplug) => {
    const events = await listed(hotplug);
    const ids = events.map(({ device }) => device.id);
    expect(events.map(({ type }) => type)).toStrictEqual(ids.map(() => "attach"));
    expect(new Set(ids).size).toBe(ids.length);
    await returnsToNone();
  });

  it("is subscribed to more than once at a time, and unsubscribed from at once", async () => {
    const transport = libusb({ hotplug: "addon" });
    for (let round = 0; round < 20; round++) {
      const subscriptions = [transport.devices().subscribe(), transport.devices().subscribe()];
      if (round % 2 === 1) await new Promise((resolve) => setTimeout(resolve, round));
      for (const subscription of subscriptions) subscription.unsubscribe();
    }
    await returnsToNone();
  });

  it("does not open what is not there, and says where to look", async () => {
    await expect(lastValueFrom(libusb().open(nobodys)).catch(plain)).resolves.toEqual(
      failure("DeviceError", "no-such-device", "plug it in, or look at what devices() lists"),
    );
    await returnsToNone();
  });

  it("has nothing left of an open that nobody waits for", async () => {
    for (let round = 0; round < 10; round++) libusb().open(nobodys).subscribe().unsubscribe();
    await returnsToNone();
  });
});

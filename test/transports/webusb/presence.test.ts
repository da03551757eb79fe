import { describe, expect, it } from "vitest";
import type { WebUsbDevice } from "../../../transports/webusb/index.js";
import { Presence } from "../../../transports/webusb/presence.js";
import { codeOf, lab, never, rejecting } from "./lab.js";

async function present(changes: Partial<WebUsbDevice> = {}) {
  const { inner, device } = await lab(() => changes);
  const told: string[] = [];
  const presence = new Presence(device, "webusb-1", () => {
    told.push("left");
  });
  presence.gone.subscribe({ next: ({ code }) => told.push(code), complete: () => told.push("complete") });
  return { inner, presence, told };
}

describe("Presence", () => {
  it("tells once that the device has left, to its owner first", async () => {
    const { presence, told } = await present();
    presence.check();
    presence.leave();
    presence.leave();
    expect(told).toStrictEqual(["left", "device-gone", "complete"]);
    expect(() => {
      presence.check();
    }).toThrow(expect.objectContaining({ code: "device-gone" }));
  });

  it("a device that answers is there, one that is closed or not found has left", async () => {
    const { inner, presence, told } = await present();
    await inner.open();
    expect(await presence.ask()).toBe(true);
    expect(told).toStrictEqual([]);
    await inner.close();
    expect(await presence.ask()).toBe(false);
    const lost = await present({ controlTransferIn: rejecting("NotFoundError") });
    await lost.inner.open();
    expect([await lost.presence.ask(), lost.presence.isGone]).toStrictEqual([false, true]);
  });

  it("one that fails otherwise may be there", async () => {
    const { inner, presence } = await present({ controlTransferIn: rejecting("NetworkError") });
    await inner.open();
    expect(await presence.ask()).toBe(true);
  });

  it("what is asked of a device ends when it leaves", async () => {
    const { presence } = await present();
    const work = codeOf(presence.unlessGone(never()));
    presence.leave();
    expect(await work).toBe("device-gone");
    expect(await presence.unlessGone(Promise.resolve(3)).catch(() => "gone")).toBe("gone");
  });
});

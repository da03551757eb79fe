import { describe, expect, it } from "vitest";
import { counterDevice, VirtualBus } from "../../../../transports/virtual/index.js";
import { toWebUsb, type WebUsbDevice } from "../../../../transports/webusb/index.js";
import { rejection } from "./rejection.js";

describe("USB", () => {
  it("requestDevice: the first that a filter means, and no exclusion; else NotFoundError", async () => {
    const bus = new VirtualBus({ devices: [counterDevice(), counterDevice({ serialNumber: "0002" })] });
    const usb = toWebUsb(bus);
    const serialNumbers = async (...filters: Parameters<typeof usb.requestDevice>) =>
      usb.requestDevice(...filters).then(
        (device) => device.serialNumber,
        (error: unknown) => (error as Error).name,
      );
    expect(await serialNumbers({ filters: [] })).toBe("0001");
    expect(await serialNumbers({ filters: [{ vendorId: 1 }, { serialNumber: "0002" }] })).toBe("0002");
    expect(await serialNumbers({ filters: [], exclusionFilters: [{ serialNumber: "0001" }] })).toBe("0002");
    expect(await serialNumbers({ filters: [{ classCode: 0xff, subclassCode: 0 }] })).toBe("0001");
    expect(await serialNumbers({ filters: [{ classCode: 0xff, subclassCode: 1 }] })).toBe("NotFoundError");
    expect(await serialNumbers({ filters: [{ classCode: 0x0e }] })).toBe("NotFoundError");
  });

  it("getDevices: the same objects for as long as the devices are there", async () => {
    const bus = new VirtualBus();
    const attachment = bus.attach(counterDevice());
    const usb = toWebUsb(bus);
    const [first] = await usb.getDevices();
    expect((await usb.getDevices())[0]).toBe(first);
    attachment.detach();
    bus.attach(counterDevice({ serialNumber: "0002" }));
    const now = await usb.getDevices();
    expect(now.map(({ serialNumber }) => serialNumber)).toStrictEqual(["0002"]);
    expect(await rejection(first?.open() ?? Promise.resolve())).toBe("NotFoundError");
  });

  it("tells who listens of what comes and goes, and of nothing that was there before", async () => {
    const bus = new VirtualBus({ devices: [counterDevice()] });
    const usb = toWebUsb(bus);
    const told: string[] = [];
    const listeners = (["connect", "disconnect"] as const).map((type) => {
      const listener = ({ device }: { readonly device: WebUsbDevice }) =>
        told.push(`${type} ${String(device.serialNumber)}`);
      usb.addEventListener(type, listener);
      return { type, listener };
    });
    await usb.getDevices();
    const attachment = bus.attach(counterDevice({ serialNumber: "0002" }));
    attachment.detach();
    for (const { type, listener } of listeners) usb.removeEventListener(type, listener);
    bus.attach(counterDevice({ serialNumber: "0003" }));
    expect(told).toStrictEqual(["connect 0002", "disconnect 0002"]);
  });
});

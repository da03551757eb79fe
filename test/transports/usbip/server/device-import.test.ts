import { firstValueFrom, Subject } from "rxjs";
import { describe, expect, it } from "vitest";
import { counterDevice, VirtualBus } from "../../../../transports/virtual/index.js";
import { DeviceImport } from "../../../../transports/usbip/server/device-import.js";
import { ExportedDevices } from "../../../../transports/usbip/server/exported-devices.js";
import { plain } from "../../../support/plain-error.js";
import { done } from "../../../support/raw-port.js";

const nothing = { openDevices: 0, claimedInterfaces: 0 };

function lab() {
  const bus = new VirtualBus();
  const attachment = bus.attach(counterDevice());
  const devices = new ExportedDevices(
    [bus],
    () => true,
    () => undefined,
  );
  const exported = devices.find("1-1");
  if (exported === undefined) throw new Error("the device is exported");
  const log: string[] = [];
  const client = (name: string) => new DeviceImport(devices, () => log.push(`${name}: unplugged`));
  const begin = (name: string) => {
    const each = client(name);
    const subscription = each.begin(exported).subscribe({
      next: ({ exported: { busId } }) => log.push(`${name}: ${busId}`),
      error: (error: unknown) => log.push(`${name}: ${plain(error).code}`),
    });
    return { each, subscription };
  };
  /** Somebody who has the device, and leaves it when told to. */
  const leaving = () => {
    const left = new Subject<never>();
    exported.owner = { isLeaving: true, left, unplugged: () => undefined };
    return () => {
      exported.owner = undefined;
      left.complete();
    };
  };
  return { bus, attachment, exported, client, begin, leaving, log };
}

describe("DeviceImport", () => {
  it("has the device, with its interfaces, until it is given back", async () => {
    const { bus, exported, client } = lab();
    const one = client("one");
    const { device } = await firstValueFrom(one.begin(exported));
    expect(device.configuration.value).toBe(1);
    expect(exported.owner).toBe(one);
    expect(bus.audit()).toMatchObject({ openDevices: 1, claimedInterfaces: 1 });
    await done(one.giveBack());
    await done(one.left);
    expect(exported.owner).toBeUndefined();
    expect(bus.audit()).toMatchObject(nothing);
  });

  it("refuses the device to another, and hears that it was unplugged", () => {
    const { attachment, begin, log } = lab();
    begin("one");
    begin("other");
    attachment.detach();
    expect(log).toStrictEqual(["one: 1-1", "other: interface-busy", "one: unplugged"]);
  });

  it("waits for who is leaving it; one of those who wait has it next", () => {
    const { begin, leaving, log } = lab();
    const leave = leaving();
    begin("one");
    begin("other");
    expect(log).toStrictEqual([]);
    leave();
    expect(log).toStrictEqual(["one: 1-1", "other: interface-busy"]);
  });

  it("waits for no device that is unplugged meanwhile", () => {
    const { attachment, exported, begin, leaving, log } = lab();
    const leave = leaving();
    begin("one");
    attachment.detach();
    leave();
    expect([log, exported.owner]).toStrictEqual([["one: no-such-device"], undefined]);
  });

  it("who gave up waiting takes nothing", async () => {
    const { bus, exported, begin, leaving, log } = lab();
    const leave = leaving();
    const { each, subscription } = begin("one");
    subscription.unsubscribe();
    await done(each.giveBack());
    leave();
    expect([log, exported.owner]).toStrictEqual([[], undefined]);
    expect(bus.audit()).toMatchObject(nothing);
  });
});

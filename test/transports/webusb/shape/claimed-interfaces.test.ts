import { firstValueFrom } from "rxjs";
import { describe, expect, it } from "vitest";
import { counterDevice, VirtualBus } from "../../../../transports/virtual/index.js";
import { ClaimedInterfaces } from "../../../../transports/webusb/shape/claimed-interfaces.js";
import { exception } from "../../../../transports/webusb/shape/exceptions.js";

async function claimed() {
  const bus = new VirtualBus({ devices: [counterDevice()] });
  const interfaces = new ClaimedInterfaces(await firstValueFrom(bus.open({})));
  const descriptor = interfaces.descriptor(0);
  await interfaces.claim(descriptor);
  const select = async (setting: number) => {
    const alternate = descriptor.alternates.find(({ alternateSetting }) => alternateSetting === setting);
    if (alternate !== undefined) await interfaces.select(alternate);
  };
  return { bus, interfaces, select };
}

describe("ClaimedInterfaces", () => {
  it("has the endpoints of what is selected, by number and by address", async () => {
    const { interfaces, select } = await claimed();
    expect(() => interfaces.endpoint("in", 1)).toThrow(expect.objectContaining({ name: "NotFoundError" }));
    await select(1);
    expect(interfaces.endpoint("in", 1)).toBe(interfaces.endpointAt(0x81));
    expect(() => interfaces.endpoint("in", 0x81)).toThrow(expect.objectContaining({ name: "NotFoundError" }));
    expect(() => interfaces.endpoint("out", 1)).toThrow(expect.objectContaining({ name: "NotFoundError" }));
  });

  it("releases an interface in alternate setting 0, with nothing in flight", async () => {
    const { bus, interfaces, select } = await claimed();
    await select(3);
    const running = interfaces.calls("in", 1).receive(Uint32Array.of(64));
    const failing = expect(running).rejects.toMatchObject({ name: "AbortError" });
    await interfaces.release(0);
    await failing;
    expect(interfaces.alternateSetting(0)).toBeUndefined();
    expect(bus.audit()).toMatchObject({ claimedInterfaces: 0, inFlight: 0 });
  });

  it("after a reset they are claimed still, in alternate setting 0, and can be selected anew", async () => {
    const { bus, interfaces, select } = await claimed();
    await select(3);
    await interfaces.abort(exception("AbortError", "as the test says"));
    await interfaces.reset();
    expect([interfaces.has(0), interfaces.alternateSetting(0)]).toStrictEqual([true, 0]);
    await select(3);
    expect(interfaces.alternateSetting(0)).toBe(3);
    await interfaces.releaseAll();
    expect(bus.audit()).toMatchObject({ claimedInterfaces: 0, inFlight: 0 });
  });
});

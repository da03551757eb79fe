import { firstValueFrom, throwError } from "rxjs";
import { describe, expect, it } from "vitest";
import { inspected } from "../../../src/cli/inspected.js";
import { BusyError, type DeviceInfo, type IsochTransport } from "../../../src/index.js";
import { counterDevice, VirtualBus } from "../../../transports/virtual/index.js";

const bus = new VirtualBus();
const { info } = bus.attach(counterDevice());
/** As USB/IP tells of it: neither names nor configurations. */
const bare: DeviceInfo = { id: info.id, speed: info.speed, descriptor: info.descriptor, configurations: [] };

describe("inspected", () => {
  it("opens what does not tell of its configurations, and closes it again", async () => {
    const [found] = await firstValueFrom(inspected(bus, [bare]));
    expect(found?.configurations).toHaveLength(1);
    expect(found?.product).toBe("counter");
    expect(bus.audit()).toMatchObject({ openDevices: 0 });
  });

  it("opens nothing else", async () => {
    const open = () => throwError(() => new Error("nobody opens it"));
    const transport: IsochTransport = {
      name: "closed",
      capabilities: bus.capabilities,
      devices: () => bus.devices(),
      open,
    };
    expect(await firstValueFrom(inspected(transport, [info]))).toStrictEqual([info]);
  });

  it("leaves what somebody else has as it was, and hides no bug", async () => {
    const failing = (error: Error): IsochTransport => ({
      name: "busy",
      capabilities: bus.capabilities,
      devices: () => bus.devices(),
      open: () => throwError(() => error),
    });
    const busy = new BusyError("interface-busy", "somebody has it");
    expect(await firstValueFrom(inspected(failing(busy), [bare]))).toStrictEqual([bare]);
    await expect(firstValueFrom(inspected(failing(new TypeError("a bug")), [bare]))).rejects.toThrow("a bug");
  });
});

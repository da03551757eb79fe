import { NEVER, throwError } from "rxjs";
import { describe, expect, it } from "vitest";
import { list } from "../../../../src/cli/list/list.js";
import type { DeviceListing } from "../../../../src/cli/list/listing.js";
import { UnsupportedError } from "../../../../src/index.js";
import { counterDevice, VirtualBus } from "../../../../transports/virtual/index.js";
import { capturePrinted } from "../printed.js";

const patience = { first: 1 };
const printed = capturePrinted();

describe("list", () => {
  it("prints the devices of a transport", async () => {
    const bus = new VirtualBus({ devices: [counterDevice()] });
    expect(await list(bus, { json: false, patience })).toBe(0);
    expect(printed.stdout).toContain("IN  0x81");
    expect(bus.audit().openDevices).toBe(0);
  });

  it("prints them as JSON", async () => {
    const bus = new VirtualBus({ devices: [counterDevice({ speed: "full" })] });
    expect(await list(bus, { json: true, patience })).toBe(0);
    const [device] = JSON.parse(printed.stdout) as DeviceListing[];
    expect(device).toMatchObject({ id: "virtual-1", vendorId: 0x1209, productId: 1, speed: "full" });
    expect(device?.endpoints).toHaveLength(4);
    expect(device?.endpoints[0]).toMatchObject({ frameLength: 1023, frameDuration: 1000, bytesPerSecond: 1_023_000 });
  });

  it("prints that there are none, and that as JSON", async () => {
    expect(await list(new VirtualBus(), { json: false, patience })).toBe(0);
    expect(await list(new VirtualBus(), { json: true, patience })).toBe(0);
    expect(printed.stdout).toMatch(/^There are no USB devices.*\n\[\]$/);
  });

  it("ends at a Ctrl-C while it looks, with nothing open and nothing printed", async () => {
    const bus = new VirtualBus();
    const { name, capabilities } = bus;
    const running = list({ name, capabilities, devices: () => NEVER, open: () => NEVER }, { json: true });
    process.emit("SIGINT");
    expect(await running).toBe(130);
    expect(printed.stdout).toBe("");
  });

  it("says what went wrong", async () => {
    const devices = () => throwError(() => new UnsupportedError("no-addon", "the addon is not there"));
    const { capabilities } = new VirtualBus();
    const transport = { name: "broken", capabilities, devices, open: () => NEVER };
    expect(await list(transport, { json: false, patience })).toBe(1);
    expect(printed.stderr).toBe("rx-isoch: no-addon: the addon is not there");
    expect(printed.stdout).toBe("");
  });
});

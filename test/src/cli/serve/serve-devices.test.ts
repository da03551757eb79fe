import { firstValueFrom } from "rxjs";
import { describe, expect, it, vi } from "vitest";
import { deviceTarget } from "../../../../src/cli/device-target.js";
import { UsageError } from "../../../../src/cli/outcome.js";
import { run } from "../../../../src/cli/watch/run.js";
import { serveDevices, type ServeDevicesOptions } from "../../../../src/cli/serve/serve-devices.js";
import { usbip } from "../../../../transports/usbip/index.js";
import { connectTcp } from "../../../../transports/usbip/tcp.js";
import { counterDevice, VirtualBus } from "../../../../transports/virtual/index.js";
import { plainDevice } from "../device-infos.js";
import { capturePrinted, interrupt } from "../printed.js";

const printed = capturePrinted();
const places = { tcp: { port: 0 }, webSocket: false, json: true, patience: { first: 1 } } as const;

/** Serves until `use` is done with it. */
async function whileServing(names: readonly string[], use: (port: number, bus: VirtualBus) => Promise<void>) {
  const bus = new VirtualBus({ devices: [plainDevice(), counterDevice()] });
  const serving = serveDevices(bus, names, places);
  const port = await vi.waitFor(() => {
    const [first = ""] = printed.stdout.split("\n");
    return (JSON.parse(first) as { readonly address: { readonly port: number } }).address.port;
  }, 5000);
  await use(port, bus);
  interrupt();
  return { status: await serving, bus };
}

const events = () => printed.stdout.split("\n").map((line) => JSON.parse(line) as { readonly type: string });

describe("serveDevices", () => {
  it("serves until Ctrl-C, an event a line, and gives everything back", async () => {
    const { status, bus } = await whileServing(["counter"], async (port) => {
      const remote = usbip({ connect: connectTcp({ host: "127.0.0.1", port }) });
      const target = await firstValueFrom(deviceTarget(remote, { device: "count" }));
      expect(target).toMatchObject({ endpoint: { endpoint: 0x81 }, label: "counter 1209:0001 at 1-1 by usbip" });
    });
    expect(status).toBe(130);
    expect(events()[0]).toMatchObject({ type: "listening", carrier: "tcp" });
    expect(events().map(({ type }) => type)).toEqual(expect.arrayContaining(["connected", "disconnected"]));
    expect(bus.audit()).toMatchObject({ openDevices: 0, inFlight: 0 });
  });

  it("serves by numbers what may come later, and nothing else", async () => {
    await whileServing(["1209:0001"], async (port) => {
      const remote = usbip({ connect: connectTcp({ host: "127.0.0.1", port }) });
      const find = deviceTarget(remote, { device: "1d6b:0002", patience: { first: 1 } });
      await expect(firstValueFrom(find)).rejects.toMatchObject({ code: "no-such-device" });
    });
  });

  it("streams to a watch of another program", async () => {
    await whileServing([], async (port) => {
      const remote = usbip({ connect: connectTcp({ host: "127.0.0.1", port }) });
      const target = deviceTarget(remote, { device: "1209:0001", alternate: 3 });
      expect(await run(target, { duration: 300, queue: 8, json: true })).toBe(0);
    });
    expect(printed.stdout).toContain('"checks":{"conserved":true,"counters":true}');
    // Which device it is, and not each byte of its descriptors.
    const device = { id: "virtual-2", vendorId: 0x1209, productId: 1, product: "counter", speed: "high" };
    const imported = events().find(({ type }) => type === "imported") as { readonly device?: object } | undefined;
    expect(imported?.device).toStrictEqual({ ...device, manufacturer: "rx-isoch", serialNumber: "0001" });
  });

  const refused = async (options: Partial<ServeDevicesOptions>, names = ["1209:0001"]) =>
    serveDevices(new VirtualBus(), names, { ...places, ...options });

  it("takes options that would let in everybody for a mistake in the command line", async () => {
    await expect(refused({ tcp: { host: "0.0.0.0", port: 0 } })).rejects.toBeInstanceOf(UsageError);
    await expect(refused({ tcp: false, webSocket: { port: 0, token: "short" } })).rejects.toBeInstanceOf(UsageError);
    await expect(refused({ tcp: false, webSocket: false })).rejects.toBeInstanceOf(UsageError);
  });

  it("says that a device that is named is not there", async () => {
    expect(await refused({}, ["camera"])).toBe(1);
    expect(printed.stderr).toContain("no-such-device");
  });
});

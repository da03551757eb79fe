import { firstValueFrom } from "rxjs";
import { describe, expect, it } from "vitest";
import {
  DeviceError,
  parseConfigurationDescriptor,
  parseDeviceDescriptor,
  type ControlSetup,
  type TransportDevice,
} from "../../../src/index.js";
import { counterDevice, unpacedClock, VirtualBus, type VirtualDevice } from "../../../transports/virtual/index.js";
import { done, RawPort } from "../../support/raw-port.js";
import { scriptedDevice } from "../../support/scripted-device.js";

const nothing = new Uint8Array(0);

function setup(
  direction: "in" | "out",
  recipient: ControlSetup["recipient"],
  request: number,
  value = 0,
  index = 0,
): ControlSetup {
  return { direction, type: "standard", recipient, request, value, index };
}

async function open(model: VirtualDevice = counterDevice()): Promise<TransportDevice> {
  return firstValueFrom(new VirtualBus({ clock: unpacedClock(), devices: [model] }).open({}));
}

async function read(device: TransportDevice, request: ControlSetup, length = 255): Promise<number[]> {
  return [...(await firstValueFrom(device.controlTransfer(request, length)))];
}

/** Whether a request is refused as a device refuses one. */
async function stalls(device: TransportDevice, request: ControlSetup): Promise<boolean> {
  const data = request.direction === "in" ? 64 : nothing;
  try {
    await firstValueFrom(device.controlTransfer(request, data));
    return false;
  } catch (error) {
    if (DeviceError.is(error) && error.code === "control-stalled") return true;
    throw error;
  }
}

describe("GET_DESCRIPTOR", () => {
  it("device, configuration", async () => {
    const model = counterDevice();
    const device = await open(model);
    expect(await read(device, setup("in", "device", 6, 0x0100))).toStrictEqual([...model.deviceDescriptor]);
    const configuration = await read(device, setup("in", "device", 6, 0x0200), 1000);
    expect(configuration).toStrictEqual([...model.configurationDescriptor]);
    expect(parseConfigurationDescriptor(Uint8Array.from(configuration))).toStrictEqual(device.configuration);
    expect(parseDeviceDescriptor(model.deviceDescriptor)).toStrictEqual(device.info.descriptor);
  });

  it("no more than was asked", async () => {
    const device = await open();
    expect(await read(device, setup("in", "device", 6, 0x0200), 9)).toHaveLength(9);
    expect(await read(device, setup("in", "device", 6, 0x0200), 0)).toStrictEqual([]);
  });

  it("strings in UTF-16, and their languages at index 0", async () => {
    const device = await open(scriptedDevice({ interfaces: [], strings: ["aé€", "\u{1f3a5}"] }));
    expect(await read(device, setup("in", "device", 6, 0x0300))).toStrictEqual([4, 3, 0x09, 0x04]);
    expect(await read(device, setup("in", "device", 6, 0x0301, 0x0409))).toStrictEqual([
      8, 3, 0x61, 0, 0xe9, 0, 0xac, 0x20,
    ]);
    expect(await read(device, setup("in", "device", 6, 0x0302, 0x0409))).toStrictEqual([6, 3, 0x3c, 0xd8, 0xa5, 0xdf]);
  });

  it("a string as long as its length byte can say", async () => {
    const device = await open(scriptedDevice({ interfaces: [], strings: ["x".repeat(500)] }));
    const bytes = await read(device, setup("in", "device", 6, 0x0301));
    expect(bytes).toHaveLength(254);
    expect(bytes[0]).toBe(254);
  });

  it.each([
    ["a string that is not there", 0x0309],
    ["a second configuration", 0x0201],
    ["a second device", 0x0101],
    ["a second device qualifier", 0x0601],
    ["a type that is none", 0xff00],
  ])("%s: refused", async (_name, value) => {
    expect(await stalls(await open(), setup("in", "device", 6, value))).toBe(true);
  });

  it("the qualifier of a high-speed device, as it stands in USB 2.0, 9.6.2; others have none", async () => {
    const request = setup("in", "device", 6, 0x0600);
    expect(await read(await open(), request)).toStrictEqual([10, 6, 0, 2, 0, 0, 0, 64, 1, 0]);
    for (const speed of ["full", "super"] as const) {
      expect(await stalls(await open(counterDevice({ speed })), request)).toBe(true);
    }
  });

  it("the binary device object store of a SuperSpeed device, as it stands in USB 3.2, 9.6.2", async () => {
    const device = await open(counterDevice({ speed: "super" }));
    const header = [5, 0x0f, 22, 0, 2];
    expect(await read(device, setup("in", "device", 6, 0x0f00), 5)).toStrictEqual(header);
    expect(await read(device, setup("in", "device", 6, 0x0f00), 22)).toStrictEqual([
      ...header,
      // USB 2.0 extension: link power management.
      ...[7, 0x10, 2, 2, 0, 0, 0],
      // SuperSpeed: 5 Gb/s and nothing below, no exit latencies.
      ...[10, 0x10, 3, 0, 8, 0, 3, 0, 0, 0],
    ]);
    expect(await stalls(device, setup("in", "device", 6, 0x0f01))).toBe(true);
  });

  it.each(["full", "high"] as const)("a binary device object store at %s speed: refused", async (speed) => {
    expect(await stalls(await open(counterDevice({ speed })), setup("in", "device", 6, 0x0f00))).toBe(true);
  });

  it("strings, of a device without any: refused, but for the languages", async () => {
    const { strings, ...without } = scriptedDevice({ interfaces: [] });
    expect(strings).toBeDefined();
    const device = await open(without);
    expect(await stalls(device, setup("in", "device", 6, 0x0301))).toBe(true);
    expect(device.info.manufacturer).toBeUndefined();
  });
});

describe("GET_STATUS, SET_FEATURE, CLEAR_FEATURE", () => {
  const halted = setup("in", "endpoint", 0, 0, 0x81);
  const setHalt = setup("out", "endpoint", 3, 0, 0x81);
  const clearHalt = setup("out", "endpoint", 1, 0, 0x81);

  it("set, tell and clear the halt of an endpoint", async () => {
    const { device } = await RawPort.open(
      new VirtualBus({ clock: unpacedClock(), devices: [counterDevice()] }),
      {},
      0x81,
      3,
    );
    expect(await read(device, halted)).toStrictEqual([0, 0]);
    await done(device.controlTransfer(setHalt, nothing));
    expect(await read(device, halted)).toStrictEqual([1, 0]);
    expect(await read(device, setup("in", "endpoint", 0, 0, 0x01))).toStrictEqual([0, 0]);
    await done(device.controlTransfer(clearHalt, nothing));
    expect(await read(device, halted)).toStrictEqual([0, 0]);
  });

  it("an endpoint that the selected alternate setting has not: refused", async () => {
    const device = await open();
    expect(await stalls(device, halted)).toBe(true);
    expect(await stalls(device, setHalt)).toBe(true);
    expect(await stalls(device, clearHalt)).toBe(true);
    await expect(done(device.clearHalt(0x81))).rejects.toMatchObject({ code: "not-in-alternate" });
    expect(await read(device, setup("in", "endpoint", 0, 0, 0))).toStrictEqual([0, 0]);
  });

  it("other features, and features of other recipients: refused", async () => {
    const device = await open();
    expect(await stalls(device, setup("out", "endpoint", 3, 1, 0))).toBe(true);
    expect(await stalls(device, setup("out", "endpoint", 1, 1, 0))).toBe(true);
    expect(await stalls(device, setup("out", "device", 3, 1))).toBe(true);
    expect(await stalls(device, setup("out", "device", 1, 1))).toBe(true);
  });

  it("of the device: powered by the bus; of an interface: nothing", async () => {
    const device = await open();
    expect(await read(device, setup("in", "device", 0))).toStrictEqual([0, 0]);
    expect(await read(device, setup("in", "interface", 0))).toStrictEqual([0, 0]);
    expect(await stalls(device, setup("in", "interface", 0, 0, 5))).toBe(true);
    expect(await stalls(device, setup("in", "other", 0))).toBe(true);
  });
});

describe("GET_INTERFACE, SET_INTERFACE", () => {
  const getInterface = setup("in", "interface", 10);

  it("tell and select the alternate setting, as selectAlternate does", async () => {
    const device = await open();
    expect(await read(device, getInterface)).toStrictEqual([0]);
    await done(device.controlTransfer(setup("out", "interface", 11, 3), nothing));
    expect(await read(device, getInterface)).toStrictEqual([3]);
    device.openEndpoint(0x81);
    await done(device.selectAlternate(0, 1));
    expect(await read(device, getInterface)).toStrictEqual([1]);
  });

  it.each([
    ["GET of an interface that is not there", setup("in", "interface", 10, 0, 4)],
    ["SET of an interface that is not there", setup("out", "interface", 11, 0, 4)],
    ["SET of a setting that is not there", setup("out", "interface", 11, 4)],
    ["GET of a device", setup("in", "device", 10)],
    ["SET of a device", setup("out", "device", 11)],
  ])("%s: refused", async (_name, request) => {
    expect(await stalls(await open(), request)).toBe(true);
  });

  it("SET needs bandwidth like any selection", async () => {
    const bus = new VirtualBus({
      devices: [counterDevice({ serialNumber: "1" }), counterDevice({ serialNumber: "2" })],
    });
    const [first, second] = [
      await firstValueFrom(bus.open({ serialNumber: "1" })),
      await firstValueFrom(bus.open({ serialNumber: "2" })),
    ];
    const setInterface = setup("out", "interface", 11, 1);
    await done(first.controlTransfer(setInterface, nothing));
    await expect(done(second.controlTransfer(setInterface, nothing))).rejects.toMatchObject({
      code: "bandwidth-exceeded",
    });
  });

  it("SET of an interface that another handle has claimed: interface-busy", async () => {
    const bus = new VirtualBus({ devices: [counterDevice()] });
    const owner = await firstValueFrom(bus.open({}));
    const other = await firstValueFrom(bus.open({}));
    await done(owner.claimInterface(0));
    await done(owner.selectAlternate(0, 1));
    await expect(done(other.controlTransfer(setup("out", "interface", 11, 2), nothing))).rejects.toMatchObject({
      code: "interface-busy",
    });
    await expect(done(other.selectAlternate(0, 2))).rejects.toMatchObject({ code: "interface-busy" });
    expect(() => other.openEndpoint(0x81)).toThrow(expect.objectContaining({ code: "interface-busy" }));
  });
});

describe("GET_CONFIGURATION, SET_CONFIGURATION", () => {
  it("there is one, and selecting it again resets the interfaces", async () => {
    const device = await open();
    expect(await read(device, setup("in", "device", 8))).toStrictEqual([1]);
    await done(device.selectAlternate(0, 2));
    await done(device.controlTransfer(setup("out", "device", 9, 1), nothing));
    expect(await read(device, setup("in", "interface", 10))).toStrictEqual([0]);
    expect(await stalls(device, setup("out", "device", 9, 2))).toBe(true);
  });
});

describe("SET_SEL, SET_ISOCH_DELAY", () => {
  it.each([
    ["SET_SEL", setup("out", "device", 48), new Uint8Array(6)],
    ["SET_ISOCH_DELAY", setup("out", "device", 49, 40), nothing],
  ])("%s: taken by a SuperSpeed device, and by no other", async (_name, request, data) => {
    const device = await open(counterDevice({ speed: "super" }));
    await expect(done(device.controlTransfer(request, data))).resolves.toBeUndefined();
    expect(await stalls(device, { ...request, recipient: "interface" })).toBe(true);
    expect(await stalls(await open(), request)).toBe(true);
  });
});

describe("requests that are none", () => {
  it.each([
    ["unknown, IN", setup("in", "device", 0x33)],
    ["unknown, OUT", setup("out", "device", 0x33)],
    ["SYNCH_FRAME", setup("in", "endpoint", 12, 0, 0x81)],
    ["GET_DESCRIPTOR as OUT", setup("out", "device", 6, 0x0100)],
    ["SET_INTERFACE as IN", setup("in", "interface", 11)],
    ["a class request", { ...setup("in", "device", 1), type: "class" }],
  ] as const)("%s: control-stalled", async (_name, request: ControlSetup) => {
    expect(await stalls(await open(), request)).toBe(true);
  });

  it.each([
    ["request", 256],
    ["request", NaN],
    ["request", -1],
    ["value", 65_536],
    ["value", 0.5],
    ["index", -1],
    ["index", Infinity],
    ["direction", "up"],
    ["type", "reserved"],
    ["recipient", "nobody"],
  ])("%s %s is refused before it is sent", async (field, value) => {
    const device = await open();
    const request = { ...setup("in", "device", 6, 0x0100), [field]: value };
    await expect(done(device.controlTransfer(request, 18))).rejects.toMatchObject({ name: "InvalidRequestError" });
  });

  it.each([NaN, -1, 0.5, 65_536, Infinity, new Uint8Array(1)])("IN of %s bytes is refused", async (length) => {
    const device = await open();
    await expect(done(device.controlTransfer(setup("in", "device", 6, 0x0100), length))).rejects.toMatchObject({
      code: "invalid-number",
    });
  });

  it("OUT of a number is refused", async () => {
    const device = await open();
    await expect(done(device.controlTransfer(setup("out", "device", 9, 1), 4))).rejects.toMatchObject({
      code: "invalid-option",
    });
  });
});

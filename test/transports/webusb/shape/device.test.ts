import { firstValueFrom } from "rxjs";
import { describe, expect, it } from "vitest";
import {
  counterDevice,
  counterProtocol,
  readCounter,
  realTimeClock,
  VirtualBus,
  writeCounter,
} from "../../../../transports/virtual/index.js";
import { toWebUsb, type WebUsbControlSetup, type WebUsbDevice } from "../../../../transports/webusb/index.js";
import { done } from "../../../support/raw-port.js";
import { rejection } from "./rejection.js";

const getStatus: WebUsbControlSetup = { requestType: "standard", recipient: "device", request: 0, value: 0, index: 0 };

async function lab() {
  const bus = new VirtualBus({ clock: realTimeClock() });
  const attachment = bus.attach(counterDevice());
  const device = await toWebUsb(bus, { protectedClasses: true }).requestDevice({ filters: [{ vendorId: 0x1209 }] });
  return { bus, attachment, device };
}

/** A device that is open, with interface 0 claimed in one of its alternate settings. */
async function claimed(alternate: number) {
  const each = await lab();
  await each.device.open();
  await each.device.claimInterface(0);
  await each.device.selectAlternateInterface(0, alternate);
  return each;
}

function inUse({ bus }: { readonly bus: VirtualBus }): Record<string, number> {
  const { openDevices, claimedInterfaces, inFlight } = bus.audit();
  return { openDevices, claimedInterfaces, inFlight };
}

const nothing = { openDevices: 0, claimedInterfaces: 0, inFlight: 0 };

/** Each method, in a form that would succeed in alternate setting 3. */
const calls: Readonly<Record<string, (device: WebUsbDevice) => Promise<unknown>>> = {
  selectConfiguration: (device) => device.selectConfiguration(1),
  claimInterface: (device) => device.claimInterface(0),
  releaseInterface: (device) => device.releaseInterface(0),
  selectAlternateInterface: (device) => device.selectAlternateInterface(0, 3),
  controlTransferIn: (device) => device.controlTransferIn(getStatus, 2),
  controlTransferOut: (device) =>
    device.controlTransferOut({ ...getStatus, requestType: "vendor", request: counterProtocol.reset }),
  clearHalt: (device) => device.clearHalt("in", 1),
  isochronousTransferIn: (device) => device.isochronousTransferIn(1, [64]),
  isochronousTransferOut: (device) => device.isochronousTransferOut(1, new Uint8Array(64), [64]),
  reset: (device) => device.reset(),
};

describe("check if the device is configured", () => {
  it.each(Object.entries(calls))("%s: InvalidStateError before open, and after close", async (_name, call) => {
    const { device } = await lab();
    expect(await rejection(call(device))).toBe("InvalidStateError");
    await device.open();
    await device.close();
    expect(await rejection(call(device))).toBe("InvalidStateError");
  });

  it.each([...Object.entries(calls), ["open", (device: WebUsbDevice) => device.open()] as const])(
    "%s: NotFoundError once it is unplugged",
    async (_name, call) => {
      const { device, attachment } = await claimed(3);
      attachment.detach();
      expect(await rejection(call(device))).toBe("NotFoundError");
      expect(device.opened).toBe(false);
    },
  );

  it.each(Object.entries(calls))("%s: done, where everything is as it has to be", async (_name, call) => {
    const { device } = await claimed(3);
    expect(await rejection(call(device))).toBe("none");
    await device.close();
  });
});

describe("open, close", () => {
  it("opens a session, once, and gives everything back", async () => {
    const each = await lab();
    expect(each.device.opened).toBe(false);
    await each.device.open();
    await each.device.open();
    expect(each.device.opened).toBe(true);
    expect(inUse(each)).toStrictEqual({ ...nothing, openDevices: 1 });
    await each.device.claimInterface(0);
    await each.device.close();
    await each.device.close();
    expect(each.device.opened).toBe(false);
    expect(inUse(each)).toStrictEqual(nothing);
  });

  it("close aborts what runs: AbortError, and the interfaces are released", async () => {
    const each = await claimed(3);
    const running = [1, 2, 3].map(() => rejection(each.device.isochronousTransferIn(1, [64, 64])));
    await each.device.close();
    expect(await Promise.all(running)).toStrictEqual(["AbortError", "AbortError", "AbortError"]);
    expect(inUse(each)).toStrictEqual(nothing);
    await each.device.open();
    expect(each.device.configuration?.interfaces[0]?.claimed).toBe(false);
    await each.device.close();
  });

  it("a change while another is under way: InvalidStateError, as in Chromium", async () => {
    const { device } = await lab();
    const opening = device.open();
    expect(await rejection(device.open())).toBe("InvalidStateError");
    await opening;
    const claiming = device.claimInterface(0);
    const meanwhile = [
      device.claimInterface(0),
      device.controlTransferIn(getStatus, 2),
      device.reset(),
      device.close(),
    ];
    expect(await Promise.all(meanwhile.map(rejection))).toStrictEqual(meanwhile.map(() => "InvalidStateError"));
    await claiming;
    await device.close();
  });
});

describe("selectConfiguration", () => {
  it("one that is not there: NotFoundError; the one there is: everything is released", async () => {
    const each = await claimed(3);
    expect(await rejection(each.device.selectConfiguration(7))).toBe("NotFoundError");
    const running = rejection(each.device.isochronousTransferIn(1, [64]));
    await each.device.selectConfiguration(1);
    expect(await running).toBe("AbortError");
    expect(each.device.configuration?.interfaces[0]?.claimed).toBe(false);
    expect(inUse(each)).toStrictEqual({ ...nothing, openDevices: 1 });
    await each.device.close();
  });
});

describe("claimInterface, releaseInterface", () => {
  it("one that is not there: NotFoundError", async () => {
    const { device } = await claimed(0);
    expect(await rejection(device.claimInterface(5))).toBe("NotFoundError");
    expect(await rejection(device.releaseInterface(5))).toBe("NotFoundError");
  });

  it("twice is once", async () => {
    const each = await claimed(0);
    await each.device.claimInterface(0);
    expect(inUse(each)).toStrictEqual({ ...nothing, openDevices: 1, claimedInterfaces: 1 });
    await each.device.releaseInterface(0);
    await each.device.releaseInterface(0);
    expect(inUse(each)).toStrictEqual({ ...nothing, openDevices: 1 });
  });

  it("somebody else's: NetworkError", async () => {
    const { bus, device } = await lab();
    const other = await firstValueFrom(bus.open({}));
    await done(other.claimInterface(0));
    await device.open();
    expect(await rejection(device.claimInterface(0))).toBe("NetworkError");
    await done(other.releaseInterface(0));
    await device.claimInterface(0);
  });

  it("of a protected class: SecurityError, if it is to be as in a page", async () => {
    const model = counterDevice();
    const bytes = model.configurationDescriptor.slice();
    // bInterfaceClass of alternate setting 0: audio.
    bytes[9 + 5] = 0x01;
    const bus = new VirtualBus({ devices: [Object.assign(model, { configurationDescriptor: bytes })] });
    for (const protectedClasses of [true, false]) {
      const device = toWebUsb(await firstValueFrom(bus.open({})), { protectedClasses });
      await device.open();
      expect(await rejection(device.claimInterface(0))).toBe(protectedClasses ? "SecurityError" : "none");
    }
  });

  it("release: aborts what runs, and goes back to alternate setting 0", async () => {
    const { device } = await claimed(3);
    const running = rejection(device.isochronousTransferIn(1, [64]));
    await device.releaseInterface(0);
    expect(await running).toBe("AbortError");
    expect(device.configuration?.interfaces[0]?.alternate.alternateSetting).toBe(0);
    await device.claimInterface(0);
    expect(await rejection(device.isochronousTransferIn(1, [64]))).toBe("NotFoundError");
  });
});

describe("selectAlternateInterface", () => {
  it("of what is not claimed: InvalidStateError; one that is not there: NotFoundError", async () => {
    const { device } = await lab();
    await device.open();
    expect(await rejection(device.selectAlternateInterface(0, 1))).toBe("InvalidStateError");
    expect(await rejection(device.selectAlternateInterface(9, 1))).toBe("NotFoundError");
    await device.claimInterface(0);
    expect(await rejection(device.selectAlternateInterface(0, 9))).toBe("NotFoundError");
    expect(device.configuration?.interfaces[0]?.alternate.alternateSetting).toBe(0);
  });

  it("aborts what runs in the one before: AbortError", async () => {
    const { device } = await claimed(3);
    const running = rejection(device.isochronousTransferIn(1, [64]));
    await device.selectAlternateInterface(0, 1);
    expect(await running).toBe("AbortError");
    expect(device.configuration?.interfaces[0]?.alternate.alternateSetting).toBe(1);
    expect((await device.isochronousTransferIn(1, [3072])).packets[0]?.data?.byteLength).toBe(3072);
  });
});

describe("check the validity of the control transfer parameters", () => {
  it("of an interface: it has to be there, and claimed", async () => {
    const { device } = await lab();
    await device.open();
    const setup = { ...getStatus, recipient: "interface" } as const;
    expect(await rejection(device.controlTransferIn({ ...setup, index: 5 }, 2))).toBe("NotFoundError");
    expect(await rejection(device.controlTransferIn(setup, 2))).toBe("InvalidStateError");
    await device.claimInterface(0);
    expect(await rejection(device.controlTransferIn(setup, 2))).toBe("none");
  });

  it("of an endpoint: of a claimed interface, in its selected alternate setting", async () => {
    const { device } = await claimed(0);
    const setup = { ...getStatus, recipient: "endpoint", index: 0x81 } as const;
    expect(await rejection(device.controlTransferIn(setup, 2))).toBe("NotFoundError");
    await device.selectAlternateInterface(0, 1);
    expect(await rejection(device.controlTransferIn(setup, 2))).toBe("none");
  });

  it("words that are none: TypeError", async () => {
    const { device } = await claimed(0);
    const bad = { ...getStatus, requestType: "reserved" as "vendor" };
    expect(await rejection(device.controlTransferIn(bad, 2))).toBe("TypeError");
  });

  it("a request that the device refuses is no rejection: stall", async () => {
    const { device } = await claimed(0);
    const unknown = { ...getStatus, requestType: "vendor", request: 0x7e } as const;
    expect((await device.controlTransferIn(unknown, 2)).status).toBe("stall");
    expect((await device.controlTransferOut(unknown)).status).toBe("stall");
    expect((await device.controlTransferIn(getStatus, 2)).data?.byteLength).toBe(2);
  });
});

describe("isochronousTransferIn, isochronousTransferOut", () => {
  it("an endpoint that is not there, or not there now: NotFoundError", async () => {
    const { device } = await claimed(1);
    expect(await rejection(device.isochronousTransferIn(2, [64]))).toBe("NotFoundError");
    // Alternate setting 1 has IN only.
    expect(await rejection(device.isochronousTransferOut(1, new Uint8Array(8), [8]))).toBe("NotFoundError");
    expect(await rejection(device.transferIn(1, 64))).toBe("InvalidAccessError");
  });

  it("an address instead of a number: NotFoundError", async () => {
    const { device } = await claimed(3);
    expect(await rejection(device.isochronousTransferIn(0x81, [64]))).toBe("NotFoundError");
    expect(await rejection(device.isochronousTransferOut(0, new Uint8Array(8), [8]))).toBe("NotFoundError");
    expect(await rejection(device.clearHalt("in", 0x81))).toBe("NotFoundError");
    await device.close();
  });

  it("IN: views of one buffer, each where its packet was asked for", async () => {
    const { device } = await claimed(1);
    const { data, packets } = await device.isochronousTransferIn(1, [3072, 3072, 3072]);
    expect(data?.byteLength).toBe(3 * 3072);
    expect(packets.map((packet) => packet.data?.byteOffset)).toStrictEqual([0, 3072, 6144]);
    expect(packets.every((packet) => packet.data?.buffer === data?.buffer && packet.status === "ok")).toBe(true);
    const counters = packets.map(({ data: view }) =>
      readCounter(new Uint8Array(view?.buffer ?? new ArrayBuffer(0), view?.byteOffset)),
    );
    expect(counters[2]).toBe((counters[0] ?? NaN) + 2);
  });

  it("OUT: what is written, packet by packet, however the data is given", async () => {
    const { device } = await claimed(2);
    const bytes = new Uint8Array(40);
    for (const [i, offset] of [8, 16, 24].entries()) writeCounter(bytes, i, offset);
    for (const data of [bytes.subarray(8, 32), bytes.slice(8, 32).buffer, new DataView(bytes.buffer, 8, 24)]) {
      const { packets } = await device.isochronousTransferOut(1, data, [8, 8, 8]);
      expect(packets).toStrictEqual([0, 1, 2].map(() => ({ bytesWritten: 8, status: "ok" })));
    }
  });

  it("OUT: data that the packets do not add up to, either way: DataError, as in Chromium", async () => {
    const { device } = await claimed(2);
    expect(await rejection(device.isochronousTransferOut(1, new Uint8Array(8), [8, 8]))).toBe("DataError");
    expect(await rejection(device.isochronousTransferOut(1, new Uint8Array(24), [8, 8]))).toBe("DataError");
  });

  it("no packets: nothing is asked of the bus", async () => {
    const { device, bus } = await claimed(3);
    expect((await device.isochronousTransferIn(1, [])).packets).toStrictEqual([]);
    expect((await device.isochronousTransferOut(1, new Uint8Array(0), [])).packets).toStrictEqual([]);
    expect(bus.audit().submitted).toBe(0);
  });

  it("more than the endpoint has in a frame: NetworkError", async () => {
    const { device } = await claimed(3);
    expect(await rejection(device.isochronousTransferIn(1, [64, 1025]))).toBe("NetworkError");
  });

  it("a packet that babbles or stalls says so, and the others are good", async () => {
    const { device } = await claimed(1);
    const babbled = await device.isochronousTransferIn(1, [3072, 16, 3072]);
    expect(babbled.packets.map(({ status }) => status)).toStrictEqual(["ok", "babble", "ok"]);
    expect(babbled.packets.map(({ data }) => data?.byteLength)).toStrictEqual([3072, 16, 3072]);
    const halt = { ...getStatus, recipient: "endpoint", request: 3, index: 0x81 } as const;
    await device.controlTransferOut(halt);
    expect((await device.isochronousTransferIn(1, [64, 64])).packets.map(({ status }) => status)).toStrictEqual([
      "stall",
      "stall",
    ]);
    await device.clearHalt("in", 1);
    expect((await device.isochronousTransferIn(1, [3072])).packets[0]?.status).toBe("ok");
  });

  it("one packet that fails otherwise rejects them all: NetworkError, and the next go on", async () => {
    const { device, bus, attachment } = await claimed(1);
    const now = Math.ceil(bus.time / 125);
    for (let frame = now; frame < now + 400; frame++) {
      attachment.inject({ type: "packet", endpoint: 0x81, frame, status: "crc" });
    }
    expect(await rejection(device.isochronousTransferIn(1, [3072, 3072, 3072]))).toBe("NetworkError");
    while (bus.time < (now + 400) * 125) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await rejection(device.isochronousTransferIn(1, [3072, 3072, 3072]))).toBe("none");
  });

  it("unplugged meanwhile: NotFoundError", async () => {
    const each = await claimed(3);
    const running = [1, 2].map(() => rejection(each.device.isochronousTransferIn(1, new Array<number>(4000).fill(64))));
    each.attachment.detach();
    expect(await Promise.all(running)).toStrictEqual(["NotFoundError", "NotFoundError"]);
    expect(inUse(each)).toStrictEqual(nothing);
  });

  it("unplugged while it is closed, or a configuration selected: NotFoundError", async () => {
    for (const change of ["close", "selectConfiguration"] as const) {
      const each = await claimed(3);
      const changed = rejection(change === "close" ? each.device.close() : each.device.selectConfiguration(1));
      each.attachment.detach();
      expect(await changed).toBe("NotFoundError");
      expect(inUse(each)).toStrictEqual(nothing);
    }
  });
});

describe("reset", () => {
  it("aborts everything: AbortError; claims stay, in alternate setting 0", async () => {
    const { device } = await claimed(3);
    const running = rejection(device.isochronousTransferIn(1, [64]));
    await device.reset();
    expect(await running).toBe("AbortError");
    const [first] = device.configuration?.interfaces ?? [];
    expect([first?.claimed, first?.alternate.alternateSetting]).toStrictEqual([true, 0]);
    await device.selectAlternateInterface(0, 3);
    expect(await rejection(device.isochronousTransferIn(1, [64]))).toBe("none");
  });
});

describe("descriptors as objects", () => {
  it("say what the descriptors say, packetSize with all transactions of a frame", async () => {
    const { device } = await lab();
    expect(device).toMatchObject({
      usbVersionMajor: 2,
      usbVersionMinor: 0,
      usbVersionSubminor: 0,
      vendorId: 0x1209,
      productId: 0x0001,
      manufacturerName: "rx-isoch",
      productName: "counter",
      serialNumber: "0001",
      opened: false,
    });
    const [first] = device.configurations[0]?.interfaces ?? [];
    expect(first?.alternates.map(({ endpoints }) => endpoints)).toStrictEqual([
      [],
      [{ endpointNumber: 1, direction: "in", type: "isochronous", packetSize: 3072 }],
      [{ endpointNumber: 1, direction: "out", type: "isochronous", packetSize: 3072 }],
      [
        { endpointNumber: 1, direction: "in", type: "isochronous", packetSize: 1024 },
        { endpointNumber: 1, direction: "out", type: "isochronous", packetSize: 1024 },
      ],
    ]);
  });
});

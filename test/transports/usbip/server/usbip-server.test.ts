import { lastValueFrom, throwError, VirtualTimeScheduler } from "rxjs";
import { describe, expect, it, vi } from "vitest";
import { AccessError } from "rx-isoch";
import { counterDevice, VirtualBus, writeCounter } from "rx-isoch/transports/virtual";
import { UsbipServer } from "rx-isoch/transports/usbip";
import { encodeMessage, errno, usbipStatus } from "../../../../transports/usbip/protocol/index.js";
import { eventually } from "../../../support/eventually.js";
import { slowTransport } from "../../../support/slow-transport.js";
import { ManualClock } from "../manual-clock.js";
import { counters, length, nothing, setUp } from "../set-up.js";
import { asSubmitReply } from "../strict-client.js";

/** What is written arrives within the turn. */
const nextTurn = () => new Promise((resolve) => setImmediate(resolve));
const from = (first: number, count: number): number[] => Array.from({ length: count }, (_, i) => first + i);

describe("before an import", () => {
  it("lists what is exported, and closes", async () => {
    const { bus, connect } = setUp();
    bus.attach(counterDevice({ speed: "full" }));
    const { client, ending } = connect();
    const { status, devices } = await client.list();
    expect(status).toBe(0);
    expect(devices).toMatchObject([
      { busId: "1-1", busNumber: 1, speed: "high", vendorId: 0x1209, productId: 1, configurationValue: 1 },
      { busId: "1-2", busNumber: 1, speed: "full", interfaces: [{ interfaceClass: 0xff }] },
    ]);
    expect(await ending).toBe("completed");
    expect(client.isClosed).toBe(true);
  });

  it("exports only what it is told to, of every transport", async () => {
    const first = new VirtualBus({
      devices: [counterDevice({ serialNumber: "A" }), counterDevice({ serialNumber: "B" })],
    });
    const second = new VirtualBus({ devices: [counterDevice({ serialNumber: "C" })] });
    const server = new UsbipServer({
      transports: [first, second],
      isExported: ({ serialNumber }) => serialNumber !== "A",
    });
    expect(server.exports.map(({ busId, device }) => `${busId} ${device.serialNumber ?? ""}`)).toStrictEqual([
      "1-1 B",
      "2-1 C",
    ]);
    await lastValueFrom(server.close(), { defaultValue: undefined });
  });

  it("exports no hub, whatever it is told", () => {
    const hub = counterDevice();
    hub.deviceDescriptor[4] = 0x09;
    const asked: number[] = [];
    const { server } = setUp({ device: hub, isExported: ({ descriptor }) => asked.push(descriptor.deviceClass) > 0 });
    expect(server.exports).toStrictEqual([]);
    expect(asked).toStrictEqual([]);
  });

  it("gives a device that comes back the port that is free", () => {
    const { bus, attachment, server } = setUp();
    bus.attach(counterDevice());
    attachment.detach();
    expect(server.exports.map(({ busId }) => busId)).toStrictEqual(["1-2"]);
    bus.attach(counterDevice());
    expect(server.exports.map(({ busId }) => busId).toSorted()).toStrictEqual(["1-1", "1-2"]);
  });

  it("refuses what is not there", async () => {
    const { connect, failures } = setUp();
    const { client, ending } = connect();
    expect((await client.import("1-9")).status).toBe(usbipStatus.noSuchDevice);
    expect(await ending).toBe("no-such-device");
    expect(failures).toStrictEqual(["no-such-device"]);
  });

  it("refuses a second import, and leaves the first alone", async () => {
    const { connect, streaming, server } = setUp();
    const first = await streaming(1);
    const second = connect();
    expect((await second.client.import()).status).toBe(usbipStatus.busy);
    expect(await second.ending).toBe("interface-busy");
    expect(server.exports).toMatchObject([{ busId: "1-1", isImported: true }]);
    expect(asSubmitReply(await first.client.isochronous("in", 8, length).reply).errorCount).toBe(0);
  });

  it("waits for a client that is leaving", async () => {
    const { streaming, importing } = setUp();
    const first = await streaming(1);
    for (let i = 0; i < 8; i++) first.client.isochronous("in", 64, length);
    first.client.destroy();
    const second = await importing();
    expect(await second.client.selectAlternate(1)).toBe(0);
    await first.ending;
  });

  it.each([
    ["at once", false],
    ["while they wait for one that is leaving", true],
  ])("hands a device that several want to one of them, %s", async (_, isTaken) => {
    const { streaming, connect, server } = setUp();
    const told: string[] = [];
    server.imports.subscribe(({ type }) => told.push(type));
    if (isTaken) {
      const { client } = await streaming(1);
      for (let i = 0; i < 8; i++) client.isochronous("in", 64, length);
      client.destroy();
    }
    const racing = Array.from({ length: 4 }, connect);
    const replies = await Promise.all(racing.map(({ client }) => client.import()));
    const { ok, busy } = usbipStatus;
    expect(replies.map(({ status }) => status).toSorted((one, other) => one - other)).toStrictEqual([
      ok,
      busy,
      busy,
      busy,
    ]);
    const winner = racing[replies.findIndex(({ status }) => status === ok)];
    expect(await winner?.client.selectAlternate(1)).toBe(0);
    for (const loser of racing) if (loser !== winner) expect(await loser.ending).toBe("interface-busy");
    expect(told).toStrictEqual([...(isTaken ? ["imported", "released"] : []), "imported"]);
  });

  it("tells of nobody who did not get the device", async () => {
    const { connect, server } = setUp({
      alter: (bus) => ({
        name: bus.name,
        capabilities: bus.capabilities,
        devices: () => bus.devices(),
        open: () => throwError(() => new AccessError("access-denied", "as the test says")),
      }),
    });
    const told: string[] = [];
    server.imports.subscribe(({ type }) => told.push(type));
    const { client, ending } = connect();
    expect((await client.import()).status).toBe(usbipStatus.deviceError);
    expect(await ending).toBe("access-denied");
    expect(told).toStrictEqual([]);
  });

  it("passes over who has gone while he waited", async () => {
    const { streaming, connect, importing } = setUp();
    const first = await streaming(1);
    for (let i = 0; i < 8; i++) first.client.isochronous("in", 64, length);
    first.client.destroy();
    const gone = connect();
    gone.client.import().catch(() => undefined);
    gone.client.destroy();
    await importing();
    expect(await gone.ending).toBe("completed");
  });

  it("does not wait for ever for a client that asks nothing", async () => {
    const { connect } = setUp({ patience: 20 });
    expect(await connect().ending).toBe("protocol-error");
  });
});

describe("control requests", () => {
  const getDescriptor = (type: number, index: number, size: number) => [
    0x80,
    6,
    index,
    type,
    0,
    0,
    size & 0xff,
    size >> 8,
  ];

  it("passes descriptors on, cut to what was asked", async () => {
    const { importing, device } = setUp();
    const { client } = await importing();
    expect((await client.control(getDescriptor(1, 0, 8))).data).toStrictEqual(device.deviceDescriptor.subarray(0, 8));
    const configuration = await client.control(getDescriptor(2, 0, 4096));
    expect(configuration).toMatchObject({ status: 0, actualLength: device.configurationDescriptor.length });
    expect(configuration.data).toStrictEqual(device.configurationDescriptor);
  });

  it("answers what the device refuses with -EPIPE, and goes on", async () => {
    const { importing } = setUp();
    const { client } = await importing();
    expect((await client.control(getDescriptor(6, 1, 10))).status).toBe(errno.EPIPE);
    expect((await client.control([0x40, 99, 0, 0, 0, 0, 0, 0])).status).toBe(errno.EPIPE);
    expect((await client.control([0x80, 8, 0, 0, 0, 0, 1, 0])).data).toStrictEqual(Uint8Array.of(1));
  });

  it("selects the one configuration there is, and no other", async () => {
    const { importing } = setUp();
    const { client } = await importing();
    const set = async (value: number) => (await client.control([0, 9, value, 0, 0, 0, 0, 0])).status;
    expect([await set(1), await set(0), await set(1), await set(2)]).toStrictEqual([0, 0, 0, errno.EPIPE]);
  });

  it("selects alternate settings, and says what stands in the way", async () => {
    const { importing } = setUp();
    const { client } = await importing();
    const current = async () => (await client.control([0x81, 10, 0, 0, 0, 0, 1, 0])).data[0];
    expect(await client.selectAlternate(3)).toBe(0);
    expect(await current()).toBe(3);
    expect(await client.selectAlternate(9)).toBe(errno.EPIPE);
    expect(await client.selectAlternate(0, 5)).toBe(errno.EPIPE);
    expect(await current()).toBe(3);
    expect(asSubmitReply(await client.isochronous("in", 4, 1024).reply).status).toBe(0);
  });

  it("says -ENOSPC where the bus has no room, and keeps what was selected", async () => {
    const { bus, streaming, importing } = setUp();
    bus.attach(counterDevice());
    const first = await streaming(1);
    const second = await importing("1-2");
    expect(await second.client.selectAlternate(1)).toBe(errno.ENOSPC);
    expect(await first.client.selectAlternate(0)).toBe(0);
    expect(await second.client.selectAlternate(1)).toBe(0);
  });

  it("ends a halt", async () => {
    const { streaming, attachment } = setUp();
    const { client } = await streaming(1);
    attachment.inject({ type: "halt", endpoint: 0x81, frame: 0 });
    const halted = asSubmitReply(await client.isochronous("in", 4, length).reply);
    expect(halted).toMatchObject({ status: 0, errorCount: 4, actualLength: 0 });
    expect(halted.packets?.statuses).toStrictEqual(new Int32Array(4).fill(errno.EPIPE));
    expect((await client.control([0x02, 1, 0, 0, 0x81, 0, 0, 0])).status).toBe(0);
    expect(asSubmitReply(await client.isochronous("in", 4, length).reply).errorCount).toBe(0);
  });

  it("sends and asks for data of the vendor's", async () => {
    const { streaming, device } = setUp();
    const { client } = await streaming(2);
    await client.isochronous("out", 1, 8, { data: new Uint8Array(8) }).reply;
    expect(device.statistics.packets).toBe(1);
    const statistics = await client.control([0xc0, 1, 0, 0, 0, 0, 12, 0]);
    expect(statistics.data).toStrictEqual(new Uint8Array(Uint32Array.of(1, 0, 0).buffer));
    expect((await client.control([0x40, 2, 0, 0, 0, 0, 0, 0])).status).toBe(0);
    expect(device.statistics.packets).toBe(0);
  });

  it("runs one after the other, in order", async () => {
    const { importing } = setUp();
    const { client } = await importing();
    const replies = [1, 2, 3, 0].map((alternate) => client.selectAlternate(alternate));
    await Promise.all(replies);
    expect(client.order).toStrictEqual([1, 2, 3, 4]);
  });

  it("refuses a request that contradicts itself", async () => {
    const { importing } = setUp();
    const { client } = await importing();
    const setup = Uint8Array.from(getDescriptor(1, 0, 18));
    const out = client.submit({ direction: "out", endpoint: 0, length: 0, setup });
    expect(asSubmitReply(await out).status).toBe(errno.EPIPE);
    const reserved = client.submit({
      direction: "out",
      endpoint: 0,
      length: 0,
      setup: Uint8Array.of(0x7f, 0, 0, 0, 0, 0, 0, 0),
    });
    expect(asSubmitReply(await reserved).status).toBe(errno.EPIPE);
  });
});

describe("isochronous transfers", () => {
  it.each([1, 48, 1000, 1 << 16])("IN is contiguous at high speed, in chunks of %i bytes", async (chunk) => {
    const { streaming } = setUp({ chunk });
    const { client } = await streaming(1);
    const transfers = chunk === 1 ? 2 : 40;
    const replies = await Promise.all(from(0, transfers).map(() => client.isochronous("in", 32, length).reply));
    const all = replies.map(asSubmitReply);
    const [first = 0] = counters(all[0] ?? asSubmitReply(await Promise.reject(new Error("no reply"))));
    expect(all.flatMap(counters)).toStrictEqual(from(first, 32 * transfers));
    expect(all.map(({ startFrame }) => startFrame)).toStrictEqual(
      from(0, transfers).map((i) => (all[0]?.startFrame ?? 0) + 32 * i),
    );
    for (const { status, actualLength, errorCount } of all) {
      expect({ status, actualLength, errorCount }).toStrictEqual({
        status: 0,
        actualLength: 32 * length,
        errorCount: 0,
      });
    }
  });

  it("IN comes compacted, and says where each packet belongs", async () => {
    const { streaming, attachment } = setUp();
    const { client } = await streaming(1);
    attachment.inject(
      { type: "packet", endpoint: 0x81, frame: 0, frames: 1 << 20, actual: 100 },
      { type: "packet", endpoint: 0x81, frame: 4, status: "crc", actual: 9 },
      { type: "packet", endpoint: 0x81, frame: 5, status: "device-not-responding" },
    );
    const reply = asSubmitReply(await client.isochronous("in", 6, length, { startFrame: 3, flags: 0x200 }).reply);
    expect(reply).toMatchObject({ status: 0, startFrame: 3, actualLength: 100 + 9 + 0 + 300, errorCount: 2 });
    expect(reply.packets).toStrictEqual({
      offsets: Uint32Array.from(from(0, 6), (i) => i * length),
      lengths: new Uint32Array(6).fill(length),
      actual: Uint32Array.of(100, 9, 0, 100, 100, 100),
      statuses: Int32Array.of(0, errno.EILSEQ, errno.ETIME, 0, 0, 0),
    });
    const [first = 0] = counters(reply);
    expect(counters(reply)).toStrictEqual([first, first + 1, undefined, first + 3, first + 4, first + 5]);
  });

  it.each([
    ["one directly after the other", 3072],
    ["with room between", 4000],
  ])("OUT arrives in order, packets %s", async (_, stride) => {
    const { streaming, device } = setUp();
    const { client } = await streaming(2);
    let counter = 1000;
    const replies = from(0, 20).map(() => {
      const data = new Uint8Array(16 * stride);
      for (let i = 0; i < 16; i++) writeCounter(data, counter++, i * stride);
      const packets = {
        offsets: Uint32Array.from(from(0, 16), (i) => i * stride),
        lengths: new Uint32Array(16).fill(length),
        actual: new Uint32Array(16),
        statuses: new Int32Array(16),
      };
      return client.submit({ direction: "out", endpoint: 1, length: data.length, packets, data });
    });
    const all = (await Promise.all(replies)).map(asSubmitReply);
    expect(device.statistics).toStrictEqual({ packets: 320, mismatches: 0, short: 0 });
    for (const reply of all) expect(reply).toMatchObject({ status: 0, actualLength: 16 * length, errorCount: 0 });
  });

  it("both ways at a time, each in its order", async () => {
    const { streaming, device } = setUp();
    const { client } = await streaming(3);
    const data = new Uint8Array(8 * 1024);
    for (let i = 0; i < 8; i++) writeCounter(data, i, i * 1024);
    const ins = from(0, 10).map(() => client.isochronous("in", 8, 1024));
    const out = client.isochronous("out", 8, 1024, { data });
    const replies = await Promise.all(ins.map(({ reply }) => reply));
    const [first = 0] = replies.map(asSubmitReply).flatMap(counters);
    expect(replies.map(asSubmitReply).flatMap(counters)).toStrictEqual(from(first, 80));
    expect(asSubmitReply(await out.reply).errorCount).toBe(0);
    expect(device.statistics).toMatchObject({ packets: 8, mismatches: 0 });
  });

  it("starts on the frame that is named, or directly behind the queue where that is too late", async () => {
    const { streaming } = setUp();
    const { client } = await streaming(1);
    const start = async (startFrame: number) =>
      asSubmitReply(await client.isochronous("in", 4, length, { startFrame, flags: 0x200 }).reply).startFrame;
    expect(await start(100)).toBe(100);
    const late = await start(50);
    expect(late).toBeGreaterThan(103);
    expect(await start(0xffffffff)).toBeGreaterThan(late);
    const queued = [300, 302, 310].map((startFrame) =>
      client.isochronous("in", 4, length, { startFrame, flags: 0x200 }),
    );
    const replies = await Promise.all(queued.map(({ reply }) => reply));
    const all = replies.map(asSubmitReply);
    expect(all.map(({ startFrame }) => startFrame)).toStrictEqual([300, 304, 310]);
    // Each was in the frame it says it was in: the counter is that of the frame, up to a constant.
    expect(new Set(all.map((reply) => (counters(reply)[0] ?? 0) - reply.startFrame)).size).toBe(1);
  });

  it("ignores the start frame where the next free one is asked for", async () => {
    const { streaming } = setUp();
    const { client } = await streaming(1);
    const reply = await client.isochronous("in", 4, length, { startFrame: 5000 }).reply;
    expect(asSubmitReply(reply).startFrame).toBeLessThan(100);
  });

  it("counts frames where the bus clock is hidden", async () => {
    const { streaming } = setUp({ capabilities: { frameNumber: false, startFrame: false } });
    const { client } = await streaming(1);
    const replies = await Promise.all(from(0, 3).map(() => client.isochronous("in", 8, length).reply));
    expect(replies.map(asSubmitReply).map(({ startFrame }) => startFrame)).toStrictEqual([0, 8, 16]);
  });

  it("counts what passes with nothing queued, although the bus clock is hidden", async () => {
    const clock = new ManualClock();
    const { bus, streaming } = setUp({ clock, capabilities: { frameNumber: false, startFrame: false } });
    const { client } = await streaming(1);
    const read = async () => {
      const { reply } = client.isochronous("in", 8, length);
      // It has to have come to the bus.
      await eventually(() => {
        expect(bus.audit().inFlight).toBe(1);
      });
      clock.advance(2000);
      return asSubmitReply(await reply);
    };
    const first = await read();
    clock.advance(50_000);
    const second = await read();
    const passed = (counters(second)[0] ?? NaN) - (counters(first)[0] ?? NaN);
    expect(passed).toBeGreaterThan(400);
    // Estimated, and by the end of transfers that were looked for late: to some frames.
    expect(Math.abs(second.startFrame - first.startFrame - passed)).toBeLessThan(20);
  });

  it("takes a transfer without packets for done", async () => {
    const { streaming } = setUp();
    const { client } = await streaming(1);
    expect(await client.submit({ direction: "in", endpoint: 1 })).toMatchObject({ status: 0, actualLength: 0 });
  });

  it("answers what cannot be sent, packet for packet", async () => {
    const { streaming } = setUp();
    const { client } = await streaming(1);
    const tooLong = asSubmitReply(await client.isochronous("in", 2, length + 1).reply);
    expect(tooLong).toMatchObject({ status: errno.EMSGSIZE, actualLength: 0, packetCount: 2 });
    expect(tooLong.packets?.statuses).toStrictEqual(Int32Array.of(errno.EXDEV, errno.EXDEV));
    const elsewhere = await client.isochronous("out", 1, 4, { data: new Uint8Array(4) }).reply;
    expect(asSubmitReply(elsewhere).status).toBe(errno.EPIPE);
  });

  it("answers other types of transfer with a STALL", async () => {
    const { streaming } = setUp();
    const { client } = await streaming(1);
    expect(await client.submit({ direction: "in", endpoint: 2, length: 512 })).toMatchObject({ status: errno.EPIPE });
    const data = new Uint8Array(512);
    expect(await client.submit({ direction: "out", endpoint: 3, length: 512, data })).toMatchObject({
      status: errno.EPIPE,
      actualLength: 0,
      packetCount: 0,
    });
  });

  it("end when another alternate setting is selected, each with a reply", async () => {
    const { streaming } = setUp();
    const { client } = await streaming(1);
    const replies = from(0, 4).map(() => client.isochronous("in", 1024, length).reply);
    expect(await client.selectAlternate(0)).toBe(0);
    for (const reply of await Promise.all(replies)) expect(reply).toMatchObject({ status: errno.ECONNRESET });
    expect(asSubmitReply(await client.isochronous("in", 1, length).reply).status).toBe(errno.EPIPE);
  });
});

describe("an unlink", () => {
  it("of what had not begun is answered alone", async () => {
    const { streaming } = setUp();
    const { client } = await streaming(1);
    const before = client.isochronous("in", 512, length);
    const { seqnum, reply } = client.isochronous("in", 64, length);
    const after = client.isochronous("in", 8, length);
    expect(await client.unlink(seqnum)).toMatchObject({ type: "unlink-reply", status: errno.ECONNRESET });
    expect(await reply).toMatchObject({ type: "unlink-reply" });
    expect(asSubmitReply(await before.reply).errorCount).toBe(0);
    expect(asSubmitReply(await after.reply).errorCount).toBe(0);
  });

  it("in the middle keeps the packets that had moved", async () => {
    const clock = new ManualClock();
    const { bus, streaming } = setUp({ clock });
    const { client } = await streaming(1);
    const { seqnum, reply } = client.isochronous("in", 1024, length);
    await client.control([0x80, 8, 0, 0, 0, 0, 1, 0]);
    expect(bus.audit().inFlight).toBe(1);
    clock.advance(60_000);
    expect(await client.unlink(seqnum)).toMatchObject({ type: "unlink-reply", status: 0 });
    const answer = asSubmitReply(await reply);
    // It began with frame 2, and 480 microframes have passed.
    const moved = 478;
    expect(answer).toMatchObject({
      status: errno.ECONNRESET,
      startFrame: 2,
      actualLength: moved * length,
      errorCount: 1024 - moved,
    });
    expect(counters(answer).slice(0, moved)).toStrictEqual(from(2, moved));
    expect(answer.packets?.actual.subarray(moved)).toStrictEqual(new Uint32Array(1024 - moved));
    expect(answer.packets?.statuses.subarray(moved)).toStrictEqual(new Int32Array(1024 - moved).fill(errno.EXDEV));
    expect(await client.unlink(seqnum)).toMatchObject({ status: 0 });
  });

  it("gives back what it and its transfer counted", async () => {
    const clock = new ManualClock();
    const { streaming } = setUp({ bytesInFlight: 1 << 16, clock });
    const { client } = await streaming(1);
    for (let i = 0; i < 300; i++) {
      const { seqnum } = client.isochronous("in", 8, 8);
      expect(await client.unlink(seqnum)).toMatchObject({ status: errno.ECONNRESET });
    }
    const { reply } = client.isochronous("in", 8, length);
    await client.control([0x80, 8, 0, 0, 0, 0, 1, 0]);
    clock.advance(60_000);
    expect(asSubmitReply(await reply).errorCount).toBe(0);
  });

  it("sent twice is answered twice, after the transfer", async () => {
    const clock = new ManualClock();
    const { streaming } = setUp({ clock });
    const { client } = await streaming(1);
    const moved = client.isochronous("in", 1024, length);
    const untouched = client.isochronous("in", 1024, length);
    await client.control([0x80, 8, 0, 0, 0, 0, 1, 0]);
    clock.advance(60_000);
    const unlinks = [moved, moved, untouched, untouched].map(({ seqnum }) => client.unlink(seqnum));
    expect((await Promise.all(unlinks)).map(({ status }) => status)).toStrictEqual([
      0,
      0,
      errno.ECONNRESET,
      errno.ECONNRESET,
    ]);
    expect(await moved.reply).toMatchObject({ type: "submit-reply", status: errno.ECONNRESET });
  });

  it("of what has completed says so", async () => {
    const { streaming } = setUp();
    const { client } = await streaming(1);
    const { seqnum, reply } = client.isochronous("in", 8, length);
    await reply;
    expect(await client.unlink(seqnum)).toMatchObject({ type: "unlink-reply", status: 0 });
    expect(await client.unlink(123_456)).toMatchObject({ type: "unlink-reply", status: 0 });
  });

  it("where the transport cannot cancel waits for the end, which keeps everything", async () => {
    const { streaming } = setUp({ capabilities: { cancel: "none" } });
    const { client } = await streaming(1);
    const { seqnum, reply } = client.isochronous("in", 64, length);
    const unlinked = client.unlink(seqnum);
    expect(asSubmitReply(await reply)).toMatchObject({ status: 0, actualLength: 64 * length });
    expect(await unlinked).toMatchObject({ status: 0 });
  });
});

describe("an unplug", () => {
  it("ends every transfer, then the connection, and no other client's", async () => {
    const { bus, attachment, streaming, server } = setUp();
    bus.attach(counterDevice({ speed: "full" }));
    const other = await streaming(1, "1-2");
    const { client, ending } = await streaming(1);
    const replies = from(0, 4).map(() => client.isochronous("in", 1024, length).reply);
    // The submits are with the bus when the answer to this is here.
    await client.control([0x80, 8, 0, 0, 0, 0, 1, 0]);
    attachment.detach();
    for (const reply of await Promise.all(replies)) expect(reply).toMatchObject({ status: errno.ESHUTDOWN });
    expect(await ending).toBe("completed");
    expect(server.exports.map(({ busId }) => busId)).toStrictEqual(["1-2"]);
    expect(asSubmitReply(await other.client.isochronous("in", 8, 1023).reply).errorCount).toBe(0);
  });

  it("while a client is waiting for the device refuses it", async () => {
    const scheduler = new VirtualTimeScheduler();
    /** Lets the steps of the transport be done. */
    const meanwhile = async <T>(work: Promise<T>): Promise<T> => {
      const flushing = setInterval(() => {
        scheduler.flush();
      }, 1);
      return work.finally(() => {
        clearInterval(flushing);
      });
    };
    const { attachment, streaming, connect, server } = setUp({ alter: (bus) => slowTransport(bus, scheduler) });
    const first = await meanwhile(streaming(1));
    const second = connect();
    first.client.destroy();
    await nextTurn();
    const reply = second.client.import();
    await nextTurn();
    // The first cannot leave yet, and the second is neither refused nor served.
    expect(server.exports).toMatchObject([{ isImported: true }]);
    expect({ clients: server.clients, isClosed: second.client.isClosed }).toStrictEqual({
      clients: 2,
      isClosed: false,
    });
    attachment.detach();
    expect((await meanwhile(reply)).status).toBe(usbipStatus.noSuchDevice);
    expect(await second.ending).toBe("no-such-device");
    expect(await meanwhile(first.ending)).toBe("completed");
  });
});

describe("a peer that leaves", () => {
  type Connection = ReturnType<ReturnType<typeof setUp>["connect"]>;
  const partial = encodeMessage({ type: "import-request", busId: "1-1" });
  const states: readonly (readonly [string, (connection: Connection) => Promise<void> | void])[] = [
    ["before it asks", () => undefined],
    ["in the middle of its request", ({ client }) => client.sendBytes(partial.slice(0, 20))],
    [
      "while the device is opened",
      ({ client }) => {
        client.import().catch(() => undefined);
      },
    ],
    ["when it has the device", ({ client }) => client.import().then(() => undefined)],
    [
      "in the middle of a command",
      async ({ client }) => {
        await client.import();
        client.sendBytes(new Uint8Array(10));
      },
    ],
    [
      "in the middle of its data",
      async ({ client }) => {
        await client.import();
        const command = client.command({ direction: "out", endpoint: 0, data: new Uint8Array(5000) });
        client.sendBytes(encodeMessage(command).slice(0, 3000));
      },
    ],
    [
      "with an alternate setting selected",
      async ({ client }) => {
        await client.import();
        await client.selectAlternate(1);
      },
    ],
    [
      "while one is being selected",
      async ({ client }) => {
        await client.import();
        await client.selectAlternate(1);
        client.isochronous("in", 1024, length);
        void client.selectAlternate(2).catch(() => undefined);
      },
    ],
    [
      "with transfers in flight",
      async ({ client }) => {
        await client.import();
        await client.selectAlternate(3);
        for (let i = 0; i < 8; i++) client.isochronous("in", 1024, 1024);
        client.isochronous("out", 16, 16, { data: new Uint8Array(256) });
        await client.control([0x80, 8, 0, 0, 0, 0, 1, 0]);
      },
    ],
    [
      "with an unlink under way",
      async ({ client }) => {
        await client.import();
        await client.selectAlternate(1);
        const { seqnum } = client.isochronous("in", 1024, length);
        void client.unlink(seqnum).catch(() => undefined);
      },
    ],
  ];

  describe.each(states)("%s", (_, reach) => {
    it.each(["end", "destroy"] as const)("by %s leaves nothing behind", async (how) => {
      const { bus, connect, importing } = setUp();
      const connection = connect();
      await reach(connection);
      connection.client[how]();
      expect(["completed", "protocol-error"]).toContain(await connection.ending);
      expect(bus.audit()).toMatchObject(nothing);
      expect((await importing()).client.isClosed).toBe(false);
    });

    it("because the server closes leaves nothing behind", async () => {
      const { bus, connect, server } = setUp();
      const connection = connect();
      await reach(connection);
      await lastValueFrom(server.close(), { defaultValue: undefined });
      await connection.client.closed;
      expect(bus.audit()).toMatchObject(nothing);
    });
  });
});

describe("a hostile peer", () => {
  const urb = (fields: Readonly<Record<number, number>>): Uint8Array => {
    const bytes = new Uint8Array(
      Math.max(48, ...Object.keys(fields).map((offset) => 16 * Math.ceil((Number(offset) + 1) / 16))),
    );
    const view = new DataView(bytes.buffer);
    for (const [offset, value] of Object.entries({ 0: 1, 4: 999, 8: 0x10001, ...fields })) {
      view.setUint32(Number(offset), value);
    }
    return bytes;
  };

  it.each([
    ["a million packets claimed", urb({ 12: 1, 16: 1, 24: 64, 32: 1_000_000 })],
    ["an oversized message: two gigabytes to read", urb({ 12: 1, 16: 1, 24: 0x7fffffff })],
    ["an oversized message: two gigabytes to write", urb({ 16: 1, 24: 0x7fffffff })],
    ["an unknown message", urb({ 0: 77 })],
    ["an unknown message: a reply", urb({ 0: 3 })],
    ["the device of somebody else", urb({ 8: 0x10002 })],
    [
      "messages in another order: a request of before the import",
      encodeMessage({ type: "import-request", busId: "1-1" }),
    ],
    ["lengths that lie: a packet that ends outside of its buffer", urb({ 12: 1, 16: 1, 24: 64, 32: 1, 48: 60, 52: 8 })],
    ["lengths that lie: packets of more than their buffer", urb({ 12: 1, 16: 1, 24: 64, 32: 2, 52: 64, 68: 64 })],
    ["lengths that lie: an offset that overflows", urb({ 12: 1, 16: 1, 24: 64, 32: 1, 48: 0xffffffff, 52: 2 })],
  ])("that sends %s is cut off, and the other clients are not disturbed", async (_, bytes) => {
    const { bus, connect, streaming, failures } = setUp();
    bus.attach(counterDevice({ speed: "full" }));
    const other = await streaming(1, "1-2");
    const { client, ending } = connect();
    await client.import();
    await client.selectAlternate(1);
    client.isochronous("in", 64, length);
    client.sendBytes(bytes);
    // Of what begins like a command, the rest has to come.
    client.sendBytes(new Uint8Array(100));
    expect(await ending).toBe("protocol-error");
    expect(failures).toStrictEqual(["protocol-error"]);
    expect(asSubmitReply(await other.client.isochronous("in", 8, 1023).reply).errorCount).toBe(0);
  });

  it("that makes 300 different mistakes gets a typed error for each, and leaves nothing behind", async () => {
    const { bus, connect, streaming, failures } = setUp();
    bus.attach(counterDevice({ speed: "full" }));
    const other = await streaming(1, "1-2");
    let state = 1;
    const random = (below: number): number => (state = (state * 48_271) % 0x7fffffff) % below;
    for (let i = 0; i < 300; i++) {
      const { client, ending } = connect();
      await client.import();
      client.pause();
      const packets = {
        offsets: Uint32Array.of(0, 64),
        lengths: Uint32Array.of(64, 64),
        actual: new Uint32Array(2),
        statuses: new Int32Array(2),
      };
      const select = Uint8Array.of(1, 11, random(5), 0, 0, 0, 0, 0);
      const commands = [
        client.command({ direction: "out", endpoint: 0, setup: select }),
        client.command({ direction: "in", endpoint: 1, length: 128, packets }),
        client.command({ direction: "out", endpoint: 1, packets, data: new Uint8Array(128) }),
        { type: "unlink" as const, seqnum: 77, deviceId: 0x10001, target: 1 + random(4) },
      ];
      const bytes = Uint8Array.from(commands.flatMap((command) => [...encodeMessage(command)]));
      for (let times = 1 + random(3); times > 0; times--) bytes[random(bytes.length)] = random(256);
      client.sendBytes(bytes.slice(0, random(4) === 0 ? random(bytes.length) : bytes.length));
      await new Promise((resolve) => setImmediate(resolve));
      client.destroy();
      expect(["completed", "protocol-error"]).toContain(await ending);
    }
    expect(new Set(failures)).toStrictEqual(new Set(["protocol-error"]));
    expect(asSubmitReply(await other.client.isochronous("in", 8, 1023).reply).errorCount).toBe(0);
  });

  it("that sends a truncated message, and ends, is cut off", async () => {
    const { streaming, failures } = setUp();
    const { client, ending } = await streaming(1);
    const bytes = encodeMessage(client.command({ direction: "out", endpoint: 0, data: new Uint8Array(100) }));
    client.sendBytes(bytes.subarray(0, bytes.length - 1));
    client.end();
    expect(await ending).toBe("protocol-error");
    expect(failures).toStrictEqual(["protocol-error"]);
  });

  it("that reorders its messages is answered as if it had meant that, each once, or cut off", async () => {
    const { streaming, bus } = setUp();
    const { client } = await streaming(1);
    // An unlink before its submit finds nothing, and the submit that comes then is served.
    const later = client.command({ direction: "in", endpoint: 1 }).seqnum + 2;
    expect(await client.unlink(later)).toMatchObject({ type: "unlink-reply", status: 0 });
    const { seqnum, reply } = client.isochronous("in", 8, length);
    expect(seqnum).toBe(later);
    expect(asSubmitReply(await reply)).toMatchObject({ status: 0, errorCount: 0 });
    // Numbers that go down are as good as others.
    const replies = [9003, 9001, 9002].map((number) => client.isochronous("in", 8, length, { seqnum: number }).reply);
    const all = (await Promise.all(replies)).map(asSubmitReply);
    expect(all.map((each) => each.seqnum)).toStrictEqual([9003, 9001, 9002]);
    const [first = 0] = all.flatMap(counters);
    expect(all.flatMap(counters)).toStrictEqual(from(first, 24));
    expect(bus.audit().inFlight).toBe(0);
  });

  it("that sends messages in another order, a command before the import, is cut off", async () => {
    const { connect, failures } = setUp();
    const { client, ending } = connect();
    client.sendBytes(urb({ 12: 1 }));
    expect(await ending).toBe("protocol-error");
    expect(failures).toStrictEqual(["protocol-error"]);
  });

  describe("that stops writing in mid-message", () => {
    const patience = 50;
    const submit = () => urb({ 16: 0, 24: 100 });

    it.each([
      ["in the header", () => submit().subarray(0, 10)],
      ["before the data", () => submit()],
      ["in the data", () => Uint8Array.of(...submit(), ...new Uint8Array(99))],
      ["in the packets", () => urb({ 12: 1, 16: 1, 24: 64, 32: 2, 52: 8 })],
    ])("%s: in time, cut off, and its device is another's", async (_, bytes) => {
      const { importing, streaming, failures, bus } = setUp({ patience });
      const { ending, client } = await streaming(1);
      for (let i = 0; i < 4; i++) client.isochronous("in", 64, length);
      client.sendBytes(bytes());
      expect(await ending).toBe("protocol-error");
      expect(failures).toStrictEqual(["protocol-error"]);
      expect(bus.audit()).toMatchObject(nothing);
      await importing();
    });

    it("and goes on byte for byte is cut off all the same", async () => {
      const { importing } = setUp({ patience });
      const { ending, client } = await importing();
      const bytes = Uint8Array.of(...submit(), ...new Uint8Array(99));
      let sent = 0;
      const dripping = setInterval(() => {
        if (sent < bytes.length) client.sendBytes(bytes.subarray(sent, ++sent));
      }, 20);
      expect(await ending).toBe("protocol-error");
      clearInterval(dripping);
      expect(sent).toBeLessThan(bytes.length);
    });

    it("is none who is silent between two messages", async () => {
      const { streaming } = setUp({ patience });
      const { client } = await streaming(1);
      // Several times what is allowed within one.
      await new Promise((resolve) => setTimeout(resolve, 1000));
      expect(asSubmitReply(await client.isochronous("in", 8, length).reply).errorCount).toBe(0);
    });

    it("has the time anew for each message, though none ends where a piece does", async () => {
      const { importing } = setUp({ patience });
      const { client } = await importing();
      const messages: number[] = [];
      const collecting = vi.spyOn(client, "sendBytes").mockImplementation((bytes) => {
        messages.push(...bytes);
      });
      const replies = from(0, 40).map(() => client.unlink(77));
      collecting.mockRestore();
      for (let at = 0; at < messages.length; at += 48) {
        client.sendBytes(Uint8Array.from(messages.slice(at === 0 ? 0 : at - 24, at + 24)));
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
      client.sendBytes(Uint8Array.from(messages.slice(-24)));
      for (const reply of await Promise.all(replies)) expect(reply).toMatchObject({ status: 0 });
    });
  });

  it("that sends a message in duplicate, a number twice, is cut off", async () => {
    const { streaming } = setUp();
    const { client, ending } = await streaming(1);
    const { seqnum } = client.isochronous("in", 1024, length);
    client.isochronous("in", 8, length, { seqnum });
    expect(await ending).toBe("protocol-error");
  });

  it("that stops reading is not read either: memory stays within the limit", async () => {
    const limit = 1 << 20;
    const { streaming, bus } = setUp({ bytesInFlight: limit });
    const { client, ending, stream } = await streaming(1);
    client.pause();
    const transfer = 64 * length;
    const replies = from(0, 200).map(() => client.isochronous("in", 64, length).reply);
    let submitted = -1;
    while (submitted !== bus.audit().submitted || bus.audit().inFlight > 0) {
      ({ submitted } = bus.audit());
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(submitted).toBeGreaterThan(1);
    expect(submitted * transfer).toBeLessThan(limit + 2 * transfer);
    expect(stream.mostWaiting).toBeGreaterThan(transfer);
    expect(stream.mostWaiting).toBeLessThan(limit + 2 * transfer);
    // It takes them after all, and everything goes on where it was.
    client.resume();
    const all = (await Promise.all(replies)).map(asSubmitReply);
    expect(all.flatMap(counters).length).toBe(200 * 64);
    stream.destroy();
    await ending;
  });

  it("that stops reading, and asks for things all the time, does not grow either", async () => {
    const { importing } = setUp({ bytesInFlight: 1 << 16 });
    const { client, stream, ending } = await importing();
    client.pause();
    for (let i = 0; i < 2000; i++) void client.unlink(i).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 20));
    // Each counts 512 bytes until its reply of 48 is taken.
    const replies = (1 << 16) / 512 + 1;
    expect(stream.mostWaiting).toBeGreaterThan(48 * 100);
    expect(stream.mostWaiting).toBeLessThanOrEqual(48 * replies);
    client.destroy();
    await ending;
  });

  it("that submits more than the limit at once has one transfer under way", async () => {
    const { streaming } = setUp({ bytesInFlight: 1 });
    const { client } = await streaming(1);
    const replies = await Promise.all(from(0, 5).map(() => client.isochronous("in", 32, length).reply));
    for (const reply of replies) expect(asSubmitReply(reply).errorCount).toBe(0);
  });
});

import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";
import { firstValueFrom, throwError } from "rxjs";
import { describe, expect, it } from "vitest";
import { IsochError, TransportError, type IsochTransport } from "rx-isoch";
import { counterDevice, VirtualBus } from "rx-isoch/transports/virtual";
import { serve, type ServeEvent, type ServeOptions } from "rx-isoch/transports/usbip/serve";
import { usbipStatus } from "../../../transports/usbip/protocol/index.js";
import { done } from "../../support/raw-port.js";
import { bridge, busIds, bystander, ofType, strictClient, strictStream, token } from "./bridge.js";
import { codeOf, until } from "./client/setup.js";

describe("what is served", () => {
  it("is what is listed, over either carrier", async () => {
    const { overTcp, overWebSocket } = await bridge();
    expect(await busIds(overTcp())).toStrictEqual(["1-1", "1-2"]);
    expect(await busIds(overWebSocket())).toStrictEqual(["1-1", "1-2"]);
  });

  it("nothing else can be imported, or is touched", async () => {
    const { bus, url, overWebSocket } = await bridge({ devices: [{ serialNumber: "B" }] });
    for (const id of ["1-2", "1-3", "virtual-1"]) {
      const { client } = await strictClient(url);
      expect((await client.import(id)).status).toBe(usbipStatus.noSuchDevice);
    }
    expect(await codeOf(overWebSocket().open({ serialNumber: "hidden" }))).toBe("no-such-device");
    expect(bus.audit().submitted).toBe(0);
  });

  it("is also what attaches later, if it is listed", async () => {
    const { bus, overTcp } = await bridge({ devices: [{ serialNumber: "B" }, { serialNumber: "later" }] });
    bus.attach(counterDevice({ serialNumber: "later, and other" }));
    bus.attach(counterDevice({ serialNumber: "later" }));
    expect(await busIds(overTcp())).toStrictEqual(["1-1", "1-2"]);
  });

  it("is what any of the transports has", async () => {
    const other = new VirtualBus({ devices: [counterDevice({ serialNumber: "A" })] });
    const one = new VirtualBus({ devices: [counterDevice({ serialNumber: "A" })] });
    const { overWebSocket } = await bridge({ transports: [one, other] });
    expect(await busIds(overWebSocket())).toStrictEqual(["1-1", "2-1"]);
  });

  it("is of one transport, where that is said, though others have the same", async () => {
    const [one, other] = [1, 2].map(() => new VirtualBus({ devices: [counterDevice()] }));
    if (one === undefined || other === undefined) throw new Error("no bus");
    const { overTcp } = await bridge({
      transports: [one, other],
      devices: [{ id: "virtual-1", transport: other }],
    });
    expect(await busIds(overTcp())).toStrictEqual(["2-1"]);
  });
});

describe("a device has one client", () => {
  it("a second is refused it, whichever way he comes, and the first goes on", async () => {
    const { overTcp, overWebSocket, url } = await bridge();
    const first = await bystander(overWebSocket(), "1-2");
    expect(await codeOf(overWebSocket().open({ id: "1-2" }))).toBe("interface-busy");
    expect(await codeOf(overTcp().open({ id: "1-2" }))).toBe("interface-busy");
    const { client } = await strictClient(url);
    expect((await client.import("1-2")).status).toBe(usbipStatus.busy);
    await first.isUndisturbed();
    const device = await firstValueFrom(overTcp().open({ id: "1-2" }));
    await done(device.close());
  });

  it("several clients have one each, over either carrier", async () => {
    const { overTcp, overWebSocket } = await bridge();
    const both = await Promise.all([bystander(overWebSocket(), "1-1"), bystander(overTcp(), "1-2")]);
    for (const each of both) await each.isUndisturbed();
  });
});

describe("what it tells", () => {
  it("who comes and goes", async () => {
    const { events, overTcp, overWebSocket } = await bridge();
    await busIds(overTcp());
    await busIds(overWebSocket());
    await until(() => ofType(events, "disconnected").length === ofType(events, "connected").length);
    for (const carrier of ["tcp", "websocket"]) {
      const come = ofType(events, "connected").filter((event) => event.carrier === carrier);
      const gone = ofType(events, "disconnected").filter((event) => event.carrier === carrier);
      expect(come.length).toBeGreaterThan(0);
      expect(come[0]?.peer).toMatch(/^127\.0\.0\.1:\d+$/);
      expect(gone.map(({ peer }) => peer)).toEqual(expect.arrayContaining(come.map(({ peer }) => peer)));
      expect(gone.every(({ error }) => error === undefined)).toBe(true);
    }
  });

  it.each(["tcp", "websocket"] as const)(
    "who has which device, and when it is given back, over %s",
    async (carrier) => {
      const { events, overTcp, overWebSocket } = await bridge();
      const transport = carrier === "tcp" ? overTcp() : overWebSocket();
      const device = await firstValueFrom(transport.open({ id: "1-2" }));
      expect(await codeOf(overTcp().open({ id: "1-2" }))).toBe("interface-busy");
      expect(ofType(events, "released")).toStrictEqual([]);
      await done(device.close());
      await until(() => ofType(events, "released").length === 1);
      const told = events.filter(({ type }) => type === "imported" || type === "released");
      const whose = { carrier, busId: "1-2", device: expect.objectContaining({ serialNumber: "B" }) as unknown };
      expect(told).toMatchObject([
        { ...whose, type: "imported" },
        { ...whose, type: "released" },
      ]);
      const [imported, released] = told.map((event) => ("peer" in event ? event.peer : undefined));
      expect(imported).toMatch(/^127\.0\.0\.1:\d+$/);
      expect(released).toBe(imported);
      expect(ofType(events, "connected").some(({ peer }) => peer === imported)).toBe(true);
    },
  );

  it("that a device was given back, too, where it was unplugged or its client was cut off", async () => {
    const { events, attachments, stop, ended, url } = await bridge();
    const unplugged = await strictStream(url, "1-1");
    await strictStream(url, "1-2");
    attachments[0]?.detach();
    await unplugged.client.closed;
    await until(() => ofType(events, "released").length === 1);
    stop.next();
    await ended;
    expect(ofType(events, "released").map(({ busId }) => busId)).toStrictEqual(["1-1", "1-2"]);
  });

  it("that somebody was turned away, over TCP: without the token, and beyond the limit of connections", async () => {
    const { events, overTcp } = await bridge({ tcp: { token, connections: 1 }, webSocket: false });
    expect(await codeOf(overTcp().devices())).toBe("transport-failed");
    await until(() => ofType(events, "refused").length === 1);
    const { port } = ofType(events, "listening")[0]?.address ?? { port: 0 };
    const [first, second] = await Promise.all(
      [1, 2].map(async () => {
        const socket = connect({ host: "127.0.0.1", port });
        socket.on("error", () => undefined);
        await once(socket, "connect");
        return socket.resume();
      }),
    );
    await until(() => ofType(events, "refused").length === 2);
    first?.destroy();
    second?.destroy();
    const refused = ofType(events, "refused");
    expect(refused.map(({ error, carrier }) => `${carrier} ${error.code}`)).toStrictEqual([
      "tcp access-denied",
      "tcp transport-failed",
    ]);
    expect(refused.every(({ peer }) => peer?.startsWith("127.0.0.1:"))).toBe(true);
    expect(ofType(events, "connected")).toStrictEqual([]);
  });

  it("that a transport failed; the others are served on", async () => {
    const error = new TransportError("transport-failed", "no bus");
    const bus = new VirtualBus({ devices: [counterDevice({ serialNumber: "A" })] });
    const { name, capabilities } = bus;
    const broken: IsochTransport = {
      name,
      capabilities,
      devices: () => throwError(() => error),
      open: () => bus.open({}),
    };
    const { events, overTcp } = await bridge({ transports: [broken, bus] });
    expect(ofType(events, "failed")).toStrictEqual([{ type: "failed", transport: name, error }]);
    expect(await busIds(overTcp())).toStrictEqual(["2-1"]);
  });
});

describe("its end", () => {
  it("completes when every device was given back, in the middle of streams", async () => {
    const { bus, url, stop, ended, overTcp } = await bridge();
    const { client } = await strictStream(url);
    for (let i = 0; i < 16; i++) client.isochronous("in", 64, 1024);
    const device = await firstValueFrom(overTcp().open({ id: "1-2" }));
    const gone = firstValueFrom(device.gone);
    stop.next();
    await ended;
    expect(bus.audit()).toMatchObject({ openDevices: 0, claimedInterfaces: 0, inFlight: 0 });
    expect((await gone).code).toBe("device-gone");
    await client.closed;
    await done(device.close());
    expect(await codeOf(overTcp().devices())).toBe("transport-failed");
  });

  it("by an unsubscribe gives back as well", async () => {
    const bus = new VirtualBus({ devices: [counterDevice()] });
    const events: ServeEvent[] = [];
    const served = serve({ transports: [bus], devices: [{ id: "virtual-1" }], tcp: false, webSocket: { port: 0 } });
    const subscription = served.subscribe((event) => events.push(event));
    await until(() => events.length === 1);
    const [listening] = ofType(events, "listening");
    const { client } = await strictStream((listening?.address as { readonly url: string }).url);
    expect(bus.audit().openDevices).toBe(1);
    subscription.unsubscribe();
    await client.closed;
    await until(() => bus.audit().openDevices === 0);
    expect(ofType(events, "disconnected")).toStrictEqual([]);
  });
});

/** What it begins with: an event, or an error. */
function beginning(options: Partial<ServeOptions> = {}): Promise<string> {
  const defaults: ServeOptions = {
    transports: [],
    devices: [{ serialNumber: "A" }],
    tcp: false,
    webSocket: { port: 0 },
  };
  return firstValueFrom(serve({ ...defaults, ...options })).then(
    ({ type }) => type,
    (error: unknown) => (IsochError.is(error) ? error.code : String(error)),
  );
}

describe("what it refuses to begin with", () => {
  it.each([
    ["no list", []],
    ["a selector that says nothing", [{ serialNumber: "A" }, {}]],
    ["one that says nothing in many words", [{ vendorId: undefined, id: undefined }]],
  ])("%s: nobody means all devices", async (_, devices) => {
    expect(await beginning({ devices })).toBe("invalid-option");
  });

  it("an id where several transports may have it, and a transport that is none of them", async () => {
    const [one, other] = [new VirtualBus(), new VirtualBus()];
    expect(await beginning({ transports: [one, other], devices: [{ id: "virtual-1" }] })).toBe("invalid-option");
    const devices = [{ id: "virtual-1", transport: other }];
    expect(await beginning({ transports: [one, other], devices })).toBe("listening");
    expect(await beginning({ transports: [one], devices })).toBe("invalid-option");
    expect(await beginning({ transports: [one], devices: [{ transport: one }] })).toBe("invalid-option");
  });

  it("nowhere to listen", async () => {
    expect(await beginning({ webSocket: false })).toBe("invalid-option");
  });

  it.each(["0.0.0.0", "::", "192.0.2.1", "example.org", ""])("a WebSocket on %j without a token", async (host) => {
    expect(await beginning({ webSocket: { host, port: 0 } })).toBe("invalid-option");
    if (host === "0.0.0.0") expect(await beginning({ webSocket: { host, port: 0, token } })).toBe("listening");
  });

  it("TCP on another address without a token of its own, unless it is said", async () => {
    const tcp = { host: "0.0.0.0", port: 0 };
    expect(await beginning({ tcp, webSocket: { port: 0, token } })).toBe("invalid-option");
    expect(await beginning({ tcp: { ...tcp, token }, webSocket: false })).toBe("listening");
    expect(await beginning({ tcp: { ...tcp, allowWithoutToken: true }, webSocket: false })).toBe("listening");
  });

  it("a limit that is none", async () => {
    expect(await beginning({ bytesInFlight: -1 })).toBe("invalid-number");
    expect(await beginning({ webSocket: { connections: 0 } })).toBe("invalid-number");
    expect(await beginning({ webSocket: { port: 65_536 } })).toBe("invalid-number");
  });

  it("a port that is taken, and then listens on neither", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const events: ServeEvent[] = [];
    const error = await new Promise((resolve) => {
      serve({ transports: [], devices: [{ id: "1" }], tcp: { port: 0 }, webSocket: { port } }).subscribe({
        next: (event) => events.push(event),
        error: resolve,
      });
    });
    other.close();
    expect(error).toMatchObject({ code: "transport-failed", native: "EADDRINUSE" });
  });
});

import dns from "node:dns";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { connect as connectSocket, createServer, type AddressInfo, type Socket } from "node:net";
import { lastValueFrom } from "rxjs";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { IsochError } from "rx-isoch";
import { counterDevice, readCounter, unpacedClock, VirtualBus, writeCounter } from "rx-isoch/transports/virtual";
import { UsbipServer, type UsbipServerOptions } from "rx-isoch/transports/usbip";
import { listenTcp, tcpStream, type TcpAddress, type TcpOptions } from "rx-isoch/transports/usbip/tcp";
import { errno } from "../../../transports/usbip/protocol/index.js";
import { asSubmitReply, StrictClient } from "./strict-client.js";

const nothing = { openDevices: 0, claimedInterfaces: 0, inFlight: 0, dmaBuffers: 0 };
const length = 3072;

/** Listens until the end of the test. */
function listen(server: UsbipServer, options: TcpOptions): Promise<TcpAddress> {
  return new Promise((resolve, reject) => {
    const listening = listenTcp(server, options).subscribe({ next: resolve, error: reject });
    onTestFinished(() => {
      listening.unsubscribe();
    });
  });
}

async function setUp(options: Partial<UsbipServerOptions> = {}, tcp: TcpOptions = {}) {
  const device = counterDevice();
  const bus = new VirtualBus({ clock: unpacedClock() });
  const attachment = bus.attach(device);
  bus.attach(counterDevice({ speed: "full" }));
  const server = new UsbipServer({ transports: [bus], ...options });
  const { host, port } = await listen(server, { port: 0, ...tcp });
  const sockets: Socket[] = [];
  const connect = async () => {
    const socket = connectSocket({ host, port, allowHalfOpen: true });
    sockets.push(socket);
    await once(socket, "connect");
    return socket;
  };
  const importing = async (busId = "1-1", alternate = 1) => {
    const socket = await connect();
    const client = new StrictClient(tcpStream(socket));
    expect((await client.import(busId)).status).toBe(0);
    expect(await client.selectAlternate(alternate)).toBe(0);
    return { socket, client };
  };
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await lastValueFrom(server.close(), { defaultValue: undefined });
    expect(bus.audit()).toMatchObject(nothing);
  });
  return { bus, device, attachment, server, host, port, connect, importing };
}

const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 2));
};

describe("over TCP", () => {
  it("lists, and closes", async () => {
    const { connect, host } = await setUp();
    expect(host).toBe("127.0.0.1");
    const client = new StrictClient(tcpStream(await connect()));
    expect((await client.list()).devices.map(({ busId }) => busId)).toStrictEqual(["1-1", "1-2"]);
    await client.closed;
  });

  it("streams 24 MB in at high speed, without a gap", async () => {
    const { importing } = await setUp();
    const { client } = await importing();
    const counters: (number | undefined)[] = [];
    const transfers = Array.from({ length: 250 }, () => client.isochronous("in", 32, length).reply);
    for (const transfer of transfers) {
      const { data, errorCount, actualLength } = asSubmitReply(await transfer);
      expect({ errorCount, actualLength }).toStrictEqual({ errorCount: 0, actualLength: 32 * length });
      for (let at = 0; at < data.length; at += length) counters.push(readCounter(data, at));
    }
    const [first = 0] = counters;
    expect(counters).toStrictEqual(Array.from({ length: 8000 }, (_, i) => first + i));
  });

  it("streams out, every packet in order, two clients at a time", async () => {
    const { importing, device } = await setUp();
    const [{ client }, other] = await Promise.all([importing("1-1", 2), importing("1-2", 1)]);
    let counter = 0;
    const outs = Array.from({ length: 50 }, () => {
      const data = new Uint8Array(32 * length);
      for (let i = 0; i < 32; i++) writeCounter(data, counter++, i * length);
      return client.isochronous("out", 32, length, { data }).reply;
    });
    const ins = Array.from({ length: 20 }, () => other.client.isochronous("in", 8, 1023).reply);
    for (const reply of await Promise.all([...outs, ...ins])) expect(asSubmitReply(reply).errorCount).toBe(0);
    expect(device.statistics).toStrictEqual({ packets: 1600, mismatches: 0, short: 0 });
  });

  it.each(["end", "destroy", "resetAndDestroy"] as const)(
    "a socket's %s with transfers in flight leaves nothing",
    async (how) => {
      const { importing, bus, server } = await setUp();
      const { client, socket } = await importing();
      for (let i = 0; i < 16; i++) client.isochronous("in", 1024, length);
      await until(() => bus.audit().submitted > 0);
      socket[how]();
      await until(() => server.clients === 0);
      expect(bus.audit()).toMatchObject(nothing);
      expect(server.exports.every(({ isImported }) => !isImported)).toBe(true);
    },
  );

  it("a peer that stops reading costs no more than its limit and the buffers of the system", async () => {
    const { importing, bus, server } = await setUp({ bytesInFlight: 1 << 20 });
    const { client, socket } = await importing();
    client.pause();
    const size = 64 * length;
    for (let i = 0; i < 400; i++) client.isochronous("in", 64, length);
    let before = -1;
    for (let same = 0; same < 20;) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      const { submitted } = bus.audit();
      same = submitted > 0 && submitted === before ? same + 1 : 0;
      before = submitted;
    }
    // Of 79 MB; Linux buffers at most some 10 MB between two sockets.
    expect(before * size).toBeLessThan(24_000_000);
    const other = await importing("1-2");
    expect(asSubmitReply(await other.client.isochronous("in", 8, 1023).reply).errorCount).toBe(0);
    socket.destroy();
    await until(() => server.clients === 1);
    expect(server.exports.filter(({ isImported }) => isImported).map(({ busId }) => busId)).toStrictEqual(["1-2"]);
  });

  it("closing gives the device back at once, though the peer does not read", async () => {
    const { importing, bus, server } = await setUp({ bytesInFlight: 1 << 20 });
    const { client } = await importing();
    client.pause();
    for (let i = 0; i < 100; i++) client.isochronous("in", 64, length);
    await until(() => bus.audit().completed > 5);
    const closed = lastValueFrom(server.close(), { defaultValue: undefined });
    await until(() => bus.audit().openDevices === 0);
    expect(bus.audit()).toMatchObject(nothing);
    await closed;
    expect(server.clients).toBe(0);
  });

  it.each([0, 500])("a peer that takes nothing any more, after %s ms of rest, is broken off", async (rest) => {
    const { importing, bus, server } = await setUp({}, { drainTimeout: 200 });
    const failures: string[] = [];
    server.failures.subscribe(({ code }) => failures.push(code));
    const { client } = await importing();
    await new Promise((resolve) => setTimeout(resolve, rest));
    client.pause();
    for (let i = 0; i < 300; i++) client.isochronous("in", 64, length);
    await until(() => server.clients === 0);
    expect(failures).toStrictEqual(["transport-failed"]);
    expect(bus.audit()).toMatchObject(nothing);
  });

  it("a peer that has nothing to say, and nothing to take, is not", async () => {
    const { importing } = await setUp({}, { drainTimeout: 50 });
    const { client } = await importing();
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(asSubmitReply(await client.isochronous("in", 8, length).reply).errorCount).toBe(0);
  });

  it.runIf(existsSync("/proc/net/tcp"))("a peer that is silent is asked after ten seconds", async () => {
    const { importing, port } = await setUp();
    const { socket } = await importing();
    // At the server's end: once the reply is acknowledged, the timer is that of keep-alive, 02.
    let left: string | undefined;
    while (left === undefined) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      [, left] = / 02:([0-9A-F]+) /.exec(socketLine(port, socket.localPort ?? 0)) ?? [];
    }
    // In hundredths of a second.
    expect(parseInt(left, 16)).toBeLessThanOrEqual(1000);
  });

  it("an unplug leaves no transfer without its reply, though the peer goes on asking", async () => {
    const { importing, attachment, server } = await setUp();
    const { client } = await importing();
    const replies = Array.from({ length: 16 }, () => client.isochronous("in", 64, length).reply);
    await client.control([0x80, 8, 0, 0, 0, 0, 1, 0]);
    client.pause();
    attachment.detach();
    for (let i = 0; i < 50; i++) {
      void client.unlink(123_456).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    client.resume();
    for (const reply of await Promise.all(replies)) expect(reply.type).toBe("submit-reply");
    await until(() => server.clients === 0);
    expect(client.failure).toBeUndefined();
  });

  it("an unlink in the middle is answered", async () => {
    const { importing } = await setUp();
    const { client } = await importing();
    client.isochronous("in", 1024, length);
    const { seqnum, reply } = client.isochronous("in", 1024, length);
    const { status } = asUnlink(await client.unlink(seqnum));
    expect([0, errno.ECONNRESET]).toContain(status);
    await reply;
  });

  it("more connections than the limit: closed at once, told of, and there is room again once one goes", async () => {
    const { connect, server } = await setUp({}, { connections: 1 });
    const failures: string[] = [];
    server.failures.subscribe(({ code, message }) => failures.push(`${code}: ${message}`));
    const first = await connect();
    await until(() => server.clients === 1);
    const second = await connect();
    second.on("error", () => undefined);
    second.on("end", () => second.end());
    second.resume();
    await until(() => failures.length > 0 && second.closed);
    expect(failures).toStrictEqual([expect.stringMatching(/^transport-failed: 1 connections are open/)]);
    expect(server.clients).toBe(1);
    first.destroy();
    await until(() => server.clients === 0);
    await connect();
    await until(() => server.clients === 1);
    expect(failures).toHaveLength(1);
  });

  it("a browser, or anybody else, is cut off", async () => {
    const { connect, server } = await setUp();
    const failures: string[] = [];
    server.failures.subscribe(({ code }) => failures.push(code));
    const socket = await connect();
    socket.resume();
    socket.on("error", () => undefined);
    socket.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await once(socket, "end");
    expect(failures).toStrictEqual(["protocol-error"]);
  });
});

function asUnlink(reply: { readonly type: string; readonly status: number }): { readonly status: number } {
  expect(reply.type).toBe("unlink-reply");
  return reply;
}

/** What Linux says of a connection, seen from the first port. */
function socketLine(port: number, otherPort: number): string {
  const hexadecimal = (number: number): string => number.toString(16).toUpperCase().padStart(4, "0");
  const ends = new RegExp(`^ *\\d+: \\S+:${hexadecimal(port)} \\S+:${hexadecimal(otherPort)} `);
  const lines = readFileSync("/proc/net/tcp", "utf8").split("\n");
  return lines.find((line) => ends.test(line))?.trim() ?? "";
}

describe("where it listens", () => {
  const codeOf = async (options: TcpOptions): Promise<string> => {
    const server = new UsbipServer({ transports: [] });
    try {
      await listen(server, { port: 0, ...options });
      return "listens";
    } catch (error) {
      return IsochError.is(error) ? error.code : String(error);
    }
  };

  it.each(["0.0.0.0", "::", "192.168.1.1", "10.0.2.15", "example.org", "localhost.example.org", "127.evil.org", ""])(
    "not on %j, where there is no token, unless it is told to",
    async (host) => {
      expect(await codeOf({ host })).toBe("invalid-option");
    },
  );

  it.each(["127.0.0.1", "localhost", "127.0.0.2"])("on %s", async (host) => {
    expect(await codeOf({ host })).toBe("listens");
  });

  it("on no name for this machine that stands for another address", async () => {
    const addresses = [{ address: "0.0.0.0", family: 4 }];
    const lookup = vi.spyOn(dns, "lookup").mockImplementation((_: string, ...rest: unknown[]) => {
      const told = rest.at(-1) as (error: null, address: unknown, family?: number) => void;
      if (rest.length === 1) told(null, "0.0.0.0", 4);
      else told(null, addresses);
    });
    onTestFinished(() => {
      lookup.mockRestore();
    });
    expect(await codeOf({ host: "localhost" })).toBe("invalid-option");
    expect(await codeOf({ host: "localhost", allowWithoutToken: true })).toBe("listens");
  });

  it("elsewhere where clients must have a token, or where it is told to do without", async () => {
    const token = "0123456789abcdef";
    expect(await codeOf({ host: "0.0.0.0", token })).toBe("listens");
    expect(await codeOf({ host: "0.0.0.0", allowWithoutToken: true })).toBe("listens");
    expect(await codeOf({ host: "0.0.0.0", allowWithoutToken: false })).toBe("invalid-option");
    expect(await codeOf({ host: "0.0.0.0", token, allowWithoutToken: true })).toBe("invalid-option");
  });

  it.each(["", "short", "0123456789abcde", "x".repeat(1025)])("with no token such as %j", async (token) => {
    expect(await codeOf({ token })).toBe("invalid-option");
  });

  it.each([-1, 65_536, 1.5, Number.NaN])("on no port %d", async (port) => {
    expect(await codeOf({ port })).toBe("invalid-number");
  });

  it("says that a port is taken", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const error = await listen(new UsbipServer({ transports: [] }), { port }).catch((reason: unknown) => reason);
    other.close();
    expect(error).toMatchObject({ code: "transport-failed", native: "EADDRINUSE" });
  });

  it("no longer after the unsubscribe", async () => {
    const server = new UsbipServer({ transports: [] });
    const { host, port } = await new Promise<TcpAddress>((resolve) => {
      const listening = listenTcp(server, { port: 0 }).subscribe((address) => {
        listening.unsubscribe();
        resolve(address);
      });
    });
    const socket = connectSocket({ host, port });
    const [error] = (await once(socket, "error")) as [NodeJS.ErrnoException];
    expect(error.code).toBe("ECONNREFUSED");
  });
});

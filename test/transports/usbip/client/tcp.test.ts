import dns from "node:dns";
import { once } from "node:events";
import { createServer, type AddressInfo, type Server } from "node:net";
import { firstValueFrom, from, lastValueFrom, take, toArray } from "rxjs";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { isochPipe } from "rx-isoch";
import { close, issue } from "rx-isoch/operators";
import { usbip, UsbipServer } from "rx-isoch/transports/usbip";
import { connectTcp, listenTcp, type TcpAddress, type TcpOptions } from "rx-isoch/transports/usbip/tcp";
import {
  counterDevice,
  counterProtocol,
  realTimeClock,
  unpacedClock,
  VirtualBus,
  writeCounter,
} from "rx-isoch/transports/virtual";
import { done } from "../../../support/raw-port.js";
import { codeOf, until } from "./setup.js";
import { secondOfHighSpeed } from "../second-of-high-speed.js";

const { vendorId } = counterProtocol;

type Lookup = (host: string, options: unknown, answer: (error: null, addresses: readonly object[]) => void) => void;

async function listening(): Promise<{ readonly listener: Server; readonly port: number }> {
  const listener = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
  await once(listener, "listening");
  onTestFinished(() => {
    listener.close();
  });
  return { listener, port: (listener.address() as AddressInfo).port };
}

describe("connecting", () => {
  it("to where nobody listens: transport-failed, with the code of Node", async () => {
    const { listener, port } = await listening();
    listener.close();
    await once(listener, "close");
    const error = await lastValueFrom(connectTcp({ host: "127.0.0.1", port })).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: "TransportError", code: "transport-failed", native: "ECONNREFUSED" });
    expect(await codeOf(usbip({ connect: connectTcp({ host: "127.0.0.1", port }) }).devices())).toBe(
      "transport-failed",
    );
  });

  it("to where nobody listens on any of several addresses says why", async () => {
    const { listener, port } = await listening();
    listener.close();
    await once(listener, "close");
    const addresses = [
      { address: "127.0.0.1", family: 4 },
      { address: "127.0.0.2", family: 4 },
      { address: "::1", family: 6 },
    ];
    const lookup = vi.spyOn(dns, "lookup") as unknown as { mockImplementation: (answer: Lookup) => void };
    lookup.mockImplementation((_host, _options, answer) => {
      answer(null, addresses);
    });
    onTestFinished(() => {
      vi.restoreAllMocks();
    });
    const error = await lastValueFrom(connectTcp({ host: "several", port })).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ native: "ECONNREFUSED" });
    expect(String(error)).toContain(`several:${port} (ECONNREFUSED)`);
  });

  it.each([0, -1, 65_536, 1.5, NaN])("to port %d: invalid-number", async (port) => {
    expect(await codeOf(connectTcp({ host: "127.0.0.1", port }))).toBe("invalid-number");
  });

  it("given up at once leaves no socket", async () => {
    const { listener, port } = await listening();
    let closed = 0;
    listener.on("connection", (socket) => {
      socket.on("error", () => undefined);
      socket.on("close", () => closed++);
      socket.resume();
      socket.on("end", () => socket.end());
    });
    connectTcp({ host: "127.0.0.1", port }).subscribe().unsubscribe();
    const stream = await firstValueFrom(connectTcp({ host: "127.0.0.1", port }));
    stream.destroy();
    await until(() => closed > 0);
    const connections = await new Promise((resolve) => {
      listener.getConnections((_error, count) => {
        resolve(count);
      });
    });
    expect(connections).toBe(0);
  });

  it("to a server that accepts and says nothing: in time, transport-failed", async () => {
    const { port } = await listening();
    const transport = usbip({ connect: connectTcp({ host: "127.0.0.1", port }), timeout: 50 });
    expect(await codeOf(transport.devices())).toBe("transport-failed");
  });
});

describe("with a token", () => {
  const token = "0123456789abcdef";

  /** At an address that other machines can reach, seen from this one. */
  async function demanding(options: TcpOptions = { host: "0.0.0.0", token }) {
    const bus = new VirtualBus({ devices: [counterDevice()], clock: unpacedClock() });
    const server = new UsbipServer({ transports: [bus] });
    const failures: string[] = [];
    server.failures.subscribe(({ code }) => failures.push(code));
    const { port } = await new Promise<TcpAddress>((resolve, reject) => {
      const subscription = listenTcp(server, { port: 0, ...options }).subscribe({ next: resolve, error: reject });
      onTestFinished(() => {
        subscription.unsubscribe();
      });
    });
    onTestFinished(() => done(server.close()));
    const transport = (offered?: string) =>
      usbip({ connect: connectTcp({ host: "127.0.0.1", port, token: offered }), timeout: 5000 });
    return { server, failures, transport };
  }

  it("the server demands it before anything else, and streams to who has it", async () => {
    const { transport, server, failures } = await demanding();
    const pipe = isochPipe(transport(token), { vendorId, endpoint: counterProtocol.inEndpoint, alternate: 1 });
    const [results] = await lastValueFrom(pipe.results({ frames: 8 }).pipe(take(1), toArray()));
    expect(results?.error).toBe("ok");
    await lastValueFrom(pipe.closing, { defaultValue: undefined });
    await until(() => server.clients === 0);
    expect(failures).toStrictEqual([]);
  });

  it("another one: access-denied, while a client that has it goes on", async () => {
    const { transport, failures } = await demanding();
    const device = await firstValueFrom(transport(token).open({ vendorId }));
    expect(await codeOf(transport("fedcba9876543210").devices())).toBe("access-denied");
    expect(await codeOf(transport("fedcba9876543210").open({ vendorId }))).toBe("access-denied");
    expect(failures).toStrictEqual(["access-denied", "access-denied"]);
    await done(device.claimInterface(0));
    await done(device.close());
  });

  it("none: the connection is closed without an answer", async () => {
    const { transport, failures } = await demanding();
    const error = await lastValueFrom(transport().devices()).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: "transport-failed",
      message: expect.stringContaining("wants a token") as string,
    });
    expect(failures).toStrictEqual(["access-denied"]);
  });

  it("where the server demands none: it does not know what that is, and the error says so", async () => {
    const { transport, failures } = await demanding({});
    const error = await lastValueFrom(transport(token).devices()).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: "TransportError", message: expect.stringContaining("demands one") as string });
    expect(failures).toStrictEqual(["protocol-error"]);
  });

  it.each(["", "short", "x".repeat(1025)])("%j is none: invalid-option, and nobody connects", async (offered) => {
    expect(await codeOf(connectTcp({ host: "127.0.0.1", port: 1, token: offered }))).toBe("invalid-option");
  });

  it.each([
    ["something else", Uint8Array.of(1, 0x11, 0, 3, 0, 0, 0, 0), "protocol-error"],
    ["nothing, and hangs up", undefined, "protocol-error"],
    ["that it refuses", Uint8Array.of(1, 0x11, 0x72, 0x78, 0, 0, 0, 1), "access-denied"],
    ["what no server says", Uint8Array.of(1, 0x11, 0x72, 0x78, 0, 0, 0, 9), "access-denied"],
  ])("a server that answers %s: the connection is closed", async (_, answer, code) => {
    const { listener, port } = await listening();
    let isClosed = false;
    listener.on("connection", (socket) => {
      socket.on("error", () => undefined);
      socket.on("close", () => (isClosed = true));
      socket.on("end", () => socket.end());
      socket.once("data", () => {
        if (answer === undefined) socket.end();
        else socket.write(answer);
      });
    });
    expect(await codeOf(connectTcp({ host: "127.0.0.1", port, token }))).toBe(code);
    await until(() => isClosed);
  });

  it("a server that takes it and says nothing: in time, transport-failed", async () => {
    const { port } = await listening();
    const connect = connectTcp({ host: "127.0.0.1", port, token });
    expect(await codeOf(usbip({ connect, timeout: 50 }).devices())).toBe("transport-failed");
  });
});

describe("over TCP", () => {
  async function served(clock = unpacedClock()) {
    const device = counterDevice();
    const bus = new VirtualBus({ devices: [device], clock });
    const server = new UsbipServer({ transports: [bus] });
    const address = await new Promise<TcpAddress>((resolve, reject) => {
      const subscription = listenTcp(server, { port: 0 }).subscribe({ next: resolve, error: reject });
      onTestFinished(() => {
        subscription.unsubscribe();
      });
    });
    onTestFinished(async () => {
      await done(server.close());
      expect(bus.audit()).toMatchObject({ openDevices: 0, inFlight: 0 });
    });
    return { device, server, transport: usbip({ connect: connectTcp(address) }) };
  }

  it("brings a second of high speed as fast as it can, every packet once or told as lost", async () => {
    expect((await secondOfHighSpeed((await served(unpacedClock())).transport)).milliseconds).toBeLessThan(10_000);
  });

  // Again where the machine was busy with something else: a defect fails each time.
  it("brings a second of high speed in a second, and loses nothing", { retry: 4 }, async () => {
    const { lost, milliseconds } = await secondOfHighSpeed((await served(realTimeClock())).transport);
    expect(lost).toBe(0);
    // At the pace of the bus, not in bursts behind it.
    expect(milliseconds).toBeLessThan(5000);
  });

  it("takes a second of high speed in a second, every packet once and in order", async () => {
    const { transport, device } = await served(realTimeClock());
    const pipe = isochPipe(transport, { vendorId, endpoint: counterProtocol.outEndpoint, alternate: 2 });
    let counter = 0;
    const requests = Array.from({ length: 250 }, () => {
      const buffer = new Uint8Array(32 * 3072);
      for (let i = 0; i < 32; i++) writeCounter(buffer, counter++, 3072 * i);
      return { lengths: 3072, frames: 32, buffer };
    });
    const results = await lastValueFrom(
      from(requests).pipe(issue(pipe, { queue: 100, backlog: 250 }), close(), toArray()),
    );
    const losses = results.flatMap(({ error, lost }, i) => (error === "ok" && lost === 0 ? [] : [{ i, error, lost }]));
    // The bus begins with the first that comes there, and nobody says when the second does.
    expect(losses.filter(({ i }) => i >= 20)).toStrictEqual([]);
    expect(losses.every(({ error }) => error === "ok")).toBe(true);
    expect(device.statistics).toStrictEqual({ packets: 8000, mismatches: 0, short: 0 });
  });

  it("a server that is killed: device-gone, and nothing is left", async () => {
    const { transport, server } = await served();
    const device = await firstValueFrom(transport.open({ vendorId }));
    const gone = firstValueFrom(device.gone);
    await done(server.close());
    expect((await gone).code).toBe("device-gone");
    await done(device.close());
  });
});

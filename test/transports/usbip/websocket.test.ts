import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { firstValueFrom, from, lastValueFrom, toArray } from "rxjs";
import { describe, expect, it, onTestFinished } from "vitest";
import { WebSocket } from "ws";
import { isochPipe } from "rx-isoch";
import { close, issue } from "rx-isoch/operators";
import { usbip, UsbipServer } from "rx-isoch/transports/usbip";
import { listenWebSocket, type WebSocketAddress } from "rx-isoch/transports/usbip/serve";
import { connectWebSocket, type WebSocketConstructor } from "rx-isoch/transports/usbip/websocket";
import {
  counterDevice,
  counterProtocol,
  realTimeClock,
  unpacedClock,
  VirtualBus,
  writeCounter,
  type BusClock,
} from "rx-isoch/transports/virtual";
import { done } from "../../support/raw-port.js";
import { bridge, busIds, token } from "./bridge.js";
import { codeOf, until } from "./client/setup.js";
import { secondOfHighSpeed } from "./second-of-high-speed.js";

const { vendorId, outEndpoint } = counterProtocol;

async function listening(): Promise<{ readonly listener: Server; readonly url: string; readonly sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const listener = createServer((socket) => {
    socket.on("error", () => undefined);
    sockets.push(socket);
  }).listen(0, "127.0.0.1");
  await once(listener, "listening");
  onTestFinished(() => {
    listener.close();
    for (const socket of sockets) socket.destroy();
  });
  return { listener, sockets, url: `ws://127.0.0.1:${(listener.address() as AddressInfo).port}` };
}

describe("connecting", () => {
  it.each([
    "",
    "localhost:3241",
    "http://localhost:3241",
    "ws://",
    "ws://name:password@localhost",
    "ws://localhost/#part",
  ])("to %j, which is no address: invalid-option", async (url) => {
    expect(await codeOf(connectWebSocket({ url, WebSocket }))).toBe("invalid-option");
  });

  it("where there is no WebSocket: unsupported", async () => {
    const scope = globalThis as { WebSocket?: unknown };
    const { WebSocket: before } = scope;
    delete scope.WebSocket;
    onTestFinished(() => {
      if (before !== undefined) scope.WebSocket = before;
    });
    expect(await codeOf(connectWebSocket({ url: "ws://localhost" }))).toBe("unsupported");
  });

  it("takes the WebSocket there is", async () => {
    const { url } = await bridge();
    const scope = globalThis as { WebSocket?: unknown };
    const { WebSocket: before } = scope;
    scope.WebSocket = WebSocket;
    onTestFinished(() => {
      if (before === undefined) delete scope.WebSocket;
      else scope.WebSocket = before;
    });
    expect(await busIds(usbip({ connect: connectWebSocket({ url: new URL(url) }) }))).toStrictEqual(["1-1", "1-2"]);
  });

  it("to where nobody listens: transport-failed, and why", async () => {
    const { listener, url } = await listening();
    listener.close();
    await once(listener, "close");
    const error = await lastValueFrom(connectWebSocket({ url, WebSocket })).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: "TransportError", code: "transport-failed", native: 1006 });
    expect((error as Error).message).toContain("ECONNREFUSED");
  });

  it("to what does not speak it: transport-failed", async () => {
    const { listener, url } = await listening();
    listener.on("connection", (socket: Socket) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    expect(await codeOf(connectWebSocket({ url, WebSocket }))).toBe("transport-failed");
  });

  it("to a server that accepts and says nothing: in time, transport-failed, and nothing is left", async () => {
    const { url, sockets } = await listening();
    const transport = usbip({ connect: connectWebSocket({ url, WebSocket }), timeout: 50 });
    expect(await codeOf(transport.devices())).toBe("transport-failed");
    await until(() => sockets.length > 0);
    const [socket] = sockets;
    socket?.resume();
    await until(() => socket?.readableEnded !== false || socket.destroyed);
  });

  it("refused by the class: transport-failed", async () => {
    const Refusing = function () {
      throw new Error("not from a page over TLS");
    } as unknown as WebSocketConstructor;
    expect(await codeOf(connectWebSocket({ url: "ws://localhost", WebSocket: Refusing }))).toBe("transport-failed");
  });

  it("with the token, and not without", async () => {
    const { url } = await bridge({ webSocket: { token } });
    const listOf = (given?: string) =>
      busIds(usbip({ connect: connectWebSocket({ url, token: given, WebSocket }) })).catch((error: unknown) => error);
    expect(await listOf(token)).toStrictEqual(["1-1", "1-2"]);
    for (const wrong of [undefined, "", "0123456789abcdeg", `${token} `]) {
      const error = await listOf(wrong);
      expect(error).toMatchObject({ code: "transport-failed" });
      expect((error as Error).message).toContain("401");
      expect((error as Error).message).not.toContain(token);
    }
  });
});

describe("over WebSocket", () => {
  async function served(clock: BusClock = unpacedClock()) {
    const device = counterDevice();
    const bus = new VirtualBus({ devices: [device], clock });
    const server = new UsbipServer({ transports: [bus] });
    const { url } = await new Promise<WebSocketAddress>((resolve, reject) => {
      const subscription = listenWebSocket(server, { port: 0 }).subscribe({ next: resolve, error: reject });
      onTestFinished(() => {
        subscription.unsubscribe();
      });
    });
    onTestFinished(async () => {
      await done(server.close());
      expect(bus.audit()).toMatchObject({ openDevices: 0, inFlight: 0 });
    });
    return { device, server, transport: usbip({ connect: connectWebSocket({ url, WebSocket }) }) };
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

  it("takes a second of high speed at its pace, every packet once and in order, with the account of all frames", async () => {
    const { transport, device } = await served(realTimeClock());
    const pipe = isochPipe(transport, { vendorId, endpoint: outEndpoint, alternate: 2 });
    let counter = 0;
    const requests = Array.from({ length: 250 }, () => {
      const buffer = new Uint8Array(32 * 3072);
      for (let i = 0; i < 32; i++) writeCounter(buffer, counter++, 3072 * i);
      return { lengths: 3072, frames: 32, buffer };
    });
    const results = await lastValueFrom(
      from(requests).pipe(issue(pipe, { queue: 100, backlog: 250 }), close(), toArray()),
    );
    expect(results.every(({ error }) => error === "ok")).toBe(true);
    // A busy machine submits too late for some frames, and is told of each of them.
    const [first, last] = [results[0], results.at(-1)];
    const lost = results.slice(1).reduce((sum, each) => sum + each.lost, 0);
    expect((last?.firstFrame ?? NaN) + 32 - (first?.firstFrame ?? NaN)).toBe(8000 + lost);
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

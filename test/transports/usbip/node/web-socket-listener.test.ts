import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { connect, type AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { NEVER } from "rxjs";
import { describe, expect, it, onTestFinished } from "vitest";
import { WebSocket, type ClientOptions } from "ws";
import { IsochError } from "rx-isoch";
import { counterDevice, unpacedClock, VirtualBus } from "rx-isoch/transports/virtual";
import { UsbipServer, type ByteStream, type StreamAcceptor } from "rx-isoch/transports/usbip";
import { listenWebSocket, type WebSocketAddress, type WebSocketOptions } from "rx-isoch/transports/usbip/serve";
import { encodeMessage } from "../../../../transports/usbip/protocol/index.js";
import { longestMessage, subprotocol, tokenProtocol } from "../../../../transports/usbip/web-socket/protocols.js";
import { WebSocketStream } from "../../../../transports/usbip/web-socket/stream.js";
import { until } from "../client/setup.js";
import {
  bridge,
  bystander,
  frameHeader,
  ofType,
  packetLength,
  rawRequest,
  statusOf,
  strictClient,
  strictStream,
  token,
} from "../bridge.js";
import { asSubmitReply, StrictClient } from "../strict-client.js";

describe("who is refused, while another streams undisturbed", () => {
  it.each([
    ["a page that is not listed", 403, { Origin: "https://evil.example" }],
    ["the bridge's own page: it has none", 403, { Origin: "http://127.0.0.1" }],
    ["a page whose name leads here", 403, { Host: "evil.example", Origin: "http://localhost:4200" }],
    ["another path", 404, { path: "/other" }],
    ["what is no WebSocket", 400, { Upgrade: "other" }],
    ["a WebSocket of another version", 400, { "Sec-WebSocket-Version": "7" }],
    ["a list of protocols that is none", 400, { "Sec-WebSocket-Protocol": "," }],
  ])("%s: %d", async (_, status, headers) => {
    const { port, overWebSocket, events } = await bridge({ webSocket: { origins: ["http://localhost:4200"] } });
    const other = await bystander(overWebSocket());
    const socket = await rawRequest(port, headers);
    expect(await statusOf(socket)).toBe(status);
    await once(socket, "close");
    await other.isUndisturbed();
    const refused = ofType(events, "refused");
    expect(refused.map(({ carrier, error }) => `${carrier} ${error.code}`)).toStrictEqual(
      status === 403 ? ["websocket access-denied"] : [],
    );
  });

  it("a page that is listed is not, nor a program", async () => {
    const { port } = await bridge({ webSocket: { origins: ["http://localhost:4200"] } });
    expect(await statusOf(await rawRequest(port, { Origin: "http://localhost:4200" }))).toBe(101);
    expect(await statusOf(await rawRequest(port))).toBe(101);
  });

  it("who has not the token, and nothing of it is in an answer", async () => {
    const { port, overWebSocket, events } = await bridge({ webSocket: { token } });
    const other = await bystander(overWebSocket());
    for (const offered of ["", subprotocol, tokenProtocol("0123456789abcdeF"), token]) {
      expect(await statusOf(await rawRequest(port, { "Sec-WebSocket-Protocol": offered || "none" }))).toBe(401);
    }
    const socket = await rawRequest(port, { "Sec-WebSocket-Protocol": `${tokenProtocol(token)}, ${subprotocol}` });
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 101 /);
    expect(answer.toString()).toContain(`Sec-WebSocket-Protocol: ${subprotocol}\r\n`);
    expect(answer.toString()).not.toContain("token");
    await other.isUndisturbed();
    const refused = ofType(events, "refused");
    expect(refused.map(({ error }) => error.code)).toStrictEqual(new Array(4).fill("access-denied"));
    expect(refused.some(({ error }) => error.message.includes(token))).toBe(false);
  });

  it("more connections than the limit: 503, and there is room again once one goes", async () => {
    const { port, url, overWebSocket, events } = await bridge({ webSocket: { connections: 2 } });
    const other = await bystander(overWebSocket());
    const { webSocket } = await strictClient(url);
    for (let i = 0; i < 3; i++) expect(await statusOf(await rawRequest(port))).toBe(503);
    expect(ofType(events, "refused").map(({ error }) => error.code)).toStrictEqual(
      new Array(3).fill("transport-failed"),
    );
    webSocket.terminate();
    // The bystander has one, and looked at the list before.
    await until(() => ofType(events, "disconnected").length === 2);
    expect(await statusOf(await rawRequest(port))).toBe(101);
    await other.isUndisturbed();
  });

  it("sockets that never ask are limited too", async () => {
    const { port, overWebSocket } = await bridge({ webSocket: { connections: 2 } });
    const other = await bystander(overWebSocket());
    const sockets = Array.from({ length: 8 }, () => connect({ host: "127.0.0.1", port }));
    let closed = 0;
    for (const socket of sockets) {
      socket.on("error", () => undefined);
      socket.on("close", () => closed++);
      socket.resume();
    }
    await until(() => closed >= 5);
    await other.isUndisturbed();
    for (const socket of sockets) socket.destroy();
  });

  it("a browser that looks at the address is told what it is", async () => {
    const { port } = await bridge();
    const response = await fetch(`http://127.0.0.1:${port}/`);
    expect(response.status).toBe(426);
    expect(await response.text()).toContain("WebSocket");
  });
});

describe("what a client may not send, while another streams undisturbed", () => {
  it.each([
    ["text", (socket: WebSocket) => socket.send("text")],
    ["an empty text", (socket: WebSocket) => socket.send("")],
    ["a huge message", (socket: WebSocket) => socket.send(new Uint8Array(longestMessage + 1))],
    [
      "a huge message in small parts",
      (socket: WebSocket) => {
        for (let i = 0; i < 17; i++) socket.send(new Uint8Array(1 << 16), { fin: false });
      },
    ],
    ["noise in a message", (socket: WebSocket) => socket.send(new Uint8Array(100).fill(0xaa))],
  ])("%s: cut off, with all given back", async (_, act) => {
    const { url, overWebSocket, events, bus, failures } = await bridge();
    const other = await bystander(overWebSocket());
    const { webSocket, client } = await strictStream(url);
    for (let i = 0; i < 4; i++) client.isochronous("in", 64, packetLength);
    act(webSocket);
    await client.closed;
    await until(() => failures().length > 0);
    expect(failures()).toStrictEqual(["protocol-error"]);
    expect(bus.audit().openDevices).toBe(1);
    expect(ofType(events, "disconnected").at(-1)).toMatchObject({ carrier: "websocket" });
    await other.isUndisturbed();
  });

  it("a message that is announced as huge is refused by its header, so nothing of it is kept", async () => {
    const { port, overWebSocket, failures } = await bridge();
    const other = await bystander(overWebSocket());
    const socket = await rawRequest(port);
    expect(await statusOf(socket)).toBe(101);
    socket.resume();
    socket.write(frameHeader(2 ** 40));
    await once(socket, "close");
    await until(() => failures().length > 0);
    expect(failures()).toStrictEqual(["protocol-error"]);
    await other.isUndisturbed();
  });

  it("a frame without a mask", async () => {
    const { port, failures } = await bridge();
    const socket = await rawRequest(port);
    expect(await statusOf(socket)).toBe(101);
    socket.resume();
    socket.write(Buffer.of(0x82, 1, 0));
    await once(socket, "close");
    await until(() => failures().length > 0);
    expect(failures()).toStrictEqual(["protocol-error"]);
  });

  it("what is longer than a message comes whole in several", async () => {
    const { url } = await bridge({ clock: unpacedClock() });
    const { client } = await strictStream(url);
    const data = new Uint8Array(1024 * packetLength);
    const { reply } = client.isochronous("out", 1024, packetLength, { data });
    expect(asSubmitReply(await reply)).toMatchObject({ errorCount: 0, actualLength: longestMessage });
  });
});

describe("a client that stops", () => {
  it("writing in the middle of a message, before it has asked for anything: in time, cut off", async () => {
    const { port, overWebSocket, failures } = await bridge({ patience: 200 });
    const other = await bystander(overWebSocket());
    const socket = await rawRequest(port);
    expect(await statusOf(socket)).toBe(101);
    socket.resume();
    socket.write(Buffer.concat([frameHeader(1000), Buffer.alloc(10)]));
    await once(socket, "close");
    await until(() => failures().length > 0);
    expect(failures()).toStrictEqual(["protocol-error"]);
    await other.isUndisturbed();
  });

  it("everything, with a device: once it has not answered in time, that is given back", async () => {
    const { port, bus, failures, overWebSocket } = await bridge({ webSocket: { drainTimeout: 300 } });
    const other = await bystander(overWebSocket());
    const socket = await rawRequest(port);
    expect(await statusOf(socket)).toBe(101);
    const request = encodeMessage({ type: "import-request", busId: "1-1" });
    socket.write(Buffer.concat([frameHeader(request.length), request]));
    await until(() => bus.audit().openDevices === 2);
    // It reads, but does not answer.
    socket.resume();
    socket.write(Buffer.concat([frameHeader(1000), Buffer.alloc(10)]));
    await once(socket, "close");
    await until(() => bus.audit().openDevices === 1);
    expect(failures()).toStrictEqual(["transport-failed"]);
    await other.isUndisturbed();
  });

  it("asking is not cut off as long as it answers", async () => {
    const { url } = await bridge({ webSocket: { drainTimeout: 150 } });
    const { client } = await strictStream(url);
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(asSubmitReply(await client.isochronous("in", 8, packetLength).reply).errorCount).toBe(0);
  });

  it("reading costs no more than its limit and the buffers of the system", async () => {
    const { bus, url } = await bridge({ bytesInFlight: 1 << 20, clock: unpacedClock() });
    const { client, webSocket } = await strictStream(url);
    const { submitted: begin } = bus.audit();
    webSocket.pause();
    for (let i = 0; i < 400; i++) client.isochronous("in", 192, packetLength);
    let before = -1;
    for (let same = 0; same < 20;) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      const { submitted } = bus.audit();
      same = submitted > begin && submitted === before ? same + 1 : 0;
      before = submitted;
    }
    // Of 79 MB; Linux buffers at most some 10 MB between two sockets.
    expect((before - begin) * 192 * packetLength).toBeLessThan(24_000_000);
    const other = await strictStream(url, "1-2");
    expect(asSubmitReply(await other.client.isochronous("in", 8, packetLength).reply).errorCount).toBe(0);
    webSocket.resume();
    await until(() => client.order.length > 400);
  });

  it("reading is broken off", async () => {
    const { bus, url, failures, overWebSocket } = await bridge({ webSocket: { drainTimeout: 300 } });
    const other = await bystander(overWebSocket());
    const { client, webSocket } = await strictClient(url);
    expect((await client.import()).status).toBe(0);
    expect(await client.selectAlternate(3)).toBe(0);
    webSocket.pause();
    for (let i = 0; i < 300; i++) client.isochronous("in", 1024, packetLength);
    await until(() => bus.audit().openDevices === 1);
    expect(failures()).toStrictEqual(["transport-failed"]);
    await other.isUndisturbed();
  });
});

describe("a client that goes", () => {
  it.each([
    ["before it has asked", () => Promise.resolve()],
    [
      "while its device is being opened",
      async ({ client }: Awaited<ReturnType<typeof strictClient>>) => {
        client.import().catch(() => undefined);
        await Promise.resolve();
      },
    ],
    [
      "with a device",
      async ({ client }: Awaited<ReturnType<typeof strictClient>>) => {
        await client.import();
      },
    ],
    [
      "with transfers in flight",
      async ({ client }: Awaited<ReturnType<typeof strictClient>>) => {
        await client.import();
        await client.selectAlternate(3);
        for (let i = 0; i < 16; i++) client.isochronous("in", 1024, packetLength);
      },
    ],
    [
      "in the middle of a request",
      async ({ client }: Awaited<ReturnType<typeof strictClient>>) => {
        await client.import();
        client.sendBytes(new Uint8Array([0, 0, 0, 1, 0]));
      },
    ],
  ])("%s leaves nothing, whether it says so or not", async (_, act) => {
    const { url, bus, events, overWebSocket } = await bridge({ webSocket: { drainTimeout: 300 } });
    const other = await bystander(overWebSocket());
    for (const how of ["close", "terminate"] as const) {
      const it = await strictClient(url);
      await act(it);
      it.webSocket[how]();
      await until(() => ofType(events, "disconnected").length === ofType(events, "connected").length - 1);
      expect(bus.audit().openDevices).toBe(1);
    }
    await other.isUndisturbed();
  });
});

/** Listens until the end of the test. */
function listen(options: WebSocketOptions, server = new UsbipServer({ transports: [] })): Promise<WebSocketAddress> {
  return new Promise((resolve, reject) => {
    const listening = listenWebSocket(server, options).subscribe({ next: resolve, error: reject });
    onTestFinished(() => {
      listening.unsubscribe();
      server.close().subscribe();
    });
  });
}

async function codeOf(options: WebSocketOptions): Promise<string> {
  try {
    await listen(options);
    return "listens";
  } catch (error) {
    return IsochError.is(error) ? error.code : String(error);
  }
}

describe("a stream that is paused", () => {
  it("holds up the client, and goes on where it was", async () => {
    let received = 0;
    let stream: ByteStream | undefined;
    const acceptor: StreamAcceptor = {
      accept: (accepted) => {
        stream = accepted;
        accepted.open({
          received: ({ length }) => (received += length),
          ended: () => undefined,
          closed: () => undefined,
        });
        accepted.pause();
        return NEVER;
      },
      refused: () => undefined,
    };
    const { url } = await new Promise<WebSocketAddress>((resolve) => {
      const listening = listenWebSocket(acceptor, { port: 0 }).subscribe(resolve);
      onTestFinished(() => {
        listening.unsubscribe();
        stream?.destroy();
      });
    });
    const webSocket = new WebSocket(url);
    await once(webSocket, "open");
    const total = 64 << 20;
    for (let sent = 0; sent < total; sent += longestMessage) webSocket.send(new Uint8Array(longestMessage));
    let before = -1;
    for (let same = 0; same < 20;) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      const { bufferedAmount } = webSocket;
      same = bufferedAmount === before ? same + 1 : 0;
      before = bufferedAmount;
    }
    expect(received).toBeLessThanOrEqual(longestMessage);
    // Linux buffers at most some 10 MB between two sockets.
    expect(before).toBeGreaterThan(total - 24_000_000);
    stream?.resume();
    await until(() => received === total);
    webSocket.terminate();
  });
});

describe("where it listens", () => {
  it("by default, on loopback, and says so", async () => {
    const { host, port, url } = await listen({ port: 0 });
    expect({ host, url }).toStrictEqual({ host: "127.0.0.1", url: `ws://127.0.0.1:${port}/` });
  });

  it("no longer after the unsubscribe, which leaves nothing that waits", async () => {
    const server = new UsbipServer({ transports: [] });
    const { port, socket } = await new Promise<{ port: number; socket: ReturnType<typeof connect> }>((resolve) => {
      const listening = listenWebSocket(server, { port: 0 }).subscribe(({ port, host }) => {
        const socket = connect({ host, port });
        socket.resume();
        socket.on("connect", () => {
          socket.write("GET / HTTP/1.1\r\n");
          setTimeout(() => {
            listening.unsubscribe();
            resolve({ port, socket });
          }, 20);
        });
      });
    });
    await once(socket, "close");
    const again = connect({ host: "127.0.0.1", port });
    const [error] = (await once(again, "error")) as [NodeJS.ErrnoException];
    expect(error.code).toBe("ECONNREFUSED");
  });
});

describe("a server that somebody else makes", () => {
  async function httpServer(host = "127.0.0.1") {
    const http = createHttpServer().listen(0, host);
    await once(http, "listening");
    onTestFinished(() => {
      http.close();
      http.closeAllConnections();
    });
    return http;
  }

  it("has its own pages, and other WebSockets", async () => {
    const http = await httpServer();
    http.on("request", (_, response) => response.end("a page"));
    const { port, url } = await listen({ server: http, path: "/usb" });
    expect(url).toBe(`ws://127.0.0.1:${port}/usb`);
    expect(await statusOf(await rawRequest(port, { path: "/usb" }))).toBe(101);
    expect(await statusOf(await rawRequest(port, { path: "/other" }))).toBe(404);
    expect(await (await fetch(`http://127.0.0.1:${port}/usb`)).text()).toBe("a page");
    http.on("upgrade", (request, socket) => {
      if (request.url === "/other") socket.end("HTTP/1.1 418 Teapot\r\n\r\n");
    });
    expect(await statusOf(await rawRequest(port, { path: "/other" }))).toBe(418);
  });

  it("has several bridges, on a path each; another path is nobody's", async () => {
    const http = await httpServer();
    for (const path of ["/one", "/other"]) await listen({ server: http, path });
    const { port } = http.address() as AddressInfo;
    for (const path of ["/one", "/other"]) expect(await statusOf(await rawRequest(port, { path }))).toBe(101);
    const socket = await rawRequest(port, { path: "/third" });
    expect(await statusOf(socket)).toBe(404);
    await once(socket, "close");
  });

  it("has a path that nobody answers, where a broken connection breaks nothing else", async () => {
    const http = await httpServer();
    const { port } = await listen({ server: http });
    const socket = await rawRequest(port, { path: "/other" });
    expect(await statusOf(socket)).toBe(404);
    const asked = new Promise<Duplex>((resolve) => {
      http.on("upgrade", (_, theirs: Duplex) => {
        resolve(theirs);
      });
    });
    const other = await rawRequest(port, { path: "/other" });
    const theirs = await asked;
    expect(theirs.listenerCount("error")).toBeGreaterThan(0);
    other.resetAndDestroy();
    await until(() => theirs.destroyed);
    expect(await statusOf(await rawRequest(port))).toBe(101);
  });

  it("has two bridges on one path: the first gets the requests, the other tells of it", async () => {
    const http = await httpServer();
    const refused: string[] = [];
    const accepted: string[] = [];
    for (const name of ["first", "other"]) {
      const acceptor: StreamAcceptor = {
        accept: () => {
          accepted.push(name);
          return NEVER;
        },
        refused: ({ message }) => refused.push(`${name}: ${message}`),
      };
      const listening = listenWebSocket(acceptor, { server: http }).subscribe();
      onTestFinished(() => {
        listening.unsubscribe();
      });
    }
    const { port } = http.address() as AddressInfo;
    expect(await statusOf(await rawRequest(port))).toBe(101);
    expect(accepted).toStrictEqual(["first"]);
    expect(refused).toStrictEqual([expect.stringMatching(/^other: .*path of its own/)]);
  });

  it("may listen later, and is left as it was", async () => {
    const http = createHttpServer();
    const server = new UsbipServer({ transports: [] });
    const addresses: WebSocketAddress[] = [];
    const listening = listenWebSocket(server, { server: http }).subscribe((address) => addresses.push(address));
    expect(addresses).toStrictEqual([]);
    http.listen(0, "127.0.0.1");
    await until(() => addresses.length === 1);
    listening.unsubscribe();
    expect(http.listening).toBe(true);
    expect(
      http.eventNames().filter((name) => http.listenerCount(name) > 0 && /upgrade|error/.test(String(name))),
    ).toStrictEqual([]);
    http.close();
  });

  it("that listens anew, and where others can reach it, lets nobody in without a token", async () => {
    const http = await httpServer();
    const events: string[] = [];
    const server = new UsbipServer({ transports: [] });
    const listening = listenWebSocket(server, { server: http }).subscribe({
      next: ({ host }) => events.push(host),
      error: (error: unknown) => events.push(IsochError.is(error) ? error.code : String(error)),
    });
    onTestFinished(() => {
      listening.unsubscribe();
    });
    const again = async (host: string) => {
      http.close();
      await once(http, "close");
      http.listen(0, host);
      await once(http, "listening");
      return (http.address() as AddressInfo).port;
    };
    const socket = await rawRequest(await again("127.0.0.1"));
    expect(await statusOf(socket)).toBe(101);
    socket.destroy();
    await again("0.0.0.0");
    expect(events).toStrictEqual(["127.0.0.1", "127.0.0.1", "invalid-option"]);
    expect(http.listenerCount("upgrade")).toBe(0);
  });

  it("that listens anew has the limit of connections that it had", async () => {
    const http = await httpServer();
    const server = new UsbipServer({ transports: [] });
    const addresses: WebSocketAddress[] = [];
    const listening = listenWebSocket(server, { server: http, connections: 1 }).subscribe((at) => addresses.push(at));
    onTestFinished(() => {
      listening.unsubscribe();
    });
    const first = await rawRequest(addresses.at(-1)?.port ?? 0);
    expect(await statusOf(first)).toBe(101);
    http.close();
    http.listen(0, "127.0.0.1");
    await until(() => addresses.length === 2);
    const port = addresses.at(-1)?.port ?? 0;
    expect(await statusOf(await rawRequest(port))).toBe(503);
    first.destroy();
    await until(() => server.clients === 0);
    expect(await statusOf(await rawRequest(port))).toBe(101);
  });

  it("that others can reach takes a token as well", async () => {
    const http = await httpServer("0.0.0.0");
    expect(await codeOf({ server: http })).toBe("invalid-option");
    expect(await codeOf({ server: http, token })).toBe("listens");
    const { port } = http.address() as AddressInfo;
    expect(await statusOf(await rawRequest(port))).toBe(401);
    // Its name is its own affair.
    const headers = { Host: "lab.example", "Sec-WebSocket-Protocol": tokenProtocol(token) };
    expect(await statusOf(await rawRequest(port, headers))).toBe(101);
  });

  it("of TLS makes it wss", async () => {
    const { url, connect } = await overTls();
    expect(url).toMatch(/^wss:/);
    const { client } = await connect();
    expect((await client.list()).devices).toStrictEqual([]);
    await client.closed;
  });

  it("of TLS asks no less of who comes", async () => {
    const { connect } = await overTls();
    await expect(connect(tokenProtocol("0123456789abcdeF"))).rejects.toThrow("401");
    await expect(connect(tokenProtocol(token), { origin: "https://evil.example" })).rejects.toThrow("403");
    await expect(connect(tokenProtocol(token), { headers: { host: "evil.example" } })).rejects.toThrow("403");
  });

  it("of TLS breaks off who takes nothing, and nobody who is silent", async () => {
    const bus = new VirtualBus({ devices: [counterDevice(), counterDevice()], clock: unpacedClock() });
    const server = new UsbipServer({ transports: [bus] });
    const failures: string[] = [];
    server.failures.subscribe(({ code }) => failures.push(code));
    const { connect } = await overTls(server, 300);
    const [silent, deaf] = [await connect(), await connect()];
    for (const [busId, { client }] of [["1-1", silent] as const, ["1-2", deaf] as const]) {
      expect((await client.import(busId)).status).toBe(0);
      expect(await client.selectAlternate(3)).toBe(0);
    }
    deaf.webSocket.pause();
    for (let i = 0; i < 300; i++) deaf.client.isochronous("in", 192, packetLength);
    await until(() => failures.length > 0);
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(failures).toStrictEqual(["transport-failed"]);
    await until(() => bus.audit().openDevices === 1);
    expect(asSubmitReply(await silent.client.isochronous("in", 8, packetLength).reply).errorCount).toBe(0);
  });

  /** TLS by a key that both have, which needs no certificate. */
  async function overTls(server = new UsbipServer({ transports: [] }), drainTimeout?: number) {
    const psk = Buffer.from(token);
    const tls = { ciphers: "PSK-AES256-GCM-SHA384", maxVersion: "TLSv1.2" as const };
    const http = createHttpsServer({ ...tls, pskCallback: () => psk }).listen(0, "127.0.0.1");
    onTestFinished(() => {
      http.close();
      http.closeAllConnections();
    });
    const { url } = await listen({ server: http, token, drainTimeout }, server);
    const known = { pskCallback: () => ({ psk, identity: "test" }), checkServerIdentity: () => false };
    const connect = async (offered = tokenProtocol(token), options: ClientOptions = {}) => {
      const webSocket = new WebSocket(url, [subprotocol, offered], { ...tls, ...known, ...options });
      onTestFinished(() => {
        webSocket.terminate();
      });
      await once(webSocket, "open");
      return { webSocket, client: new StrictClient(new WebSocketStream(webSocket, url)) };
    };
    return { url, connect };
  }
});

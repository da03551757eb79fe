import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { lastValueFrom, Subject } from "rxjs";
import { expect, onTestFinished } from "vitest";
import { WebSocket, type ClientOptions } from "ws";
import { isochPipe, type IsochTransport } from "rx-isoch";
import {
  counterDevice,
  counterProtocol,
  readCounter,
  realTimeClock,
  VirtualBus,
  type BusClock,
} from "rx-isoch/transports/virtual";
import { usbip } from "rx-isoch/transports/usbip";
import { serve, type ServeEvent, type ServeOptions } from "rx-isoch/transports/usbip/serve";
import { connectTcp } from "rx-isoch/transports/usbip/tcp";
import { connectWebSocket } from "rx-isoch/transports/usbip/websocket";
import { subprotocol } from "../../../transports/usbip/web-socket/protocols.js";
import { WebSocketStream } from "../../../transports/usbip/web-socket/stream.js";
import { until } from "./client/setup.js";
import { nothing } from "./set-up.js";
import { StrictClient } from "./strict-client.js";

/** What nobody guesses. */
export const token = "0123456789abcdef";

/** What a test has otherwise. */
export interface BridgeOptions extends Partial<ServeOptions> {
  readonly clock?: BusClock;
}

/** A bridge that serves two counter devices, 1-1 and 1-2, over both carriers; a third is not on its list. */
export async function bridge({ clock = realTimeClock(), tcp, webSocket, ...options }: BridgeOptions = {}) {
  const bus = new VirtualBus({ clock });
  const attachments = ["A", "B", "hidden"].map((serialNumber) => bus.attach(counterDevice({ serialNumber })));
  const events: ServeEvent[] = [];
  const stop = new Subject<void>();
  const settings: ServeOptions = {
    transports: [bus],
    devices: [{ serialNumber: "A" }, { serialNumber: "B" }],
    tcp: tcp === false ? false : { port: 0, ...tcp },
    webSocket: webSocket === false ? false : { port: 0, ...webSocket },
    stop,
    ...options,
  };
  const ended = new Promise<void>((resolve, reject) => {
    serve(settings).subscribe({ next: (event) => events.push(event), error: reject, complete: resolve });
  });
  // Whoever waits for it hears of it.
  ended.catch(() => undefined);
  onTestFinished(async () => {
    stop.next();
    await ended;
    expect(bus.audit()).toMatchObject(nothing);
  });
  const count = Number(tcp !== false) + Number(webSocket !== false);
  await Promise.race([ended, until(() => ofType(events, "listening").length === count)]);
  const [address] = ofType(events, "listening").flatMap((each) => (each.carrier === "tcp" ? [each.address] : []));
  const [at] = ofType(events, "listening").flatMap((each) => (each.carrier === "websocket" ? [each.address] : []));
  const { url, port } = at ?? { url: "ws://127.0.0.1:1/", port: 1 };
  return {
    bus,
    attachments,
    events,
    stop,
    ended,
    url,
    port,
    overTcp: (): IsochTransport => usbip({ connect: connectTcp(address ?? { host: "127.0.0.1", port: 1 }) }),
    overWebSocket: (): IsochTransport => usbip({ connect: connectWebSocket({ url, token, WebSocket }), timeout: 5000 }),
    /** Who was cut off or turned away, by the code of the error. */
    failures: () =>
      events.flatMap((event) => ("error" in event && event.error !== undefined ? [event.error.code] : [])),
  };
}

export function ofType<T extends ServeEvent["type"]>(
  events: readonly ServeEvent[],
  type: T,
): Extract<ServeEvent, { readonly type: T }>[] {
  return events.filter((event): event is Extract<ServeEvent, { readonly type: T }> => event.type === type);
}

/** Somebody who streams from a device all the while, and then looks whether he has the account of every frame. */
export async function bystander(transport: IsochTransport, id = "1-2") {
  const pipe = isochPipe(transport, { id, endpoint: counterProtocol.inEndpoint, alternate: 3 });
  let frames = 0;
  let expected: number | undefined;
  const wrong: string[] = [];
  const subscription = pipe.results({ frames: 32, queue: 100, ring: 300 }).subscribe({
    next: (results) => {
      if (expected !== undefined) expected += results.lost;
      for (const { data, status } of results) {
        const counter = readCounter(data) ?? NaN;
        if (status !== "ok" || counter !== (expected ?? counter)) wrong.push(`${counter}: ${status}`);
        expected = counter + 1;
        frames++;
      }
    },
    error: (error: unknown) => wrong.push(String(error)),
  });
  const more = async () => {
    const before = frames;
    await until(() => frames > before + 64 || wrong.length > 0);
  };
  await more();
  return {
    /** He goes on, and all was well. */
    isUndisturbed: async () => {
      await more();
      subscription.unsubscribe();
      await lastValueFrom(pipe.closing, { defaultValue: undefined });
      expect(wrong).toStrictEqual([]);
    },
  };
}

/** A client of a bridge that believes nothing, and its WebSocket. */
export async function strictClient(url: string, options: ClientOptions = {}) {
  const webSocket = new WebSocket(url, [subprotocol], options);
  onTestFinished(() => {
    webSocket.terminate();
  });
  await once(webSocket, "open");
  return { webSocket, client: new StrictClient(new WebSocketStream(webSocket, url)) };
}

/** Bytes of a packet in the alternate setting that {@link strictStream} and {@link bystander} select: there is room for both. */
export const packetLength = 1024;

/** One that has a device, with an endpoint for each direction. */
export async function strictStream(url: string, busId = "1-1") {
  const it = await strictClient(url);
  expect((await it.client.import(busId)).status).toBe(0);
  expect(await it.client.selectAlternate(3)).toBe(0);
  return it;
}

/** A request for a WebSocket as a program of ill will writes it. */
export async function rawRequest(port: number, headers: Readonly<Record<string, string>> = {}) {
  const socket = connect({ host: "127.0.0.1", port });
  onTestFinished(() => {
    socket.destroy();
  });
  socket.on("error", () => undefined);
  await once(socket, "connect");
  const all = {
    Host: `127.0.0.1:${port}`,
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    ...headers,
  };
  const { path = "/", ...lines } = all as Record<string, string>;
  const text = Object.entries(lines).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`GET ${path} HTTP/1.1\r\n${text.join("")}\r\n`);
  return socket;
}

/** The status line of the answer. */
export async function statusOf(socket: Socket): Promise<number> {
  const [answer] = (await once(socket, "data")) as [Buffer];
  return Number(answer.toString().split(" ", 2)[1]);
}

/** The beginning of a message of a client; its mask is zero. */
export function frameHeader(length: number, opcode = 2): Buffer {
  const header = Buffer.alloc(14);
  header[0] = 0x80 | opcode;
  header[1] = 0x80 | 127;
  header.writeBigUInt64BE(BigInt(length), 2);
  return header;
}

/** What is on the list. */
export function busIds(transport: IsochTransport): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const ids: string[] = [];
    const subscription = transport.devices().subscribe({
      next: ({ device }) => {
        // The list is complete when its turn ends.
        if (ids.push(device.id) > 1) return;
        setTimeout(() => {
          subscription.unsubscribe();
          resolve(ids.sort());
        });
      },
      error: reject,
    });
  });
}

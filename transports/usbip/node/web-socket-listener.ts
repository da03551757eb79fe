import { createServer, STATUS_CODES, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Server as TlsServer } from "node:tls";
import type { Duplex } from "node:stream";
import { Observable } from "rxjs";
import { WebSocketServer } from "ws";
import { InvalidRequestError } from "../../../src/index.js";
import { wholeNumber } from "../../../src/numbers.js";
import type { StreamAcceptor } from "../byte-stream.js";
import { longestMessage, subprotocol } from "../web-socket/protocols.js";
import { AcceptedStream } from "./accepted-stream.js";
import { Admission } from "./admission.js";
import { listenError, takenElsewhere, tooMany } from "./errors.js";
import { isLoopback } from "./loopback.js";
import { hostAndPort, peerOf } from "./peer.js";

/** Where {@link listenWebSocket} listens, and to whom. */
export interface WebSocketOptions {
  /** Default: 127.0.0.1. Any that others than this machine can reach takes a `token`. */
  readonly host?: string | undefined;
  /** Default: 3241. 0 takes a free one. */
  readonly port?: number | undefined;
  /**
   * Takes the requests of a server of Node that somebody else makes, has listen and closes, instead
   * of listening on `host` and `port`: one of `node:https` for TLS. Where it listens anew, that is
   * checked and emitted anew.
   */
  readonly server?: Server | undefined;
  /** Of the address. Default: `/`. */
  readonly path?: string | undefined;
  /**
   * What a client must have to come in: 16 to 1024 characters that nobody can guess. Without TLS, all on the
   * way can read it. Behind a proxy there has to be one, though the proxy is on this machine and the bridge
   * on loopback: it sees the proxy, and not who comes to that.
   */
  readonly token?: string | undefined;
  /**
   * The pages that may connect, by their origin, such as `http://localhost:4200`. Default: none. It is browsers
   * that tell the origin, so this keeps out pages, not programs.
   */
  readonly origins?: readonly string[] | undefined;
  /**
   * Names by which the clients know this machine. Default: those that stand for loopback where it listens
   * there, and any elsewhere. Those of loopback are always among them where it listens there.
   */
  readonly hosts?: readonly string[] | undefined;
  /** Connections at a time, at most; more are refused. Default: 64. */
  readonly connections?: number | undefined;
  /**
   * Milliseconds that a client may take nothing of what waits for it, and say nothing, or not answer a ping; after
   * that its connection is broken off. One that goes on asking comes to the limit of `bytesInFlight`, and is not
   * heard then. Default: 30,000.
   */
  readonly drainTimeout?: number | undefined;
}

/** Where a server listens for WebSockets. */
export interface WebSocketAddress {
  readonly host: string;
  readonly port: number;
  /** For `connectWebSocket`. */
  readonly url: string;
}

/** Milliseconds in which a request must have come. */
const requestTimeout = 10_000;

/**
 * Accepts WebSocket connections for a server, of `connectWebSocket` in a browser or in Node. Listens from
 * the subscription to the unsubscribe, and emits the address once it does; the unsubscribe refuses new
 * connections and leaves those that there are to `UsbipServer.close`.
 *
 * A request is refused, before anything is done for it, unless all of this holds:
 *
 * | what | holds | else |
 * |---|---|---|
 * | host | it names this machine: see `hosts`. So no page can have its own name lead here | 403 |
 * | origin | the page that asks is one of `origins`. A program that is no browser sends none | 403 |
 * | token | it is there, where there is one. Compared in a time that tells nothing | 401 |
 * | connections | there are fewer than the limit | 503 |
 *
 * A message is a part of the stream of bytes, of 1 MiB at most; its borders mean nothing. Text, and longer
 * messages, end the connection. Who was refused or cut off is told by `UsbipServer.failures`.
 *
 * Errors: {@link InvalidRequestError} `invalid-option`, for a host that is not this machine, without a token,
 * among others; `AccessError` `access-denied`; `TransportError` `transport-failed`, with the code of Node,
 * such as `EADDRINUSE`, in `native`.
 *
 * @example
 * ```ts
 * import type { UsbipServer } from "rx-isoch/transports/usbip";
 * import { listenWebSocket } from "rx-isoch/transports/usbip/serve";
 *
 * export const listen = (server: UsbipServer) => listenWebSocket(server, { origins: ["http://localhost:4200"] });
 * ```
 *
 * @example Over TLS, for other machines
 * ```ts
 * import { createServer } from "node:https";
 * import type { UsbipServer } from "rx-isoch/transports/usbip";
 * import { listenWebSocket } from "rx-isoch/transports/usbip/serve";
 *
 * export function listen(server: UsbipServer, tls: { cert: string; key: string }, token: string) {
 *   return listenWebSocket(server, { server: createServer(tls).listen(443), token });
 * }
 * ```
 */
export function listenWebSocket(
  acceptor: StreamAcceptor,
  options: WebSocketOptions = {},
): Observable<WebSocketAddress> {
  return new Observable((subscriber) => {
    const { host = "127.0.0.1", path = "/" } = options;
    const port = wholeNumber("port", options.port ?? 3241, 0, 65_535);
    const connections = wholeNumber("connections", options.connections ?? 64, 1);
    const drainTimeout = wholeNumber("drainTimeout", options.drainTimeout ?? 30_000, 1, 2 ** 31 - 1);
    // Of those who came where it listened before, some are there still.
    const shared: Shared = { connections, drainTimeout, open: 0 };
    const admission = new Admission(options);
    if (options.server === undefined) checkReach(host, admission);
    const http = options.server ?? ownServer(connections);
    let upgrade: Upgrade | undefined;

    const listening = (): void => {
      try {
        // It may have listened elsewhere before, where less was asked of who comes.
        upgrade?.end();
        const address = http.address();
        const at = addressOf(http, address, path);
        checkReach(at.host, admission);
        upgrade = new Upgrade(acceptor, http, admission, isLoopback(at.host), shared);
        subscriber.next(at);
      } catch (error) {
        subscriber.error(error);
      }
    };
    const failed = (error: NodeJS.ErrnoException): void => {
      subscriber.error(listenError(error, host, port));
    };
    http.on("error", failed);
    http.on("listening", listening);
    if (http.listening) listening();
    if (options.server === undefined) http.listen(port, host);
    return () => {
      http.off("listening", listening);
      upgrade?.end();
      if (options.server === undefined) {
        http.close();
        // Of those that have not become a WebSocket.
        http.closeAllConnections();
      } else http.off("error", failed);
    };
  });
}

/** {@link WebSocketOptions} of the same names, and what they are held against. */
interface Shared {
  readonly connections: number;
  readonly drainTimeout: number;
  /** Connections that there are. */
  open: number;
}

/** The listeners for requests that are of bridges: several can be on a server, on a path each. */
// eslint-disable-next-line @typescript-eslint/no-unsafe-function-type
const bridges = new WeakMap<Function, Admission>();

/** The requests for a WebSocket that come to a server. */
class Upgrade {
  readonly #acceptor: StreamAcceptor;
  readonly #http: Server;
  readonly #admission: Admission;
  readonly #isLocal: boolean;
  readonly #shared: Shared;
  readonly #webSockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: longestMessage,
    handleProtocols: (offered) => offered.has(subprotocol) && subprotocol,
  });

  constructor(acceptor: StreamAcceptor, http: Server, admission: Admission, isLocal: boolean, shared: Shared) {
    this.#acceptor = acceptor;
    this.#http = http;
    this.#admission = admission;
    this.#isLocal = isLocal;
    this.#shared = shared;
    bridges.set(this.#requested, admission);
    http.on("upgrade", this.#requested);
  }

  end(): void {
    this.#http.off("upgrade", this.#requested);
  }

  readonly #requested = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    if (!this.#admission.isForPath(request)) {
      // It may be somebody else's, or nobody's, and then nobody would hear how it breaks.
      socket.on("error", () => undefined);
      if (this.#isNobodys(request)) refuse(socket, 404);
      return;
    }
    const refusal = this.#admission.refusal(request, this.#isLocal);
    if (refusal !== undefined) {
      refuse(socket, refusal.status);
      this.#acceptor.refused(refusal.error, peerOf(request.socket));
      return;
    }
    const { connections, open } = this.#shared;
    if (open >= connections) {
      refuse(socket, 503);
      this.#acceptor.refused(tooMany(connections), peerOf(request.socket));
      return;
    }
    // ws throws at a socket that another one of its servers has taken already.
    try {
      this.#upgrade(request, socket, head);
    } catch (error) {
      this.#acceptor.refused(takenElsewhere(error), peerOf(request.socket));
    }
  };

  /** No listener on the server is for that path, as far as can be known; the first of them says so. */
  #isNobodys(request: IncomingMessage): boolean {
    const all = this.#http.listeners("upgrade").map((listener) => bridges.get(listener));
    return all[0] === this.#admission && all.every((admission) => admission?.isForPath(request) === false);
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const shared = this.#shared;
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      shared.open++;
      webSocket.once("close", () => {
        shared.open--;
      });
      this.#acceptor.accept(new AcceptedStream(webSocket, request.socket, shared.drainTimeout)).subscribe({
        // Told by the acceptor.
        error: () => undefined,
      });
    });
  }
}

/** @throws {@link InvalidRequestError} */
function checkReach(host: string, admission: Admission): void {
  if (isLoopback(host) || admission.hasToken) return;
  throw new InvalidRequestError(
    "invalid-option",
    `${host} can be reached from other machines: give a token that clients must have, or listen on 127.0.0.1`,
  );
}

/** @throws {@link InvalidRequestError} for a server that listens on no port */
function addressOf(http: Server, address: AddressInfo | string | null, path: string): WebSocketAddress {
  if (address === null || typeof address === "string") {
    throw new InvalidRequestError(
      "invalid-option",
      "the server must listen on a port, not on a path of the file system",
    );
  }
  const { address: host, port } = address;
  const scheme = http instanceof TlsServer ? "wss" : "ws";
  return { host, port, url: `${scheme}://${hostAndPort(host, port)}${path}` };
}

function ownServer(connections: number): Server {
  const http = createServer({ requestTimeout, headersTimeout: requestTimeout, connectionsCheckingInterval: 1000 });
  // Some of them have not asked yet.
  http.maxConnections = 2 * connections;
  http.on("request", (_request, response) => {
    response.writeHead(426, { connection: "close", upgrade: "websocket", "content-type": "text/plain" });
    response.end("This is a bridge to USB devices: connect with a WebSocket.\n");
  });
  return http;
}

function refuse(socket: Duplex, status: 401 | 403 | 404 | 503): void {
  socket.on("error", () => undefined);
  socket.once("finish", () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

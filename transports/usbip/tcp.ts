import { connect, createServer, type AddressInfo } from "node:net";
import { defer, mergeMap, Observable } from "rxjs";
import { InvalidRequestError, TransportError } from "../../src/index.js";
import { wholeNumber } from "../../src/numbers.js";
import type { ByteStream, StreamAcceptor } from "./byte-stream.js";
import { offerToken } from "./client/offer-token.js";
import { listenError, tooMany } from "./node/errors.js";
import { isLoopback } from "./node/loopback.js";
import { hostAndPort } from "./node/peer.js";
import { defaultDrainTimeout, tcpStream } from "./node/tcp-stream.js";
import { TokenGate } from "./node/token-gate.js";
import { checkedToken } from "./protocol/token.js";

export { tcpStream } from "./node/tcp-stream.js";

/** Where {@link listenTcp} listens. */
export interface TcpOptions {
  /** Default: 127.0.0.1. Any that others than this machine can reach takes a `token`. */
  readonly host?: string | undefined;
  /** Default: 3240, which is registered for USB/IP. 0 takes a free one. */
  readonly port?: number | undefined;
  /**
   * What a client must have to come in: 16 to 1024 characters that nobody can guess. It has to come before
   * anything else, from `connectTcp({ host, token })`: the protocol has no place for one, so no other client
   * knows how. All on the way can read it, as all else.
   */
  readonly token?: string | undefined;
  /**
   * Lets others than this machine have the devices without a token, for clients that know none, such as
   * Linux' `usbip attach`: everybody who can reach `host`, for the protocol knows no passwords and no
   * encryption. Default: false.
   */
  readonly allowWithoutToken?: boolean | undefined;
  /** Connections at a time, at most; more are closed at once. Default: 64. */
  readonly connections?: number | undefined;
  /**
   * Milliseconds that a client may take nothing of what waits for it, and say nothing; after that its connection
   * is broken off. One that goes on asking comes to the limit of `bytesInFlight`, and is not heard then. Default: 30,000.
   */
  readonly drainTimeout?: number | undefined;
}

/** Where a server listens. */
export interface TcpAddress {
  readonly host: string;
  readonly port: number;
}

/** Milliseconds of silence after which a peer is asked whether it is there still. */
const keepAliveInitialDelay = 10_000;
/** Milliseconds in which the token must have come. */
const tokenPatience = 10_000;

/**
 * Accepts TCP connections for a server. Listens from the subscription to the unsubscribe, and emits
 * the address once it does; the unsubscribe refuses new connections and leaves those that there are
 * to `UsbipServer.close`.
 *
 * A client that vanishes without a word gives its device back after some 20 seconds of silence; where
 * there is data under way to it, after `drainTimeout`, or, as far as the system had buffers for that
 * data, when the system gives up sending it (Linux: `tcp_retries2`, about 15 minutes).
 *
 * With a token, a client has ten seconds to give it, and is heard no further before it was compared, in a
 * time that tells nothing. Who gives another, none or something else is closed, and told of by
 * `StreamAcceptor.refused`; so are those beyond the limit of connections.
 *
 * Errors: {@link InvalidRequestError} `invalid-option` for a host that is not this machine, with neither a
 * token nor `allowWithoutToken`, and for a token that is too short; `AccessError` `access-denied`; {@link TransportError} `transport-failed`, with
 * the code of Node, such as `EADDRINUSE`, in `native`.
 *
 * @example
 * ```ts
 * import { listenTcp } from "rx-isoch/transports/usbip/tcp";
 * import type { UsbipServer } from "rx-isoch/transports/usbip";
 *
 * export const serve = (server: UsbipServer) => listenTcp(server, { host: "::1" });
 * ```
 */
export function listenTcp(server: StreamAcceptor, options: TcpOptions = {}): Observable<TcpAddress> {
  return new Observable((subscriber) => {
    const { host = "127.0.0.1", allowWithoutToken = false } = options;
    const token = options.token === undefined ? undefined : checkedToken(options.token);
    if (token !== undefined && allowWithoutToken) {
      throw new InvalidRequestError("invalid-option", "with a token, nobody is allowed without: say one or the other");
    }
    const port = wholeNumber("port", options.port ?? 3240, 0, 65_535);
    const connections = wholeNumber("connections", options.connections ?? 64, 1);
    const drainTimeout = wholeNumber("drainTimeout", options.drainTimeout ?? defaultDrainTimeout, 1, 2 ** 31 - 1);
    const checkReach = (at: string): void => {
      if (token !== undefined || allowWithoutToken || isLoopback(at)) return;
      throw new InvalidRequestError(
        "invalid-option",
        `${at} can be reached from other machines, and USB/IP protects nothing: give a token that clients must have, or listen on 127.0.0.1; for clients that know no token there is allowWithoutToken`,
      );
    };
    checkReach(host);
    const sockets = { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay };
    const gate = token === undefined ? undefined : new TokenGate(server, token, tokenPatience);
    const listener = createServer(sockets, (socket) => {
      const stream = tcpStream(socket, drainTimeout);
      if (gate === undefined) void server.accept(stream);
      else gate.admit(stream);
    });
    listener.maxConnections = connections;
    listener.on("drop", ({ remoteAddress: address, remotePort: from = 0 } = {}) => {
      server.refused(tooMany(connections), address === undefined ? undefined : hostAndPort(address, from));
    });
    listener.on("error", (error: NodeJS.ErrnoException) => {
      subscriber.error(listenError(error, host, port));
    });
    listener.listen(port, host, () => {
      // A string is the path of a pipe, and null a listener that was closed.
      const { address, port: taken } = listener.address() as AddressInfo;
      try {
        // What a name stands for is known only now.
        checkReach(address);
        subscriber.next({ host: address, port: taken });
      } catch (error) {
        subscriber.error(error);
      }
    });
    return () => {
      listener.close();
      gate?.close();
    };
  });
}

/** Where {@link connectTcp} connects to. */
export interface TcpServerAddress {
  /** A name or an address. */
  readonly host: string;
  /** Default: 3240, which is registered for USB/IP. */
  readonly port?: number | undefined;
  /** What the server was given as `token`; left out, none is offered. All on the way can read it, as all else. */
  readonly token?: string | undefined;
}

/**
 * Connects to a server, at each subscription, and emits the connection once it is there: the option
 * `connect` of `usbip`. An unsubscribe before that gives it up; after it, the connection is the subscriber's.
 *
 * A token is offered first, and the connection is there once the server has taken it: one round trip more. A
 * server that demands none does not know what that is, and closes.
 *
 * Errors: {@link InvalidRequestError} for a port or a token that is none; `AccessError` `access-denied` where
 * the server refuses the token; {@link TransportError} `transport-failed`, with the code of Node, such as
 * `ECONNREFUSED`, in `native`; where the server does not take tokens that or `protocol-error`.
 *
 * @example
 * ```ts
 * import { usbip } from "rx-isoch/transports/usbip";
 * import { connectTcp } from "rx-isoch/transports/usbip/tcp";
 *
 * export const remote = usbip({ connect: connectTcp({ host: "localhost" }) });
 * ```
 */
export function connectTcp({ host, port = 3240, token }: TcpServerAddress): Observable<ByteStream> {
  const connecting = connectSocket(host, port);
  if (token === undefined) return connecting;
  return defer(() => {
    const checked = checkedToken(token);
    return connecting.pipe(mergeMap((stream) => offerToken(stream, checked)));
  });
}

function connectSocket(host: string, port: number): Observable<ByteStream> {
  return new Observable((subscriber) => {
    wholeNumber("port", port, 1, 65_535);
    const options = { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay };
    const socket = connect({ host, port, ...options });
    let isHandedOver = false;
    socket.on("error", (error: NodeJS.ErrnoException) => {
      // Once it is handed over, its handler hears of it.
      subscriber.error(
        new TransportError(
          "transport-failed",
          `cannot connect to ${host}:${port} (${error.message || String(error.code)}): see that a USB/IP server listens there, and that no firewall is between`,
          { native: error.code, cause: error },
        ),
      );
    });
    socket.once("connect", () => {
      isHandedOver = true;
      subscriber.next(tcpStream(socket));
      subscriber.complete();
    });
    subscriber.add(() => {
      if (!isHandedOver) socket.destroy();
    });
  });
}

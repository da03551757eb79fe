import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { Observable } from "rxjs";
import { InvalidRequestError, TransportError } from "../../src/index.js";
import { wholeNumber } from "../../src/numbers.js";
import type { ByteStream, StreamAcceptor } from "./byte-stream.js";
import { listenError, notTaken, tooMany } from "./node/errors.js";
import { isLoopback } from "./node/loopback.js";
import { hostAndPort, peerOf } from "./node/peer.js";

/** Where {@link listenTcp} listens. */
export interface TcpOptions {
  /** Default: 127.0.0.1. */
  readonly host?: string | undefined;
  /** Default: 3240, which is registered for USB/IP. 0 takes a free one. */
  readonly port?: number | undefined;
  /**
   * Allows a `host` that others than this machine can reach. The protocol knows no passwords and no
   * encryption: every one of them can then have the devices. Default: false.
   */
  readonly allowRemote?: boolean | undefined;
  /** Connections at a time, at most; more are closed at once. Default: 64. */
  readonly connections?: number | undefined;
  /**
   * Milliseconds that a client may take nothing of what waits for it; after that its connection is
   * broken off. Default: 30,000.
   */
  readonly drainTimeout?: number | undefined;
}

/** Where a server listens. */
export interface TcpAddress {
  readonly host: string;
  readonly port: number;
}

/** Milliseconds that a peer has to take what was written before the end, and to close as well. */
const linger = 2000;
/** Milliseconds of silence after which a peer is asked whether it is there still. */
const keepAliveInitialDelay = 10_000;
const defaultDrainTimeout = 30_000;

/**
 * Accepts TCP connections for a server. Listens from the subscription to the unsubscribe, and emits
 * the address once it does; the unsubscribe refuses new connections and leaves those that there are
 * to `UsbipServer.close`.
 *
 * A client that vanishes without a word gives its device back after some 20 seconds of silence; where
 * there is data under way to it, after `drainTimeout`, or, as far as the system had buffers for that
 * data, when the system gives up sending it (Linux: `tcp_retries2`, about 15 minutes).
 *
 * Errors: {@link InvalidRequestError} `invalid-option` for a host that is not this machine, without
 * `allowRemote`; `AccessError` `access-denied`; {@link TransportError} `transport-failed`, with
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
    const { host = "127.0.0.1", allowRemote = false } = options;
    const port = wholeNumber("port", options.port ?? 3240, 0, 65_535);
    const connections = wholeNumber("connections", options.connections ?? 64, 1);
    const drainTimeout = wholeNumber("drainTimeout", options.drainTimeout ?? defaultDrainTimeout, 1, 2 ** 31 - 1);
    const checkReach = (at: string): void => {
      if (allowRemote || isLoopback(at)) return;
      throw new InvalidRequestError(
        "invalid-option",
        `${at} can be reached from other machines, and USB/IP protects nothing: listen on 127.0.0.1, or say allowRemote`,
      );
    };
    checkReach(host);
    const sockets = { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay };
    const listener = createServer(sockets, (socket) => {
      void server.accept(tcpStream(socket, drainTimeout));
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
    };
  });
}

/** Where {@link connectTcp} connects to. */
export interface TcpServerAddress {
  /** A name or an address. */
  readonly host: string;
  /** Default: 3240, which is registered for USB/IP. */
  readonly port?: number | undefined;
}

/**
 * Connects to a server, at each subscription, and emits the connection once it is there: the option
 * `connect` of `usbip`. An unsubscribe before that gives it up; after it, the connection is the subscriber's.
 *
 * Errors: {@link InvalidRequestError} for a port that is none; {@link TransportError} `transport-failed`,
 * with the code of Node, such as `ECONNREFUSED`, in `native`.
 *
 * @example
 * ```ts
 * import { usbip } from "rx-isoch/transports/usbip";
 * import { connectTcp } from "rx-isoch/transports/usbip/tcp";
 *
 * export const remote = usbip({ connect: connectTcp({ host: "localhost" }) });
 * ```
 */
export function connectTcp({ host, port = 3240 }: TcpServerAddress): Observable<ByteStream> {
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

/**
 * A socket, made with `allowHalfOpen`, as a {@link ByteStream}.
 *
 * @param drainTimeout as in {@link TcpOptions}
 */
export function tcpStream(socket: Socket, drainTimeout = defaultDrainTimeout): ByteStream {
  return {
    peer: peerOf(socket),
    open: (handler) => {
      let broken: Error | undefined;
      // Starts anew with whatever is sent or received.
      socket.setTimeout(drainTimeout, () => {
        if (socket.writableLength > 0) socket.destroy(notTaken(drainTimeout));
      });
      socket.on("data", (bytes) => {
        handler.received(bytes);
      });
      socket.on("end", () => {
        handler.ended();
      });
      socket.on("error", (error) => {
        broken = error;
      });
      socket.on("close", () => {
        handler.closed(broken);
      });
    },
    write: (bytes, sent) => {
      socket.write(bytes, () => {
        sent();
      });
    },
    pause: () => {
      socket.pause();
    },
    resume: () => {
      socket.resume();
    },
    end: () => {
      // Of a paused socket neither the end nor the error is heard. It closes by itself at the peer's
      // end: closed before, with something unread, the system would drop what the peer has not got.
      socket.resume();
      socket.end();
      const patience = setTimeout(() => {
        socket.destroy();
      }, linger);
      socket.once("close", () => {
        clearTimeout(patience);
      });
    },
    destroy: () => {
      socket.destroy();
    },
  };
}

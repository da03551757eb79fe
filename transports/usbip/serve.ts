import { catchError, defer, Observable, Subscription, take, throwError } from "rxjs";
import { matchesSelector } from "../../src/device-selector.js";
import { asIsochError } from "../../src/errors.js";
import { InvalidRequestError, type DeviceSelector, type IsochError, type IsochTransport } from "../../src/index.js";
import { subscribeInner } from "../../src/subscribe-inner.js";
import type { StreamAcceptor } from "./byte-stream.js";
import { listenWebSocket, type WebSocketAddress, type WebSocketOptions } from "./node/web-socket-listener.js";
import { UsbipServer, type UsbipServerOptions } from "./server/usbip-server.js";
import { listenTcp, type TcpAddress, type TcpOptions } from "./tcp.js";

export { listenWebSocket, type WebSocketAddress, type WebSocketOptions } from "./node/web-socket-listener.js";

/** What {@link serve} serves, and where. */
export interface ServeOptions extends Omit<UsbipServerOptions, "isExported"> {
  /**
   * Which of the transports' devices clients can see and have: those that one of these selects. Nothing else is
   * ever listed or opened. Each has to say something: there is no "all".
   */
  readonly devices: readonly DeviceSelector[];
  /**
   * Where to listen for plain USB/IP, of `connectTcp`, `usbip attach` and others; `false`: not at all. It knows no
   * token. Default: 127.0.0.1, port 3240.
   */
  readonly tcp?: TcpOptions | false | undefined;
  /** Where to listen for WebSockets, and for whose; `false`: not at all. Default: 127.0.0.1, port 3241, no page of a browser. */
  readonly webSocket?: WebSocketOptions | false | undefined;
  /** A value ends it: no more is accepted, clients are cut off, and it completes when every device is given back. */
  readonly stop?: Observable<unknown> | undefined;
}

/** What carries the protocol. */
export type Carrier = "tcp" | "websocket";

/** What happens at a bridge. */
export type ServeEvent =
  | { readonly type: "listening"; readonly carrier: "tcp"; readonly address: TcpAddress }
  | { readonly type: "listening"; readonly carrier: "websocket"; readonly address: WebSocketAddress }
  /** A client has come; what it wants, it has to say yet. */
  | { readonly type: "connected"; readonly carrier: Carrier; readonly peer: string | undefined }
  /** A client has gone, and what it had is given back; `error` says what ended it, if that was not its wish. */
  | {
      readonly type: "disconnected";
      readonly carrier: Carrier;
      readonly peer: string | undefined;
      readonly error: IsochError | undefined;
    }
  /** A client was turned away. */
  | {
      readonly type: "refused";
      readonly carrier: Carrier;
      readonly peer: string | undefined;
      readonly error: IsochError;
    }
  /** A transport tells of no devices any more. */
  | { readonly type: "failed"; readonly transport: string; readonly error: IsochError };

/**
 * The bridge: serves some devices of transports over TCP and WebSocket together, from the subscription to the
 * unsubscribe, and emits what happens. Any number of clients can ask what there is; a device has one at a time, and
 * others are refused it (`BusyError`) until that one has gone.
 *
 * By default it can be reached from this machine only, and by no page in a browser:
 *
 * | to be reached by | say |
 * |---|---|
 * | pages in browsers | `webSocket: { origins: ["https://app.example"] }` |
 * | other machines | `webSocket: { host: "0.0.0.0", token }`, or, with TLS, `webSocket: { server, token }` |
 * | other machines by plain USB/IP, without any protection | `tcp: { host: "0.0.0.0", allowRemote: true }` |
 *
 * A token keeps out who does not know it. It does not hide what goes over the network, itself included:
 * put TLS around it (`server`, or a proxy in front), or a VPN. A proxy on this machine looks like this machine:
 * without a token it lets in whoever reaches it.
 *
 * An unsubscribe gives all devices back, but nobody hears when; `stop` does the same, and completes then.
 *
 * Errors: {@link InvalidRequestError} for options that mean nothing, or that would let in everybody; what
 * {@link listenTcp} and {@link listenWebSocket} error with. A transport that fails is an event.
 *
 * @example
 * ```ts
 * import { libusb } from "rx-isoch/transports/libusb";
 * import { serve } from "rx-isoch/transports/usbip/serve";
 *
 * const bridge = serve({
 *   transports: [libusb()],
 *   devices: [{ vendorId: 0x046d, productId: 0x0825 }],
 *   webSocket: { origins: ["http://localhost:4200"] },
 * });
 * export const subscription = bridge.subscribe((event) => {
 *   if (event.type === "listening") console.log(event.carrier, event.address);
 *   else if ("error" in event) console.log(event.type, event.error?.message);
 * });
 * ```
 */
export function serve(options: ServeOptions): Observable<ServeEvent> {
  return new Observable((subscriber) => {
    const { transports, devices, tcp = {}, webSocket = {}, stop, ...limits } = options;
    checkDevices(devices);
    if (tcp === false && webSocket === false) {
      throw new InvalidRequestError("invalid-option", "there is nowhere to listen: leave tcp or webSocket on");
    }
    const server = new UsbipServer({
      ...limits,
      transports: transports.map((transport) =>
        attended(transport, (error) => {
          subscriber.next({ type: "failed", transport: transport.name, error });
        }),
      ),
      isExported: (device) => devices.some((selector) => matchesSelector(device, selector)),
    });
    const acceptor = (carrier: Carrier): StreamAcceptor => ({
      accept: (stream) => {
        const { peer } = stream;
        subscriber.next({ type: "connected", carrier, peer });
        const closed = server.accept(stream);
        const gone = (error?: IsochError): void => {
          subscriber.next({ type: "disconnected", carrier, peer, error });
        };
        closed.subscribe({
          error: (error: unknown) => {
            gone(asIsochError(error));
          },
          complete: gone,
        });
        return closed;
      },
      refused: (error, peer) => {
        subscriber.next({ type: "refused", carrier, peer, error });
      },
    });

    const listeners = new Subscription();
    subscriber.add(listeners);
    subscriber.add(() => {
      void server.close();
    });
    const failed = (error: unknown): void => {
      subscriber.error(error);
    };
    if (tcp !== false) {
      listeners.add(
        listenTcp(acceptor("tcp"), tcp).subscribe({
          next: (address) => {
            subscriber.next({ type: "listening", carrier: "tcp", address });
          },
          error: failed,
        }),
      );
    }
    if (webSocket !== false) {
      listeners.add(
        listenWebSocket(acceptor("websocket"), webSocket).subscribe({
          next: (address) => {
            subscriber.next({ type: "listening", carrier: "websocket", address });
          },
          error: failed,
        }),
      );
    }
    if (stop === undefined) return;
    subscribeInner(stop.pipe(take(1)), subscriber, {
      next: () => {
        listeners.unsubscribe();
        server.close().subscribe(subscriber);
      },
      complete: () => undefined,
    });
  });
}

/** @throws {@link InvalidRequestError} `invalid-option` for a list that selects nothing, or everything */
function checkDevices(devices: readonly DeviceSelector[]): void {
  if (devices.length === 0) {
    throw new InvalidRequestError("invalid-option", "devices is empty: say which devices are to be served");
  }
  for (const { vendorId, productId, serialNumber, id } of devices) {
    if ((vendorId ?? productId ?? serialNumber ?? id) !== undefined) continue;
    throw new InvalidRequestError(
      "invalid-option",
      "a selector in devices says nothing, and would serve every device: give it a vendorId, productId, serialNumber or id",
    );
  }
}

/** A transport, with somebody who hears that it has no devices to tell of any more. */
function attended(transport: IsochTransport, failed: (error: IsochError) => void): IsochTransport {
  const { name, capabilities } = transport;
  return {
    name,
    capabilities,
    devices: () =>
      defer(() => transport.devices()).pipe(
        catchError((error: unknown) => {
          failed(asIsochError(error));
          return throwError(() => error);
        }),
      ),
    open: (selector) => transport.open(selector),
  };
}

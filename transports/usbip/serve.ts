import { catchError, defer, Observable, Subscription, take, throwError } from "rxjs";
import { matchesSelector } from "../../src/device-selector.js";
import { asIsochError } from "../../src/errors.js";
import {
  InvalidRequestError,
  type DeviceInfo,
  type DeviceSelector,
  type IsochError,
  type IsochTransport,
} from "../../src/index.js";
import { subscribeInner } from "../../src/subscribe-inner.js";
import type { ByteStream, StreamAcceptor } from "./byte-stream.js";
import { listenWebSocket, type WebSocketAddress, type WebSocketOptions } from "./node/web-socket-listener.js";
import { UsbipServer, type UsbipServerOptions } from "./server/usbip-server.js";
import { listenTcp, type TcpAddress, type TcpOptions } from "./tcp.js";

export { listenWebSocket, type WebSocketAddress, type WebSocketOptions } from "./node/web-socket-listener.js";

/** A device of a bridge, or several. */
export interface ServedDevice extends DeviceSelector {
  /**
   * The one of the `transports` that has it. Default: any; but an `id` is one of a transport, and with several of
   * them, which may have the same, this has to be said.
   */
  readonly transport?: IsochTransport | undefined;
}

/** What {@link serve} serves, and where. */
export interface ServeOptions extends Omit<UsbipServerOptions, "isExported"> {
  /**
   * Which of the transports' devices clients can see and have: those that one of these selects. Nothing else is
   * ever listed or opened. Each has to say something of the device: there is no "all".
   */
  readonly devices: readonly ServedDevice[];
  /**
   * Where to listen for USB/IP, of `connectTcp`, `usbip attach` and others, and who of them needs a token; `false`:
   * not at all. Default: 127.0.0.1, port 3240, no token.
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
  /** A client has a device from now on, and has given it back: nobody else can have it between the two. */
  | {
      readonly type: "imported" | "released";
      readonly carrier: Carrier;
      readonly peer: string | undefined;
      readonly busId: string;
      readonly device: DeviceInfo;
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
 * | other machines | `tcp: { host: "0.0.0.0", token }` for `connectTcp({ host, token })`, `webSocket: { host: "0.0.0.0", token }`, or, with TLS, `webSocket: { server, token }` |
 * | other machines whose client knows no token, such as Linux, without any protection | `tcp: { host: "0.0.0.0", allowWithoutToken: true }` |
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
    checkDevices(devices, transports);
    if (tcp === false && webSocket === false) {
      throw new InvalidRequestError("invalid-option", "there is nowhere to listen: leave tcp or webSocket on");
    }
    const originals = new Map<IsochTransport, IsochTransport>();
    for (const transport of transports) {
      const attending = attended(transport, (error) => {
        subscriber.next({ type: "failed", transport: transport.name, error });
      });
      originals.set(attending, transport);
    }
    const server = new UsbipServer({
      ...limits,
      transports: [...originals.keys()],
      isExported: (device, attending) =>
        devices.some(
          ({ transport, ...selector }) =>
            (transport === undefined || transport === originals.get(attending)) && matchesSelector(device, selector),
        ),
    });
    const carriers = new WeakMap<ByteStream, Carrier>();
    server.imports.subscribe({
      next: ({ type, busId, device, stream }) => {
        const { peer } = stream;
        subscriber.next({ type, carrier: carriers.get(stream) ?? "tcp", peer, busId, device });
      },
      error: (error: unknown) => {
        subscriber.error(error);
      },
    });
    const acceptor = (carrier: Carrier): StreamAcceptor => ({
      accept: (stream) => {
        const { peer } = stream;
        carriers.set(stream, carrier);
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
    const listen = <A>(listening: Observable<A>, told: (address: A) => ServeEvent): void => {
      listeners.add(
        listening.subscribe({
          next: (address) => {
            subscriber.next(told(address));
          },
          error: (error: unknown) => {
            subscriber.error(error);
          },
        }),
      );
    };
    if (tcp !== false) {
      listen(listenTcp(acceptor("tcp"), tcp), (address) => ({ type: "listening", carrier: "tcp", address }));
    }
    if (webSocket !== false) {
      const listening = listenWebSocket(acceptor("websocket"), webSocket);
      listen(listening, (address) => ({ type: "listening", carrier: "websocket", address }));
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

/** @throws {@link InvalidRequestError} `invalid-option` for a list that selects nothing, everything, or what nobody knows */
function checkDevices(devices: readonly ServedDevice[], transports: readonly IsochTransport[]): void {
  if (devices.length === 0) {
    throw new InvalidRequestError("invalid-option", "devices is empty: say which devices are to be served");
  }
  for (const { vendorId, productId, serialNumber, id, transport } of devices) {
    if ((vendorId ?? productId ?? serialNumber ?? id) === undefined) {
      throw new InvalidRequestError(
        "invalid-option",
        "a selector in devices says nothing, and would serve every device: give it a vendorId, productId, serialNumber or id",
      );
    }
    if (transport !== undefined && !transports.includes(transport)) {
      throw new InvalidRequestError(
        "invalid-option",
        "a selector in devices has a transport that is not among transports",
      );
    }
    if (id !== undefined && transport === undefined && transports.length > 1) {
      throw new InvalidRequestError(
        "invalid-option",
        `the id ${id} in devices may be that of a device on each of the transports: give its transport beside it`,
      );
    }
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

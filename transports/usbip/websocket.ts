import { Observable } from "rxjs";
import { InvalidRequestError, TransportError, UnsupportedError } from "../../src/index.js";
import { inWords } from "../../src/errors.js";
import type { ByteStream } from "./byte-stream.js";
import { subprotocol, tokenProtocol } from "./web-socket/protocols.js";
import type { WebSocketConstructor, WebSocketLike } from "./web-socket/standard.js";
import { WebSocketStream } from "./web-socket/stream.js";

export type { WebSocketClose, WebSocketConstructor, WebSocketLike, WebSocketMessage } from "./web-socket/standard.js";

/** Where {@link connectWebSocket} connects to. */
export interface WebSocketServerAddress {
  /** `ws:` or, over TLS, `wss:`. */
  readonly url: string | URL;
  /** What the bridge was given as `token`. Without TLS, all on the way can read it, as all else. */
  readonly token?: string | undefined;
  /** Default: the global one, of browsers and of Node from version 22. That of `ws` does as well. */
  readonly WebSocket?: WebSocketConstructor | undefined;
}

/**
 * Connects to a bridge, at each subscription, and emits the connection once it is there: the option
 * `connect` of `usbip`, in a browser and in Node. An unsubscribe before that gives it up; after it, the
 * connection is the subscriber's.
 *
 * A WebSocket tells nobody when it can take more, and cannot be asked to wait. So what was written counts
 * as sent once `bufferedAmount` says that it has left; and what comes while the stream is paused is
 * queued, up to 64 MiB, beyond which the connection is closed with an `OverflowError`. `usbip` never pauses:
 * a server sends only what was asked for, and it asks for 16 MiB an endpoint at most.
 *
 * Errors: {@link InvalidRequestError} `invalid-option` for an address that is none; {@link UnsupportedError}
 * where there is no `WebSocket`; {@link TransportError} `transport-failed`, with the code of the end in `native`.
 * A browser does not tell a program why a connection was refused: its console does.
 *
 * @example
 * ```ts
 * import { usbip } from "rx-isoch/transports/usbip";
 * import { connectWebSocket } from "rx-isoch/transports/usbip/websocket";
 *
 * export const remote = usbip({ connect: connectWebSocket({ url: "ws://localhost:3241" }) });
 * ```
 *
 * @example In Node 20, with the package ws
 * ```ts
 * import { connectWebSocket, type WebSocketConstructor } from "rx-isoch/transports/usbip/websocket";
 *
 * export const connectWith = (WebSocket: WebSocketConstructor, token: string) =>
 *   connectWebSocket({ url: "wss://lab.example", token, WebSocket });
 * ```
 */
export function connectWebSocket({ url, token, WebSocket }: WebSocketServerAddress): Observable<ByteStream> {
  return new Observable((subscriber) => {
    const Constructor = WebSocket ?? (globalThis as { readonly WebSocket?: WebSocketConstructor }).WebSocket;
    if (Constructor === undefined) {
      throw new UnsupportedError(
        "unsupported",
        "there is no WebSocket here: use Node 22 or newer, or give that of the package ws as the option WebSocket",
      );
    }
    const { href, host } = checkedUrl(url);
    const protocols = token === undefined ? [subprotocol] : [subprotocol, tokenProtocol(token)];
    let isHandedOver = false;
    let why: unknown;
    const failed = (code?: number): TransportError =>
      new TransportError(
        "transport-failed",
        `cannot connect to ${host} (${why === undefined ? "nobody says why" : inWords(why)}): see that a bridge listens there, and that it was given this token and, for a browser, the origin of this page`,
        { native: code, cause: why },
      );
    let socket: WebSocketLike;
    try {
      socket = new Constructor(href, protocols);
    } catch (error) {
      // A page that came over TLS may not connect without.
      why = error;
      throw failed();
    }
    socket.onopen = () => {
      isHandedOver = true;
      subscriber.next(new WebSocketStream(socket, host));
      subscriber.complete();
    };
    socket.onerror = ({ message }: { readonly message?: unknown }) => {
      if (typeof message === "string" && message !== "") why = message;
    };
    socket.onclose = ({ code }: { readonly code: number }) => {
      subscriber.error(failed(code));
    };
    subscriber.add(() => {
      if (!isHandedOver) socket.close();
    });
  });
}

function checkedUrl(url: string | URL): URL {
  let parsed: URL | undefined;
  try {
    parsed = new URL(url);
  } catch {
    // Said below.
  }
  if (parsed !== undefined && /^wss?:$/.test(parsed.protocol) && parsed.hash === "" && parsed.username === "") {
    return parsed;
  }
  throw new InvalidRequestError(
    "invalid-option",
    "the url of a bridge begins with ws: or wss:, and has neither a name of a user nor a fragment, such as ws://localhost:3241",
  );
}

import type { IncomingMessage } from "node:http";
import { AccessError, InvalidRequestError, type IsochError } from "../../../src/index.js";
import { tokenPrefix, tokenProtocol } from "../web-socket/protocols.js";
import { checkedToken } from "../protocol/token.js";
import { isLoopback } from "./loopback.js";
import { Token } from "./token.js";

/** Whom a listener of WebSockets lets in. */
export interface AdmissionOptions {
  readonly path?: string | undefined;
  readonly token?: string | undefined;
  readonly origins?: readonly string[] | undefined;
  readonly hosts?: readonly string[] | undefined;
}

/** Why a request is turned away. */
export interface Refusal {
  /** Of HTTP. */
  readonly status: 401 | 403 | 404;
  readonly error: IsochError;
}

/** Looks at the requests for a WebSocket, before anything else is done for them. */
export class Admission {
  readonly #path: string;
  readonly #origins: ReadonlySet<string>;
  readonly #hosts: ReadonlySet<string>;
  readonly #token: Token | undefined;

  /** @throws {@link InvalidRequestError} `invalid-option` */
  constructor({ path = "/", token, origins = [], hosts = [] }: AdmissionOptions) {
    if (!path.startsWith("/") || /[?#\s]/.test(path)) {
      throw new InvalidRequestError("invalid-option", `path begins with /, and is only that: not ${path}`);
    }
    this.#path = path;
    this.#origins = new Set(origins.map(checkedOrigin));
    this.#hosts = new Set(hosts.map(checkedHost));
    this.#token = token === undefined ? undefined : new Token(tokenProtocol(checkedToken(token)));
  }

  /** Whether nobody comes in without a token. */
  get hasToken(): boolean {
    return this.#token !== undefined;
  }

  isForPath({ url = "" }: IncomingMessage): boolean {
    return url.split("?", 1)[0] === this.#path;
  }

  /**
   * Why it does not come in, if so.
   *
   * @param isLocal only this machine can reach the listener
   */
  refusal({ headers }: IncomingMessage, isLocal: boolean): Refusal | undefined {
    const { host = "", origin, "sec-websocket-protocol": protocols } = headers;
    if (!this.#admitsHost(host, isLocal)) {
      // A page whose name was made to lead here has that name in it, and an origin that is its own.
      return refused(403, `for the host ${quoted(host)}, which is not this one: add it to hosts if it is`);
    }
    if (origin !== undefined && !this.#origins.has(origin)) {
      return refused(403, `from a page of ${quoted(origin)}: add that to origins to let it in`);
    }
    if (!this.#admitsToken(protocols)) {
      return refused(401, "without the token: give the client the one that the bridge was given");
    }
    return undefined;
  }

  #admitsHost(host: string, isLocal: boolean): boolean {
    const name = host.replace(/:\d*$/, "").toLowerCase();
    if (this.#hosts.has(name)) return true;
    return isLocal ? isLoopback(name.replace(/^\[(.*)\]$/, "$1")) : this.#hosts.size === 0;
  }

  #admitsToken(protocols = ""): boolean {
    if (this.#token === undefined) return true;
    // One guess a request.
    const [offered = "", ...others] = protocols
      .split(",")
      .map((each) => each.trim())
      .filter((each) => each.startsWith(tokenPrefix));
    return this.#token.matches(offered) && others.length === 0;
  }
}

function refused(status: Refusal["status"], why: string): Refusal {
  return { status, error: new AccessError("access-denied", `a WebSocket was asked for ${why}`) };
}

/** What a stranger wrote, in a message. */
function quoted(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
}

/** As a browser writes it, or it would never match. */
function checkedOrigin(origin: string): string {
  if (/^[a-z][a-z0-9+.-]*:\/\/[^/?#\s@]+$/.test(origin) && sameOrigin(origin)) return origin;
  throw new InvalidRequestError(
    "invalid-option",
    `an origin is a scheme and a host, and a port that is not the usual one, in small letters, such as http://localhost:4200, not ${quoted(origin)}`,
  );
}

function sameOrigin(origin: string): boolean {
  if (!/^https?:/.test(origin)) return true;
  try {
    return new URL(origin).origin === origin;
  } catch {
    return false;
  }
}

function checkedHost(host: string): string {
  if (/^([^\s:/?#@[\]]+|\[[0-9a-f:.]+\])$/i.test(host)) return host.toLowerCase();
  throw new InvalidRequestError(
    "invalid-option",
    `a host is a name or an address, without a port, not ${quoted(host)}`,
  );
}

import { asyncScheduler, Subscription } from "rxjs";
import { OverflowError, TransportError, type IsochError } from "../../../src/index.js";
import type { ByteStream, ByteStreamHandler } from "../byte-stream.js";
import { protocolError } from "../protocol/wire.js";
import { inMessages, linger } from "./protocols.js";
import type { WebSocketClose, WebSocketLike, WebSocketMessage } from "./standard.js";

/** Bytes that may come while nobody wants to receive, at most: a WebSocket cannot be told to wait. */
const mostQueued = 1 << 26;
/** Milliseconds from one look at what has left to the next: no event tells of it. */
const lookInterval = 10;

/** Closed as meant, by an end of it that goes away, or without a word on why. */
const cleanCodes: readonly number[] = [1000, 1001, 1005];

interface Sending {
  /** What was handed over up to its end. */
  readonly end: number;
  readonly sent: () => void;
}

/** A WebSocket of the standard, which is open, as a {@link ByteStream}. */
export class WebSocketStream implements ByteStream {
  readonly peer: string;
  readonly #socket: WebSocketLike;
  readonly #timers = new Subscription();
  #handler: ByteStreamHandler | undefined;
  #queue: Uint8Array[] = [];
  #queued = 0;
  #isPaused = false;
  #written = 0;
  readonly #sending: Sending[] = [];
  #looking: Subscription | undefined;
  /** How it ended; the handler is told once it has heard all that came before. */
  #end: { readonly error: IsochError | undefined; readonly hasEnded: boolean } | undefined;
  #isOver = false;

  constructor(socket: WebSocketLike, peer: string) {
    this.#socket = socket;
    this.peer = peer;
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }: WebSocketMessage) => {
      this.#received(data);
    };
    // That of the end follows, and says more.
    socket.onerror = () => undefined;
    socket.onclose = (event: WebSocketClose) => {
      this.#finish(closeError(event), true);
    };
  }

  open(handler: ByteStreamHandler): void {
    queueMicrotask(() => {
      this.#handler = handler;
      this.#deliver();
    });
  }

  write(bytes: Uint8Array, sent: () => void): void {
    if (this.#end !== undefined) {
      queueMicrotask(sent);
      return;
    }
    for (const message of inMessages(bytes)) this.#socket.send(message as Uint8Array<ArrayBuffer>);
    this.#written += bytes.length;
    this.#sending.push({ end: this.#written, sent });
    this.#look();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#deliver();
  }

  end(): void {
    if (this.#end !== undefined) return;
    this.#socket.close(1000);
    this.#timers.add(
      asyncScheduler.schedule(() => {
        this.destroy();
      }, linger),
    );
    this.resume();
  }

  destroy(): void {
    this.#discard();
    this.#finish(undefined, false);
  }

  #received(data: unknown): void {
    if (this.#end !== undefined) return;
    if (!(data instanceof ArrayBuffer)) {
      this.#break(protocolError("sent text, where bytes belong"));
      return;
    }
    const bytes = new Uint8Array(data);
    if (this.#handler !== undefined && !this.#isPaused && this.#queue.length === 0) {
      this.#handler.received(bytes);
      return;
    }
    this.#queue.push(bytes);
    this.#queued += bytes.length;
    if (this.#queued <= mostQueued) return;
    this.#break(
      new OverflowError(
        "overflow",
        `the peer sent ${this.#queued} bytes while it was not read, and a WebSocket cannot be held up: ask for less at a time`,
      ),
    );
  }

  #deliver(): void {
    const handler = this.#handler;
    if (handler === undefined) return;
    while (!this.#isPaused && this.#queue.length > 0) {
      const [bytes] = this.#queue.splice(0, 1);
      if (bytes === undefined) break;
      this.#queued -= bytes.length;
      handler.received(bytes);
    }
    if (this.#queue.length > 0 || this.#end === undefined || this.#isOver) return;
    this.#isOver = true;
    const { error, hasEnded } = this.#end;
    if (hasEnded && error === undefined) handler.ended();
    handler.closed(error);
  }

  #break(error: IsochError): void {
    this.#discard();
    this.#finish(error, false);
  }

  /** What has come is nobody's any more. */
  #discard(): void {
    this.#queue = [];
    this.#queued = 0;
    if (this.#socket.terminate === undefined) this.#socket.close();
    else this.#socket.terminate();
  }

  #finish(error: IsochError | undefined, hasEnded: boolean): void {
    if (this.#end !== undefined) return;
    this.#end = { error, hasEnded };
    this.#timers.unsubscribe();
    this.#looking?.unsubscribe();
    queueMicrotask(() => {
      for (const { sent } of this.#sending.splice(0)) sent();
      this.#deliver();
    });
  }

  /** Tells what has left that it has, and comes back for the rest. */
  #look(): void {
    if (this.#looking !== undefined && !this.#looking.closed) return;
    this.#looking = asyncScheduler.schedule(() => {
      const left = this.#written - this.#socket.bufferedAmount;
      while (this.#sending[0] !== undefined && this.#sending[0].end <= left) this.#sending.shift()?.sent();
      this.#looking = undefined;
      if (this.#sending.length > 0 && this.#end === undefined) this.#look();
    }, lookInterval);
  }
}

function closeError({ code, reason }: WebSocketClose): IsochError | undefined {
  if (cleanCodes.includes(code)) return undefined;
  const why = reason === "" ? `code ${code}` : `code ${code}, ${reason}`;
  return new TransportError("transport-failed", `the WebSocket broke (${why}): look at the bridge and the network`, {
    native: code,
  });
}

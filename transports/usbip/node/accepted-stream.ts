import type { Socket } from "node:net";
import type { RawData, WebSocket } from "ws";
import { TransportError } from "../../../src/index.js";
import type { ByteStream, ByteStreamHandler } from "../byte-stream.js";
import { protocolError } from "../protocol/wire.js";
import { inMessages, linger } from "../web-socket/protocols.js";
import { notTaken, silent } from "./errors.js";
import { peerOf } from "./peer.js";

/** Looks at a connection within the time that it may be silent. */
const looks = 3;

/** A WebSocket that a listener has accepted, as a {@link ByteStream}. */
export class AcceptedStream implements ByteStream {
  readonly peer: string | undefined;
  readonly #webSocket: WebSocket;
  readonly #socket: Socket;
  readonly #drainTimeout: number;
  #isPaused = false;
  #isDestroyed = false;
  #broken: Error | undefined;

  /** @param socket the one below */
  constructor(webSocket: WebSocket, socket: Socket, drainTimeout: number) {
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.#drainTimeout = drainTimeout;
    this.peer = peerOf(socket);
  }

  open(handler: ByteStreamHandler): void {
    const looking = this.#watch();
    this.#webSocket.on("message", (data: RawData, isBinary) => {
      if (this.#isDestroyed) return;
      if (isBinary) handler.received(data as Buffer);
      else this.#break(protocolError("sent text, where bytes belong"));
    });
    this.#webSocket.on("error", (error: NodeJS.ErrnoException) => {
      this.#break(
        new TransportError(
          "protocol-error",
          `the peer broke the rules of WebSocket (${error.message}): close the connection`,
          { native: error.code, cause: error },
        ),
      );
    });
    this.#webSocket.on("close", () => {
      clearInterval(looking);
      if (!this.#isDestroyed) handler.ended();
      handler.closed(this.#broken);
    });
  }

  write(bytes: Uint8Array, sent: () => void): void {
    const messages = [...inMessages(bytes)];
    const last = messages.pop();
    for (const message of messages) this.#webSocket.send(message);
    this.#webSocket.send(last ?? bytes, () => {
      sent();
    });
  }

  pause(): void {
    this.#isPaused = true;
    this.#webSocket.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#webSocket.resume();
  }

  end(): void {
    // Of a paused one neither the end nor the error is heard.
    this.resume();
    this.#webSocket.close(1000);
    const patience = setTimeout(() => {
      this.destroy();
    }, linger);
    this.#webSocket.once("close", () => {
      clearTimeout(patience);
    });
  }

  destroy(): void {
    this.#isDestroyed = true;
    this.#webSocket.terminate();
  }

  #break(error: Error): void {
    if (this.#isDestroyed) return;
    this.#broken = error;
    this.destroy();
  }

  /**
   * Breaks off a peer that takes nothing of what waits for it, or, where nothing waits, does not even
   * answer a ping. One that is not read cannot answer.
   */
  #watch(): NodeJS.Timeout {
    let before = { received: 0, waiting: 0, taken: 0 };
    let silence = 0;
    return setInterval(() => {
      const { bytesRead: received, writableLength: waiting, bytesWritten } = this.#socket;
      const taken = bytesWritten - waiting;
      const isHeard = received !== before.received || (this.#isPaused && waiting === 0);
      const isTaking = before.waiting > 0 && taken !== before.taken;
      silence = isHeard || isTaking ? 0 : silence + 1;
      before = { received, waiting, taken };
      if (silence >= looks) this.#break((waiting > 0 ? notTaken : silent)(this.#drainTimeout));
      else if (!isHeard && waiting === 0 && this.#webSocket.readyState === this.#webSocket.OPEN) this.#webSocket.ping();
    }, this.#drainTimeout / looks);
  }
}

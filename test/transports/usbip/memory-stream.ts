import type { ByteStream, ByteStreamHandler } from "rx-isoch/transports/usbip";

interface Piece {
  readonly bytes: Uint8Array;
  readonly sent: () => void;
}

/** One end of a connection within the program. */
export interface MemoryStream extends ByteStream {
  /** Most bytes that waited at once for this end to take them. */
  readonly mostWaiting: number;
}

class End implements MemoryStream {
  other: End | undefined;
  mostWaiting = 0;
  readonly #arriving: Piece[] = [];
  readonly #chunk: number;
  #handler: ByteStreamHandler | undefined;
  #isPaused = false;
  #isTurning = false;
  #hasEnded = false;
  #peerHasEnded = false;
  #toldEnd = false;
  #isClosed = false;

  constructor(chunk: number) {
    this.#chunk = chunk;
  }

  open(handler: ByteStreamHandler): void {
    if (this.#handler !== undefined) throw new Error("opened twice");
    this.#handler = handler;
    this.#turn();
  }

  write(bytes: Uint8Array, sent: () => void): void {
    if (this.#hasEnded) throw new Error("written after the end");
    if (this.#isClosed || this.other === undefined) queueMicrotask(sent);
    else this.other.#arrive({ bytes, sent });
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#turn();
  }

  end(): void {
    if (this.#hasEnded || this.#isClosed) return;
    this.#hasEnded = true;
    const { other } = this;
    if (other === undefined) return;
    other.#peerHasEnded = true;
    other.#turn();
  }

  destroy(): void {
    this.#close();
    if (this.other !== undefined) this.other.#close();
  }

  #arrive(piece: Piece): void {
    if (this.#isClosed) {
      queueMicrotask(piece.sent);
      return;
    }
    this.#arriving.push(piece);
    const waiting = this.#arriving.reduce((sum, { bytes }) => sum + bytes.length, 0);
    this.mostWaiting = Math.max(this.mostWaiting, waiting);
    this.#turn();
  }

  /** Never within a call of the other end. */
  #turn(): void {
    if (this.#isTurning) return;
    this.#isTurning = true;
    queueMicrotask(() => {
      this.#isTurning = false;
      this.#deliver();
    });
  }

  #deliver(): void {
    const handler = this.#handler;
    while (handler !== undefined && !this.#isPaused && !this.#isClosed) {
      const piece = this.#arriving.shift();
      if (piece === undefined) break;
      for (let at = 0; at < piece.bytes.length; at += this.#chunk) {
        const view = piece.bytes.slice(at, at + this.#chunk);
        handler.received(view);
        // The handler may not keep it.
        view.fill(0xee);
      }
      piece.sent();
    }
    if (handler === undefined || this.#isClosed || this.#arriving.length > 0 || !this.#peerHasEnded) return;
    if (!this.#toldEnd) {
      this.#toldEnd = true;
      handler.ended();
    }
    if (this.#hasEnded) {
      this.#close();
      if (this.other !== undefined) this.other.#close();
    }
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const { sent } of this.#arriving.splice(0)) queueMicrotask(sent);
    queueMicrotask(() => this.#handler?.closed());
  }
}

/**
 * The two ends of a connection within the program. What is written arrives in chunks, in a later
 * turn, and counts as sent once the other end has taken it.
 */
export function memoryStreams(chunk = 1 << 16): readonly [MemoryStream, MemoryStream] {
  const one = new End(chunk);
  const other = new End(chunk);
  one.other = other;
  other.other = one;
  return [one, other];
}

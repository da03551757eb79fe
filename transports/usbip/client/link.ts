import type { ByteStream, ByteStreamHandler } from "../byte-stream.js";

const deaf: ByteStreamHandler = {
  received: () => undefined,
  ended: () => undefined,
  closed: () => undefined,
};

/** A connection whose handler changes: first the one who asks for a device, then the one who uses it. */
export class Link {
  readonly #stream: ByteStream;
  #handler: ByteStreamHandler;
  #isClosed = false;
  /** The peer sends no more. */
  #hasEnded = false;
  /** This end sends no more. */
  #isEnding = false;
  #error: unknown;
  /** What came behind the answer to the first request. */
  rest: Uint8Array | undefined;

  /** Opens the stream. */
  constructor(stream: ByteStream, handler: ByteStreamHandler) {
    this.#stream = stream;
    this.#handler = handler;
    stream.open({
      received: (bytes) => {
        this.#handler.received(bytes);
      },
      ended: () => {
        this.#hasEnded = true;
        this.#handler.ended();
      },
      closed: (error) => {
        this.#close(error);
      },
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** From now on, this one hears; at once of what there is to hear already. */
  handOver(handler: ByteStreamHandler): void {
    this.#handler = handler;
    const { rest } = this;
    this.rest = undefined;
    if (rest !== undefined && rest.length > 0) handler.received(rest);
    if (this.#hasEnded) handler.ended();
    if (this.#isClosed) handler.closed(this.#error);
  }

  /** Sends bytes, which are the link's. */
  write(bytes: Uint8Array): void {
    if (this.#isClosed || this.#isEnding) return;
    this.#attempt(() => {
      this.#stream.write(bytes, () => undefined);
    });
  }

  end(): void {
    if (this.#isClosed || this.#isEnding) return;
    this.#isEnding = true;
    this.#attempt(() => {
      this.#stream.end();
    });
  }

  /** Closes at once; whatever comes is not heard any more, but for the end. */
  destroy(): void {
    this.#isEnding = true;
    const handler = this.#handler;
    this.#handler = {
      ...deaf,
      closed: (error) => {
        handler.closed(error);
      },
    };
    if (this.#isClosed) return;
    this.#attempt(() => {
      this.#stream.destroy();
    });
  }

  /** A carrier that throws is broken; its handler hears that in a later turn, as of any other end. */
  #attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      queueMicrotask(() => {
        this.#close(error);
      });
    }
  }

  #close(error: unknown): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#error = error;
    this.#handler.closed(error);
  }
}

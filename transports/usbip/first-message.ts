import { Observable } from "rxjs";
import { asIsochError } from "../../src/errors.js";
import type { ByteStream, ByteStreamHandler } from "./byte-stream.js";
import { ByteQueue, MessageDecoder, type MessageParser } from "./protocol/index.js";
import { protocolError } from "./protocol/wire.js";

/** What a stream began with, and the stream as it goes on behind it: the receiver's to open. */
export interface FirstMessage<M> {
  readonly message: M;
  readonly rest: ByteStream;
}

/**
 * Opens a stream, and emits its first message. An unsubscribe before that hears no more of the stream, and leaves
 * its end to whoever has it.
 *
 * Errors: `TransportError` `protocol-error` where the stream ends before; what broke it; what the parser throws.
 *
 * @param begin makes the parser of the message
 */
export function firstMessage<M>(stream: ByteStream, begin: () => MessageParser<M>): Observable<FirstMessage<M>> {
  return new Observable((subscriber) => {
    const queue = new ByteQueue();
    const decoder = new MessageDecoder(queue, begin);
    const rest = new Rest(stream);
    rest.begin({
      received: (bytes) => {
        if (subscriber.closed) return;
        try {
          queue.push(bytes);
          const message = decoder.read();
          if (message === undefined) return;
          rest.hold(queue.take(queue.length));
          subscriber.next({ message, rest });
          subscriber.complete();
        } catch (error) {
          subscriber.error(error);
        }
      },
      ended: () => {
        subscriber.error(protocolError("ended before it had said what it has to begin with"));
      },
      closed: (error) => {
        subscriber.error(
          error === undefined
            ? protocolError("closed before it had said what it has to begin with")
            : asIsochError(error),
        );
      },
    });
  });
}

/** A stream of which somebody has read the beginning: held up until it is opened anew. */
class Rest implements ByteStream {
  readonly peer: string | undefined;
  readonly #stream: ByteStream;
  #handler: ByteStreamHandler | undefined;
  /** What came behind the first message, and was not asked for yet. */
  #waiting: Uint8Array[] = [];
  #isPaused = false;
  #isOver = false;
  #hasEnded = false;
  #end: { readonly error: unknown } | undefined;

  constructor(stream: ByteStream) {
    this.#stream = stream;
    this.peer = stream.peer;
  }

  begin(handler: ByteStreamHandler): void {
    this.#handler = handler;
    this.#stream.open({
      received: (bytes) => {
        if (this.#handler !== undefined) this.#handler.received(bytes);
        else if (!this.#isOver) this.#waiting.push(bytes.slice());
      },
      ended: () => {
        this.#hasEnded = true;
        this.#handler?.ended();
      },
      closed: (error) => {
        this.#end = { error };
        this.#handler?.closed(error);
      },
    });
  }

  hold(bytes: Uint8Array | undefined): void {
    this.#handler = undefined;
    if (bytes !== undefined && bytes.length > 0) this.#waiting.push(bytes);
    this.#stream.pause();
  }

  open(handler: ByteStreamHandler): void {
    queueMicrotask(() => {
      this.#handler = handler;
      for (const bytes of this.#waiting.splice(0)) handler.received(bytes);
      if (this.#hasEnded) handler.ended();
      if (this.#end !== undefined) handler.closed(this.#end.error);
      else if (!this.#isPaused) this.#stream.resume();
    });
  }

  write(bytes: Uint8Array, sent: () => void): void {
    this.#stream.write(bytes, sent);
  }

  pause(): void {
    this.#isPaused = true;
    this.#stream.pause();
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#handler !== undefined) this.#stream.resume();
  }

  end(): void {
    this.#drop();
    this.#stream.end();
  }

  destroy(): void {
    this.#drop();
    this.#stream.destroy();
  }

  #drop(): void {
    this.#isOver = true;
    this.#waiting = [];
  }
}

import { asIsochError, type IsochError } from "../../../src/errors.js";
import type { ByteQueue } from "./byte-queue.js";
import { protocolError } from "./wire.js";

/** Reads one message: yields how many bytes it wants next, and is handed exactly these. */
export type MessageParser<M> = Generator<number, M, Uint8Array>;

/**
 * Reads messages of one kind out of a queue of bytes, as they come in.
 *
 * Nothing is believed before it is checked: a length is compared with its limit, and with what else
 * the message says, before a byte of what it announces is waited for.
 */
export class MessageDecoder<M> {
  readonly #queue: ByteQueue;
  readonly #begin: () => MessageParser<M>;
  #parser: MessageParser<M> | undefined;
  #wanted = 0;
  #failure: IsochError | undefined;

  /** @param begin makes the parser of a message */
  constructor(queue: ByteQueue, begin: () => MessageParser<M>) {
    this.#queue = queue;
    this.#begin = begin;
  }

  /** A message has begun, and is not whole yet. */
  get isWithin(): boolean {
    return this.#failure === undefined && (this.#parser !== undefined || this.#queue.length > 0);
  }

  /**
   * The next message, or `undefined` until the rest of it is in the queue.
   *
   * @throws {@link TransportError} `protocol-error`; after that, every call throws the same
   */
  read(): M | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      if (this.#parser === undefined) {
        if (this.#queue.length === 0) return undefined;
        this.#parser = this.#begin();
        const first = this.#parser.next(new Uint8Array(0));
        if (first.done === true) return this.#end(first.value);
        this.#wanted = first.value;
      }
      for (;;) {
        const bytes = this.#queue.take(this.#wanted);
        if (bytes === undefined) return undefined;
        const step = this.#parser.next(bytes);
        if (step.done === true) return this.#end(step.value);
        this.#wanted = step.value;
      }
    } catch (error) {
      this.#failure = asIsochError(error);
      throw this.#failure;
    }
  }

  /**
   * The peer has ended.
   *
   * @throws {@link TransportError} `protocol-error` if it did so in the middle of a message
   */
  finish(): void {
    if (this.isWithin) throw protocolError("ended in the middle of a message");
  }

  #end(message: M): M {
    this.#parser = undefined;
    return message;
  }
}

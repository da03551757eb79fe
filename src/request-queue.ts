import { InvalidRequestError, OverflowError } from "./errors.js";
import type { IsochRequest } from "./request.js";

/** A request, or a source of requests that is pulled from as the bus takes them. */
export type RequestSource = IsochRequest | Iterable<IsochRequest> | AsyncIterable<IsochRequest>;

/** Who hears of a {@link RequestQueue}. */
interface RequestQueueListener {
  /** A request that was being waited for is there, or will not come: call {@link RequestQueue.take}. */
  readonly ready: () => void;
  /** An iterator failed. */
  readonly failed: (error: unknown) => void;
}

type RequestIterator = Iterator<IsochRequest> | AsyncIterator<IsochRequest>;

/**
 * Requests that wait for their turn: pushed ones in a bounded backlog, and iterables that are
 * pulled from, one request at a time, only when somebody takes one.
 *
 * @internal
 */
export class RequestQueue {
  readonly #limit: number;
  readonly #listener: RequestQueueListener;
  readonly #backlog: RequestSource[] = [];
  #iterator: RequestIterator | undefined;
  #pulled: IsochRequest | undefined;
  #isPulling = false;
  #isDiscarded = false;

  constructor(limit: number, listener: RequestQueueListener) {
    this.#limit = limit;
    this.#listener = listener;
  }

  /** Whether nothing waits, and nothing is left to pull from. */
  get isEmpty(): boolean {
    return this.#backlog.length === 0 && this.#iterator === undefined && this.#pulled === undefined;
  }

  /** @throws {@link OverflowError} `backlog-full`; {@link InvalidRequestError} for what is neither request nor iterable */
  push(source: RequestSource): void {
    const given: unknown = source;
    if (typeof given !== "object" || given === null) {
      throw new InvalidRequestError("invalid-option", `a request is an object with lengths, not ${String(given)}`);
    }
    if (this.#backlog.length >= this.#limit) {
      throw new OverflowError(
        "backlog-full",
        `${this.#limit} requests wait and one more was pushed: push at the pace of the bus, or give an iterable to pull from`,
      );
    }
    this.#backlog.push(source);
  }

  /** The next request, if one is ready; {@link RequestQueueListener.ready} follows if one is on its way. */
  take(): IsochRequest | undefined {
    while (!this.#isPulling && !this.#isDiscarded) {
      if (this.#pulled !== undefined) {
        const request = this.#pulled;
        this.#pulled = undefined;
        return request;
      }
      if (this.#iterator === undefined) {
        const source = this.#backlog.shift();
        if (source === undefined) return undefined;
        this.#iterator = iteratorOf(source);
        if (this.#iterator === undefined) return source as IsochRequest;
      }
      this.#pull(this.#iterator);
    }
    return undefined;
  }

  /** Forgets what waits, and tells the iterator that nobody wants more. Idempotent. */
  discard(): void {
    this.#isDiscarded = true;
    this.#backlog.length = 0;
    this.#pulled = undefined;
    const iterator = this.#iterator;
    this.#iterator = undefined;
    if (iterator?.return === undefined) return;
    Promise.resolve(iterator.return()).catch(() => {
      // Nobody is left to hear that the source failed to stop.
    });
  }

  #pull(iterator: RequestIterator): void {
    try {
      const result = iterator.next();
      if (!("then" in result)) {
        this.#accept(result);
        return;
      }
      this.#isPulling = true;
      const settle = (act: () => void) => {
        this.#isPulling = false;
        if (!this.#isDiscarded) act();
      };
      result.then(
        (pulled) => {
          settle(() => {
            this.#accept(pulled);
            this.#listener.ready();
          });
        },
        (error: unknown) => {
          settle(() => {
            this.#fail(error);
          });
        },
      );
    } catch (error) {
      this.#fail(error);
    }
  }

  #accept(result: IteratorResult<IsochRequest, unknown>): void {
    if (result.done === true) this.#iterator = undefined;
    else this.#pulled = result.value;
  }

  #fail(error: unknown): void {
    this.#iterator = undefined;
    this.#listener.failed(error);
  }
}

function iteratorOf(source: RequestSource): RequestIterator | undefined {
  if (Symbol.asyncIterator in source) return source[Symbol.asyncIterator]();
  return Symbol.iterator in source ? source[Symbol.iterator]() : undefined;
}

import { InvalidRequestError, inWords, OverflowError } from "./errors.js";
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
    if (!isObject(source)) throw notARequest(source);
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
        if (!isIterable(source)) return source;
        try {
          this.#iterator = iteratorOf(source);
        } catch (error) {
          this.#fail(error);
          return undefined;
        }
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
    if (iterator !== undefined) endIterator(iterator);
  }

  #pull(iterator: RequestIterator): void {
    try {
      const result = iterator.next();
      if ("then" in result) this.#await(iterator, result);
      else this.#accept(iterator, result);
    } catch (error) {
      this.#fail(error);
    }
  }

  #await(iterator: RequestIterator, result: Promise<IteratorResult<IsochRequest, unknown>>): void {
    this.#isPulling = true;
    Promise.resolve(result)
      .then((pulled) => {
        this.#isPulling = false;
        if (this.#isDiscarded) return;
        this.#accept(iterator, pulled);
        this.#listener.ready();
      })
      .catch((error: unknown) => {
        this.#isPulling = false;
        if (!this.#isDiscarded) this.#fail(error);
      });
  }

  #accept(iterator: RequestIterator, { done, value }: IteratorResult<IsochRequest, unknown>): void {
    if (this.#isDiscarded) {
      // The iterator had this discarded while it ran: only now can it be ended.
      endIterator(iterator);
    } else if (done === true) {
      this.#iterator = undefined;
    } else if (isObject(value)) {
      this.#pulled = value;
    } else {
      endIterator(iterator);
      this.#fail(notARequest(value));
    }
  }

  #fail(error: unknown): void {
    this.#iterator = undefined;
    this.#listener.failed(error);
  }
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function notARequest(value: unknown): InvalidRequestError {
  return new InvalidRequestError("invalid-option", `a request is an object with lengths, not ${inWords(value)}`);
}

function isIterable(source: RequestSource): source is Iterable<IsochRequest> | AsyncIterable<IsochRequest> {
  return Symbol.asyncIterator in source || Symbol.iterator in source;
}

function iteratorOf(source: Iterable<IsochRequest> | AsyncIterable<IsochRequest>): RequestIterator {
  return Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
}

/** Tells an iterator that nobody wants more, nor wants to hear that it failed to stop. */
function endIterator(iterator: RequestIterator): void {
  new Promise((resolve) => {
    resolve(iterator.return?.());
  }).catch(() => undefined);
}

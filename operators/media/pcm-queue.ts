import { InvalidRequestError, OverflowError } from "../../src/index.js";
import { PcmBlock, type CompletePcmFormat } from "./pcm-block.js";
import {
  endIterable,
  endIterator,
  isAsyncIterable,
  isIterable,
  isPiece,
  iteratorOf,
  notPcm,
  type PcmPiece,
  type PcmSource,
  type PieceIterator,
} from "./pcm-source.js";

/** What a {@link PcmQueue} needs to know. */
interface PcmQueueOptions {
  /** Pieces that were pushed and wait, at most. */
  readonly limit: number;
  /** Running dry is an error. */
  readonly isPatient: boolean;
  /** There is something to play, or the end, or an error. */
  readonly ready: () => void;
}

/**
 * Samples on their way to a speaker: pieces that were pushed, in a bounded backlog, and iterables that are pulled
 * from. A synchronous one is pulled when its samples are needed, an asynchronous one ahead of that.
 */
export class PcmQueue {
  readonly #options: PcmQueueOptions;
  /** Pieces and iterables, in order. */
  readonly #waiting: PcmSource[] = [];
  /** Bytes to be taken next, in order. */
  readonly #chunks: Uint8Array[] = [];
  #offset = 0;
  #buffered = 0;
  #iterator: PieceIterator | undefined;
  #isAsync = false;
  #isPulling = false;
  #isComplete = false;
  #isDiscarded = false;
  #isTakenFrom = false;
  #error: { readonly error: unknown } | undefined;
  #format: CompletePcmFormat | undefined;
  /** Bytes that an asynchronous iterable is pulled ahead by. */
  #ahead = 1;

  constructor(options: PcmQueueOptions) {
    this.#options = options;
  }

  /**
   * Whether there is enough to begin with, or nothing more to wait for. Of what is pulled asynchronously, and of all
   * where running dry is an error, that is as much as is pulled ahead; of what is pushed else, it is anything.
   */
  get isReady(): boolean {
    if (this.#error !== undefined || this.#isAtEnd) return true;
    if (this.#iterator === undefined ? this.#isNextSync : !this.#isAsync) return true;
    return this.#buffered >= (this.#options.isPatient || this.#isAsync ? this.#ahead : 1);
  }

  /** Whether everything has been taken, and nothing more will come. */
  isDone(): boolean {
    return this.#error === undefined && this.#buffered === 0 && this.#isAtEnd;
  }

  /** Whether anything was asked for. */
  get isTakenFrom(): boolean {
    return this.#isTakenFrom;
  }

  /** What the source, or an iterable, failed with. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#error;
  }

  /** Tells how samples have to stand; before that, nothing is pulled. */
  start(format: CompletePcmFormat, ahead: number): void {
    this.#format = format;
    this.#ahead = ahead;
    this.#pullAhead();
  }

  /** @throws {@link OverflowError} `backlog-full`; {@link InvalidRequestError} for what is neither samples nor iterable */
  push(source: PcmSource): void {
    if (!isPiece(source) && !isIterable(source)) throw notPcm(source);
    const { limit } = this.#options;
    if (this.#waiting.length + this.#chunks.length >= limit) {
      throw new OverflowError(
        "backlog-full",
        `${limit} pieces wait and one more was pushed: push at the pace of the bus, or give an iterable to pull from`,
      );
    }
    // The sender's bytes are the sender's again at once.
    this.#waiting.push(source instanceof Uint8Array ? new Uint8Array(source) : source);
    this.#pullAhead();
    this.#tell();
  }

  complete(): void {
    this.#isComplete = true;
    this.#tell();
  }

  /** What was taken is the last: what waits is forgotten. */
  end(): void {
    this.discard();
    this.complete();
  }

  /** Nothing more is played. */
  fail(error: unknown): void {
    this.#error ??= { error };
    this.#endIterator();
    this.#tell();
  }

  /** Forgets everything, and tells the iterables that nobody wants more. Idempotent. */
  discard(): void {
    this.#isDiscarded = true;
    const waiting = this.#waiting.splice(0);
    this.#chunks.length = this.#buffered = 0;
    this.#endIterator();
    for (const source of waiting) if (!isPiece(source)) endIterable(source);
  }

  /**
   * Writes as much as there is to the beginning of `buffer`, in whole samples of `size` bytes. Of a sample that was
   * cut off at the very end, what is there is written.
   *
   * @returns the number of bytes
   * @throws what the source or an iterable failed with
   */
  take(buffer: Uint8Array, size: number): number {
    this.#isTakenFrom = true;
    while (this.#buffered < buffer.length && this.#pull());
    if (this.#error !== undefined) throw this.#error.error;
    let length = Math.min(buffer.length, this.#buffered);
    if (!this.#isAtEnd) length -= length % size;
    for (let filled = 0; filled < length;) {
      const [chunk] = this.#chunks;
      if (chunk === undefined) break;
      const piece = chunk.subarray(this.#offset, this.#offset + length - filled);
      buffer.set(piece, filled);
      filled += piece.length;
      this.#offset += piece.length;
      if (this.#offset === chunk.length) {
        this.#chunks.shift();
        this.#offset = 0;
      }
    }
    this.#buffered -= length;
    this.#pullAhead();
    return length;
  }

  /** Nothing is left to pull from, and nothing more will be pushed. */
  get #isAtEnd(): boolean {
    return this.#isComplete && this.#iterator === undefined && this.#waiting.length === 0;
  }

  #tell(): void {
    if (this.isReady) this.#options.ready();
  }

  /** Takes one more piece in; whether there may be another at once. */
  #pull(): boolean {
    if (this.#format === undefined || this.#isDiscarded || this.#error !== undefined || this.#isPulling) return false;
    const iterator = this.#iterator;
    if (iterator !== undefined) return this.#pullFrom(iterator);
    const next = this.#waiting.shift();
    if (next === undefined) return false;
    if (isPiece(next)) return this.#accept(next);
    this.#begin(next);
    return true;
  }

  #begin(source: Iterable<PcmPiece> | AsyncIterable<PcmPiece>): void {
    this.#isAsync = isAsyncIterable(source);
    this.#iterator = iteratorOf(source);
    // It may have had this discarded.
    if (this.#isDiscarded) this.#endIterator();
  }

  #pullFrom(iterator: PieceIterator): boolean {
    const result = iterator.next();
    if (!("then" in result)) {
      if (!this.#isDiscarded) return this.#took(result);
      // It had this discarded while it ran: only now can it be ended.
      endIterator(iterator);
      return false;
    }
    this.#isPulling = true;
    Promise.resolve(result)
      .then((pulled) => {
        this.#isPulling = false;
        if (this.#isDiscarded) return;
        this.#took(pulled);
        this.#pullAhead();
        this.#tell();
      })
      .catch((error: unknown) => {
        this.#isPulling = false;
        if (!this.#isDiscarded) this.fail(error);
      });
    return false;
  }

  #took({ done, value }: IteratorResult<PcmPiece, unknown>): boolean {
    if (done === true) {
      this.#iterator = undefined;
      this.#isAsync = false;
      return true;
    }
    return this.#accept(value);
  }

  #accept(piece: PcmPiece): boolean {
    const bytes = this.#bytesOf(piece);
    if (bytes.length > 0) {
      this.#chunks.push(bytes);
      this.#buffered += bytes.length;
    }
    return true;
  }

  #bytesOf(piece: unknown): Uint8Array {
    if (piece instanceof Uint8Array) return this.#iterator === undefined ? piece : new Uint8Array(piece);
    if (!(piece instanceof PcmBlock)) throw notPcm(piece);
    const { channels, sampleRate, subslotSize, kind } = piece.format;
    const own = this.#format;
    if (
      own === undefined ||
      (channels === own.channels &&
        subslotSize === own.subslotSize &&
        kind === own.kind &&
        sampleRate === own.sampleRate)
    ) {
      return piece.data;
    }
    throw new InvalidRequestError(
      "invalid-option",
      `the speaker plays ${own.channels} channels of ${own.subslotSize} bytes (${own.kind}) at ${own.sampleRate} Hz, and the block has ${channels} of ${subslotSize} (${kind}) at ${sampleRate}: convert it, or choose another format`,
    );
  }

  /** Takes in what was pushed, and keeps an asynchronous iterable going, while too little is here. */
  #pullAhead(): void {
    const isSync = () => (this.#iterator === undefined ? this.#isNextSync : !this.#isAsync);
    try {
      while (this.#buffered < this.#ahead && !isSync() && this.#pull());
    } catch (error) {
      this.fail(error);
    }
  }

  /** A synchronous iterable is next: it is pulled when its samples are needed. */
  get #isNextSync(): boolean {
    const [next] = this.#waiting;
    return next !== undefined && !isPiece(next) && !isAsyncIterable(next);
  }

  #endIterator(): void {
    const iterator = this.#iterator;
    this.#iterator = undefined;
    if (iterator !== undefined) endIterator(iterator);
  }
}

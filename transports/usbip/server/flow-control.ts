import type { ByteStream } from "../byte-stream.js";

/** Whom {@link FlowControl} asks, and tells. */
export interface FlowContext {
  readonly stream: Pick<ByteStream, "pause" | "resume">;
  /** Bytes that may be under way. */
  readonly most: number;
  /** Those of transfers that only another command can end: for their sake the client has to be read. */
  readonly waiting: () => number;
  /** It is read again. */
  readonly resumed: () => void;
}

/**
 * What a client has under way, in transfers and in replies that it has not taken. With more than it may have it is not
 * read, until half of that is done.
 */
export class FlowControl {
  readonly #context: FlowContext;
  #bytes = 0;
  #isReading = true;
  #isHeld = false;

  constructor(context: FlowContext) {
    this.#context = context;
  }

  get isReading(): boolean {
    return this.#isReading;
  }

  /** So many bytes more are under way. */
  add(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Stops reading where more are under way than may be. */
  limit(): void {
    if (this.#moving > this.#context.most) this.#read(false);
  }

  /** So many bytes are done. */
  remove(bytes: number): void {
    this.#bytes -= bytes;
    if (!this.#isReading && !this.#isHeld && 2 * this.#moving <= this.#context.most) this.#read(true);
  }

  /** Stops reading, whatever is under way. */
  hold(): void {
    this.#isHeld = true;
    this.#read(false);
  }

  /** Ends {@link FlowControl.hold}. */
  release(): void {
    this.#isHeld = false;
    this.#read(true);
  }

  /** Nothing will be read any more. */
  stop(): void {
    this.#isHeld = true;
  }

  get #moving(): number {
    return this.#bytes - this.#context.waiting();
  }

  #read(isReading: boolean): void {
    const { stream, resumed } = this.#context;
    this.#isReading = isReading;
    if (isReading) {
      stream.resume();
      resumed();
    } else stream.pause();
  }
}

import { BehaviorSubject, ReplaySubject, type Observable } from "rxjs";
import { fileSystemError, type FileSystemError } from "./errors.js";
import { isNamedPipe, writeNamedPipe } from "./named-pipe.js";
import { fileSink, isReplacement, streamSink, type FilePiece, type Sink } from "./sinks.js";

/** Bytes that wait to be written from which on an output is full, and up to which it is again not. */
const fullAt = 16 * 2 ** 20;
const roomyAt = 4 * 2 ** 20;

/** A file that is written piece by piece, in order, while more come. Not to be ended twice. */
export class Output {
  readonly path: string;
  readonly #sink: Sink;
  #waiting: FilePiece[] = [];
  readonly #full = new BehaviorSubject(false);
  readonly #failed = new ReplaySubject<FileSystemError>(1);
  #failure: FileSystemError | undefined;
  #isUntouched = true;
  #waitingBytes = 0;
  #written = 0;
  #writing: Promise<void> | undefined;

  /** @internal */
  constructor(path: string, sink: Sink) {
    this.path = path;
    this.#sink = sink;
  }

  /** Whether it wants no more for now. It takes it nevertheless. */
  get full(): Observable<boolean> {
    return this.#full.asObservable();
  }

  /** Emits once nothing can be written any more. */
  get failed(): Observable<FileSystemError> {
    return this.#failed.asObservable();
  }

  /** Bytes that are in the file. */
  get written(): number {
    return this.#written;
  }

  /** Whether nothing was given it to write. */
  get isUntouched(): boolean {
    return this.#isUntouched;
  }

  /** Takes a piece, whose bytes nobody changes any more. After a failure, forgets what is to follow the rest. */
  write(piece: FilePiece): void {
    if (lengthOf(piece) === 0 || (this.#failure !== undefined && !isReplacement(piece))) return;
    this.#isUntouched = false;
    this.#waiting.push(piece);
    this.#count(lengthOf(piece));
    this.#writing ??= this.#drain();
  }

  /** Writes what waits, and closes the file, which is empty where nothing was written. Rejects with a {@link FileSystemError}. */
  async end(): Promise<void> {
    await this.#writing;
    await this.#sink.close().catch((error: unknown) => {
      this.#failure ??= fileSystemError(error, this.path);
    });
    if (this.#failure !== undefined) throw this.#failure;
  }

  /**
   * Closes the file; where nothing was written, one that was made for this is taken away, and one that was there is as
   * it was. Rejects with a {@link FileSystemError}.
   */
  async discard(): Promise<void> {
    await this.#writing;
    await (this.#written === 0 ? this.#sink.discard() : this.#sink.close()).catch((error: unknown) => {
      throw fileSystemError(error, this.path);
    });
  }

  async #drain(): Promise<void> {
    for (let piece = this.#waiting.shift(); piece !== undefined; piece = this.#waiting.shift()) {
      try {
        await this.#sink.write(piece);
        if (!isReplacement(piece)) this.#written += piece.length;
      } catch (error) {
        this.#fail(fileSystemError(error, this.path));
      }
      this.#count(-lengthOf(piece));
    }
    this.#writing = undefined;
  }

  /** What replaces something has its room already: also where the disk is full, a header says what is in the file. */
  #fail(failure: FileSystemError): void {
    const isFirst = this.#failure === undefined;
    this.#failure ??= failure;
    const forgotten = this.#waiting.filter((piece) => !isReplacement(piece));
    this.#waiting = this.#waiting.filter(isReplacement);
    this.#count(-forgotten.reduce((sum, piece) => sum + lengthOf(piece), 0));
    if (isFirst) this.#failed.next(failure);
  }

  #count(bytes: number): void {
    this.#waitingBytes += bytes;
    const isFull = this.#full.value ? this.#waitingBytes > roomyAt : this.#waitingBytes >= fullAt;
    if (isFull !== this.#full.value) this.#full.next(isFull);
  }
}

function lengthOf(piece: FilePiece): number {
  return isReplacement(piece) ? piece.bytes.length : piece.length;
}

/** How a file is opened. */
export interface OpenOptions {
  /** Replace one that is there. */
  readonly force: boolean;
  /** A value means: wait no longer for somebody to read a named pipe. */
  readonly cancel: Observable<unknown>;
}

/**
 * Opens a file to be written; `-` is the standard output. One that is there is left alone without
 * `force`; with it, it keeps its content until the first piece comes. `undefined` where `cancel` came first.
 *
 * Rejects with a {@link FileSystemError}.
 */
export async function openOutput(path: string, { force, cancel }: OpenOptions): Promise<Output | undefined> {
  if (path === "-")
    return new Output(
      "standard output",
      streamSink(process.stdout, () => undefined),
    );
  try {
    if (!(await isNamedPipe(path))) return new Output(path, await fileSink(path, force));
    const pipe = await writeNamedPipe(path, cancel);
    // Whoever writes is told.
    pipe?.on("error", () => undefined);
    return (
      pipe &&
      new Output(
        path,
        streamSink(pipe, () => pipe.end()),
      )
    );
  } catch (error) {
    throw fileSystemError(error, path);
  }
}

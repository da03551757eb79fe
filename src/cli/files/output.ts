import { BehaviorSubject, ReplaySubject, type Observable } from "rxjs";
import { portions, type FileBytes } from "../../../operators/node/file-bytes.js";
import type { FileEnding } from "../../../operators/node/file-layout.js";
import { fileSystemError, type FileSystemError } from "./errors.js";
import { isNamedPipe, writeNamedPipe } from "./named-pipe.js";
import { fileSink, streamSink, type Sink } from "./sinks.js";

/** Bytes of memory that wait to be written from which on an output is full, and up to which it is again not. */
const fullAt = 16 * 2 ** 20;
const roomyAt = 4 * 2 ** 20;

/** Bytes that follow what was written before, or what finishes all of that. */
export type FilePiece = FileBytes | FileEnding;

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
  #pieces = 0;
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
    return this.#sink.written;
  }

  /** Pieces that are in the file, whole. */
  get pieces(): number {
    return this.#pieces;
  }

  /** Whether nothing was given it to write. */
  get isUntouched(): boolean {
    return this.#isUntouched;
  }

  /**
   * Takes a piece, whose bytes nobody changes any more. After a failure, forgets all but what finishes the rest; that,
   * where nothing was written.
   */
  write(piece: FilePiece): void {
    const isUnwanted = isEnding(piece) ? this.#isUntouched : piece.length === 0 || this.#failure !== undefined;
    if (isUnwanted) return;
    this.#isUntouched = false;
    this.#waiting.push(piece);
    this.#count(memoryOf(piece));
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
   * Closes a file that is untouched: one that was made for this is taken away, and one that was there is as it was.
   * Rejects with a {@link FileSystemError}.
   */
  async discard(): Promise<void> {
    await this.#sink.discard().catch((error: unknown) => {
      throw fileSystemError(error, this.path);
    });
  }

  async #drain(): Promise<void> {
    for (let piece = this.#waiting.shift(); piece !== undefined; piece = this.#waiting.shift()) {
      try {
        await this.#put(piece);
      } catch (error) {
        this.#fail(fileSystemError(error, this.path));
      }
      this.#count(-memoryOf(piece));
    }
    this.#writing = undefined;
  }

  async #put(piece: FilePiece): Promise<void> {
    if (!isEnding(piece)) {
      for (const bytes of portions(piece)) await this.#sink.write(bytes);
      this.#pieces++;
      return;
    }
    if (this.#sink.finish === undefined) throw new Error("what went into a pipe cannot be changed");
    await this.#sink.finish(piece);
  }

  /** Also where the disk is full, a file is finished: it says what is in it. */
  #fail(failure: FileSystemError): void {
    const isFirst = this.#failure === undefined;
    this.#failure ??= failure;
    const forgotten = this.#waiting.filter((piece) => !isEnding(piece));
    this.#waiting = this.#waiting.filter(isEnding);
    this.#count(-forgotten.reduce((sum, piece) => sum + memoryOf(piece), 0));
    if (isFirst) this.#failed.next(failure);
  }

  #count(bytes: number): void {
    this.#waitingBytes += bytes;
    const isFull = this.#full.value ? this.#waitingBytes > roomyAt : this.#waitingBytes >= fullAt;
    if (isFull !== this.#full.value) this.#full.next(isFull);
  }
}

function isEnding(piece: FilePiece): piece is FileEnding {
  return "finish" in piece;
}

/** A run takes next to none, however long: to wait for that of a loss would make the next loss. */
function memoryOf(piece: FilePiece): number {
  return piece instanceof Uint8Array ? piece.length : 64;
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
  if (path === "-") return new Output("standard output", streamSink(process.stdout, stayOpen));
  try {
    if (!(await isNamedPipe(path))) return new Output(path, await fileSink(path, force));
    const pipe = await writeNamedPipe(path, cancel);
    if (pipe === undefined) return undefined;
    // Whoever writes is told.
    pipe.on("error", () => undefined);
    const endPipe = () => pipe.end();
    return new Output(path, streamSink(pipe, endPipe));
  } catch (error) {
    throw fileSystemError(error, path);
  }
}

/** The standard output is everybody's. */
function stayOpen(): void {
  return undefined;
}

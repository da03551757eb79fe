import { open, rm, stat, type FileHandle } from "node:fs/promises";
import { BehaviorSubject, ReplaySubject, type Observable } from "rxjs";
import { fileError, type FileError } from "./errors.js";

/** Bytes that follow what was written before, or such as replace some of that: a header with its final numbers. */
export type FilePiece = Uint8Array | { readonly at: number; readonly bytes: Uint8Array };

/** Bytes that wait to be written from which on an output is full, and up to which it is again not. */
const fullAt = 16 * 2 ** 20;
const roomyAt = 4 * 2 ** 20;

/** What the pieces of an output end up in. */
interface Sink {
  write(piece: FilePiece): Promise<void>;
  close(): Promise<void>;
  /** Closes, and leaves no file where there was none. */
  discard(): Promise<void>;
}

/** A file that is written piece by piece, in order, while more come. Not to be ended twice. */
export class Output {
  readonly path: string;
  readonly #sink: Sink;
  readonly #waiting: FilePiece[] = [];
  readonly #full = new BehaviorSubject(false);
  readonly #failed = new ReplaySubject<FileError>(1);
  #failure: FileError | undefined;
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
  get failed(): Observable<FileError> {
    return this.#failed.asObservable();
  }

  /** Bytes that are in the file. */
  get written(): number {
    return this.#written;
  }

  /** Takes a piece, whose bytes nobody changes any more. After a failure, forgets it. */
  write(piece: FilePiece): void {
    const bytes = piece instanceof Uint8Array ? piece : piece.bytes;
    if (this.#failure !== undefined || bytes.length === 0) return;
    this.#waiting.push(piece);
    this.#count(bytes.length);
    this.#writing ??= this.#drain();
  }

  /** Writes what waits, and closes the file. Rejects with a {@link FileError}. */
  async end(): Promise<void> {
    await this.#writing;
    await this.#sink.close().catch((error: unknown) => {
      this.#failure ??= fileError(error, this.path);
    });
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Closes the file; where it was made for this and nothing was written, there is none again. Rejects with a {@link FileError}. */
  async discard(): Promise<void> {
    await this.#writing;
    await (this.#written === 0 ? this.#sink.discard() : this.#sink.close()).catch((error: unknown) => {
      throw fileError(error, this.path);
    });
  }

  async #drain(): Promise<void> {
    for (;;) {
      const piece = this.#waiting.shift();
      if (piece === undefined) break;
      const length = piece instanceof Uint8Array ? piece.length : piece.bytes.length;
      try {
        await this.#sink.write(piece);
        if (piece instanceof Uint8Array) this.#written += length;
        this.#count(-length);
      } catch (error) {
        this.#waiting.length = 0;
        this.#failure = fileError(error, this.path);
        this.#failed.next(this.#failure);
      }
    }
    this.#writing = undefined;
  }

  #count(bytes: number): void {
    this.#waitingBytes += bytes;
    const isFull = this.#full.value ? this.#waitingBytes > roomyAt : this.#waitingBytes >= fullAt;
    if (isFull !== this.#full.value) this.#full.next(isFull);
  }
}

/**
 * Opens a file to be written; `-` is the standard output. One that is there is left alone without
 * `force`; with it, it keeps its content until the first piece comes.
 *
 * Rejects with a {@link FileError}.
 */
export async function openOutput(path: string, { force }: { readonly force: boolean }): Promise<Output> {
  if (path === "-") return new Output("standard output", standardOutput);
  try {
    return new Output(path, await fileSink(path, force));
  } catch (error) {
    throw fileError(error, path);
  }
}

async function fileSink(path: string, force: boolean): Promise<Sink> {
  let isNew = true;
  let isOld = false;
  let handle: FileHandle;
  try {
    handle = await open(path, "wx");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    // What is no file, a terminal or a pipe for one, has nothing to lose.
    isOld = (await stat(path)).isFile();
    if (isOld && !force) throw error;
    isNew = false;
    handle = await open(path, isOld ? "r+" : "w");
  }
  return {
    write: async (piece) => {
      if (isOld) await handle.truncate(0);
      isOld = false;
      await (piece instanceof Uint8Array ? writeAll(handle, piece, null) : writeAll(handle, piece.bytes, piece.at));
    },
    close: () => handle.close(),
    discard: async () => {
      await handle.close();
      if (isNew) await rm(path, { force: true });
    },
  };
}

/** The system may take a part, and say only then why it does not take the rest. */
async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number | null): Promise<void> {
  for (let offset = 0; offset < bytes.length;) {
    const at = position === null ? null : position + offset;
    const { bytesWritten } = await handle.write(bytes, offset, bytes.length - offset, at);
    offset += bytesWritten;
  }
}

const standardOutput: Sink = {
  write: (piece) =>
    new Promise((resolve, reject) => {
      if (!(piece instanceof Uint8Array)) throw new Error("what went to the standard output cannot be changed");
      process.stdout.write(piece, (error) => {
        if (error) reject(error);
        else resolve();
      });
    }),
  close: () => Promise.resolve(),
  discard: () => Promise.resolve(),
};

/** A file as a `Blob` is one: it is read piece by piece, as often as needed. */
export interface CaptureBlob {
  /** Bytes. */
  readonly size: number;
  /** The bytes from `start` to before `end`. */
  readonly slice: (
    start: number,
    end: number,
  ) => {
    /** The bytes, read. */
    readonly arrayBuffer: () => Promise<ArrayBuffer>;
  };
}

/**
 * Where a capture is read from: all of it in memory, a `Blob` or `File`, or chunks. It is read from the beginning when it
 * is opened first, and again for each stream: what can be iterated once only, as a stream of Node, goes into a function.
 */
export type CaptureSource =
  | Uint8Array
  | CaptureBlob
  | Iterable<Uint8Array>
  | AsyncIterable<Uint8Array>
  | (() => Iterable<Uint8Array> | AsyncIterable<Uint8Array>);

/** A reading of a capture. */
export interface Chunks {
  /** The next bytes, `undefined` at the end. A promise only where they have to be waited for. */
  next(): Uint8Array | undefined | Promise<Uint8Array | undefined>;
  /** Lets go of the source. */
  close(): void;
}

const pieceSize = 2 ** 18;

/** Reads a source from its beginning, in pieces of 256 KiB at most. */
export function openChunks(source: CaptureSource): Chunks {
  if (source instanceof Uint8Array) return inPieces(once(source));
  if (typeof source === "function") return inPieces(iterated(source()));
  if (Symbol.iterator in source || Symbol.asyncIterator in source) return inPieces(iterated(source));
  return blobChunks(source);
}

function once(bytes: Uint8Array): Chunks {
  let rest: Uint8Array | undefined = bytes;
  return {
    next: () => {
      const chunk = rest;
      rest = undefined;
      return chunk;
    },
    close: () => undefined,
  };
}

function iterated(source: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Chunks {
  const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  const valueOf = (result: IteratorResult<Uint8Array, unknown>) => (result.done === true ? undefined : result.value);
  return {
    next: () => {
      const result = iterator.next();
      return result instanceof Promise ? result.then(valueOf) : valueOf(result);
    },
    close: () => {
      // What it fails with is nobody's business.
      new Promise((resolve) => {
        resolve(iterator.return?.());
      }).catch(() => undefined);
    },
  };
}

function blobChunks(blob: CaptureBlob): Chunks {
  let at = 0;
  return {
    next: async () => {
      if (at >= blob.size) return undefined;
      const start = at;
      at = Math.min(blob.size, start + pieceSize);
      return new Uint8Array(await blob.slice(start, at).arrayBuffer());
    },
    close: () => undefined,
  };
}

function inPieces(chunks: Chunks): Chunks {
  let rest: Uint8Array | undefined;
  const cut = (chunk: Uint8Array | undefined) => {
    if (chunk === undefined || chunk.length <= pieceSize) {
      rest = undefined;
      return chunk;
    }
    rest = chunk.subarray(pieceSize);
    return chunk.subarray(0, pieceSize);
  };
  return {
    next: () => {
      if (rest !== undefined) return cut(rest);
      const chunk = chunks.next();
      return chunk instanceof Promise ? chunk.then(cut) : cut(chunk);
    },
    close: () => {
      chunks.close();
    },
  };
}

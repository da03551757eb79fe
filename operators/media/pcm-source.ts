import { InvalidRequestError } from "../../src/index.js";
import { inWords } from "../../src/errors.js";
import { PcmBlock } from "./pcm-block.js";

/** Samples as they are to go over the wire. */
export type PcmPiece = Uint8Array | PcmBlock;

/** Samples, or a source of samples that is pulled from as the bus takes them. */
export type PcmSource = PcmPiece | Iterable<PcmPiece> | AsyncIterable<PcmPiece>;

export type PieceIterator = Iterator<PcmPiece> | AsyncIterator<PcmPiece>;

export function isPiece(value: unknown): value is PcmPiece {
  return value instanceof Uint8Array || value instanceof PcmBlock;
}

export function isIterable(value: unknown): value is Iterable<PcmPiece> | AsyncIterable<PcmPiece> {
  return typeof value === "object" && value !== null && (Symbol.asyncIterator in value || Symbol.iterator in value);
}

export function isAsyncIterable(value: PcmSource): value is AsyncIterable<PcmPiece> {
  return Symbol.asyncIterator in value;
}

export function notPcm(value: unknown): InvalidRequestError {
  return new InvalidRequestError(
    "invalid-option",
    `a speaker takes Uint8Arrays (a Buffer is one), PcmBlocks, and iterables of them, not ${inWords(value)}`,
  );
}

export function iteratorOf(source: Iterable<PcmPiece> | AsyncIterable<PcmPiece>): PieceIterator {
  return Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
}

/** Tells an iterable that was not begun that nobody wants it. */
export function endIterable(source: Iterable<PcmPiece> | AsyncIterable<PcmPiece>): void {
  try {
    endIterator(iteratorOf(source));
  } catch {
    // It has nothing to end.
  }
}

/** Tells an iterator that nobody wants more, nor wants to hear that it failed to stop. */
export function endIterator(iterator: PieceIterator): void {
  new Promise((resolve) => {
    resolve(iterator.return?.());
  }).catch(() => undefined);
}

import type { FileBytes } from "./file-bytes.js";

/**
 * What a file of some format is made of.
 * @internal
 */
export interface FileLayout<T, R> {
  /** What to append for a value. */
  readonly add: (value: T) => readonly FileBytes[];
  /**
   * Forgets what is not whole among the first so many bytes: for the rest there was no room.
   *
   * @returns the bytes that remain
   */
  readonly cut: (length: number) => number;
  /** What finishes a file of all that was added and not forgotten. */
  readonly finish: () => FinishedFile<R>;
}

/**
 * The end of a file, and its beginning, which is written anew.
 * @internal
 */
export interface FinishedFile<R> {
  readonly tail: readonly Uint8Array[];
  readonly head: Uint8Array;
  /** The beginning where there was no room for the tail. */
  readonly headWithoutTail: Uint8Array;
  readonly summary: R;
}

/**
 * What finishes a file.
 * @internal
 */
export type FileEnding<R = unknown> = Pick<FileLayout<never, R>, "cut" | "finish">;

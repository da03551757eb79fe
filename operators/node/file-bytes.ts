/**
 * The same byte so many times: no memory, however long the loss that it stands for.
 * @internal
 */
export interface FileRun {
  readonly byte: number;
  readonly length: number;
}

/**
 * What a file is written of.
 * @internal
 */
export type FileBytes = Uint8Array | FileRun;

const mostInPortion = 2 ** 20;

/**
 * The bytes, a bounded piece after the other.
 * @internal
 */
export function* portions(bytes: FileBytes): Generator<Uint8Array, void> {
  if (bytes instanceof Uint8Array) {
    yield bytes;
    return;
  }
  const portion = new Uint8Array(Math.min(bytes.length, mostInPortion)).fill(bytes.byte);
  for (let left = bytes.length; left > 0; left -= portion.length) yield portion.subarray(0, left);
}

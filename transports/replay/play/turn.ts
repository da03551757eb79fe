/** Bytes that are read at least: what has less is read in one turn, whatever the machine. */
const portion = 2 ** 20;
/** Milliseconds that a reading keeps the program to itself, about. */
const slice = 8;

/** How long a reading of a capture has gone on without anything else having had its turn. */
export class Turn {
  readonly #end = performance.now() + slice;
  #bytes = 0;

  /** So many bytes were read. */
  took(bytes: number): void {
    this.#bytes += bytes;
  }

  get isOver(): boolean {
    return this.#bytes >= portion && performance.now() >= this.#end;
  }
}

import type { FileHandle } from "node:fs/promises";
import type { FileEnding } from "./file-layout.js";

/**
 * A file that is written front to back, and then, with its final numbers, at the beginning. One call at a time.
 * @internal
 */
export class GrowingFile {
  readonly #handle: FileHandle;
  #length = 0;

  /** @param handle of an empty file, or of what is none: a terminal */
  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** Bytes that are in it, those of a piece that only a part of was taken among them. */
  get length(): number {
    return this.#length;
  }

  async append(bytes: Uint8Array): Promise<void> {
    await this.#write(bytes, null);
  }

  /**
   * Finishes the file. However much of it there was room for, it then says what is in it.
   *
   * @throws what the file system says where there is no room for the end
   */
  async finish<R>(ending: FileEnding<R>): Promise<R> {
    const whole = ending.cut(this.#length);
    await this.#cut(whole);
    const { tail, head, headWithoutTail, summary } = ending.finish();
    let hasTail = false;
    try {
      for (const piece of tail) await this.#write(piece, this.#length);
      hasTail = true;
    } finally {
      if (!hasTail) await this.#cut(whole);
      // It has its room already, also where the disk is full.
      await this.#write(hasTail ? head : headWithoutTail, 0);
    }
    return summary;
  }

  /** @param at `null`: where the last piece ended. What is no file has no other place */
  async #write(bytes: Uint8Array, at: number | null): Promise<void> {
    const start = at ?? this.#length;
    // The system may take a part, and say only then why it does not take the rest.
    for (let offset = 0; offset < bytes.length;) {
      const position = at === null ? null : at + offset;
      const { bytesWritten } = await this.#handle.write(bytes, offset, bytes.length - offset, position);
      offset += bytesWritten;
      this.#length = Math.max(this.#length, start + offset);
    }
  }

  async #cut(length: number): Promise<void> {
    if (length === this.#length) return;
    this.#length = length;
    // Where it cannot be made shorter, it has more than it says.
    await this.#handle.truncate(length).catch(() => undefined);
  }
}

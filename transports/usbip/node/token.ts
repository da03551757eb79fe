import { createHash, timingSafeEqual } from "node:crypto";

/** What only those know who may come in. How long a comparison takes tells nothing of it, its length included. */
export class Token {
  readonly #digest: Buffer;

  /** @param written as those who have it write it */
  constructor(written: string | Uint8Array) {
    this.#digest = digest(written);
  }

  matches(offered: string | Uint8Array): boolean {
    return timingSafeEqual(digest(offered), this.#digest);
  }
}

/** Of equal length, whatever it is of. */
function digest(of: string | Uint8Array): Buffer {
  return createHash("sha256").update(of).digest();
}

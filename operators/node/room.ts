import type { Writable } from "node:stream";

/**
 * Room in a Writable.
 * @internal
 */
export class Room {
  readonly #writable: Writable;
  #resolve: (() => void) | undefined;

  constructor(writable: Writable) {
    this.#writable = writable;
  }

  /** Waits for it: until `drain`, until the Writable is closed, when there is nothing to wait for, or until it is left. */
  wait(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#writable.destroyed) {
        resolve();
        return;
      }
      this.#resolve = resolve;
      this.#writable.on("drain", this.leave);
      this.#writable.on("close", this.leave);
    });
  }

  /** Nobody waits any more. */
  readonly leave = (): void => {
    this.#writable.off("drain", this.leave);
    this.#writable.off("close", this.leave);
    this.#resolve?.();
  };
}

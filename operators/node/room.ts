import type { Writable } from "node:stream";

/**
 * Waits for room in a Writable: until `drain`, or until it is closed, when there is nothing to wait for.
 * @internal
 */
export function roomIn(writable: Writable): () => Promise<void> {
  return () =>
    new Promise((resolve) => {
      const settle = () => {
        writable.off("drain", settle);
        writable.off("close", settle);
        resolve();
      };
      if (writable.destroyed) {
        resolve();
        return;
      }
      writable.on("drain", settle);
      writable.on("close", settle);
    });
}

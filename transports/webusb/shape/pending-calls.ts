import { failed } from "./exceptions.js";

/** Calls that are not answered yet: a close, a reset or an unplug aborts them. */
export class PendingCalls {
  readonly #rejects = new Set<(reason: unknown) => void>();

  /** @param what what is said of it if it fails */
  run<T>(what: string, work: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#rejects.add(reject);
      void work()
        .then(resolve, (error: unknown) => {
          reject(failed(what, error));
        })
        .finally(() => {
          this.#rejects.delete(reject);
        });
    });
  }

  /** Rejects them all. What they do on the device runs to its end. */
  abort(reason: DOMException): void {
    for (const reject of this.#rejects) reject(reason);
  }
}

import { AsyncSubject, EMPTY, type Observable } from "rxjs";

/** Things that are under way, and whoever waits until there are none. */
export class InFlight<T> implements Iterable<T> {
  readonly #items = new Set<T>();
  #drained: AsyncSubject<never> | undefined;

  get size(): number {
    return this.#items.size;
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#items[Symbol.iterator]();
  }

  add(item: T): void {
    this.#items.add(item);
  }

  delete(item: T): void {
    if (!this.#items.delete(item) || this.#items.size > 0) return;
    const drained = this.#drained;
    this.#drained = undefined;
    drained?.complete();
  }

  /** Completes when there are none; at once where that is so. */
  get drained(): Observable<never> {
    if (this.#items.size === 0) return EMPTY;
    this.#drained ??= new AsyncSubject<never>();
    return this.#drained;
  }
}

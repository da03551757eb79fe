import { signal } from "@angular/core";
import { Subject, type Subscription } from "rxjs";
import type { IsochResults } from "../results.js";
import { painted } from "./painted.js";
import { noTotals, Tally, type StreamTotals } from "./totals.js";

/** What came in, as a signal that is written once in an animation frame. */
export class PaintedTotals {
  readonly #totals = signal<StreamTotals>(noTotals);
  readonly #tally = new Tally();
  readonly #counted = new Subject<void>();
  readonly #painting: Subscription;

  readonly totals = this.#totals.asReadonly();

  /** @param failed hears it if nothing can be painted any more */
  constructor(failed: (error: unknown) => void) {
    this.#painting = this.#counted.pipe(painted()).subscribe({
      next: () => {
        this.show();
      },
      error: failed,
    });
  }

  add(results: IsochResults): void {
    this.#tally.add(results);
    this.#counted.next();
  }

  /** Writes it now. */
  show(): void {
    this.#totals.set(this.#tally.read());
  }

  /** Begins from zero. */
  reset(): void {
    this.#tally.reset();
    this.show();
  }

  /** Paints nothing any more. */
  destroy(): void {
    this.#painting.unsubscribe();
  }
}

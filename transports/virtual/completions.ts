import type { Submission } from "../../src/index.js";
import type { BusEngine } from "./engine.js";
import { seededRandom, type JitterFault } from "./faults.js";

/** Submissions and completions of a whole bus. */
export interface SubmissionCounts {
  submitted: number;
  completed: number;
}

/**
 * Brings the completions of one device to the program, in order: at once, or later where a fault
 * says so. Keeps count, so that a test can see that nothing is left.
 */
export class Completions {
  readonly #engine: BusEngine;
  readonly #counts: SubmissionCounts;
  readonly #pending = new Set<Submission>();
  #heldUntil = 0;
  /** Completions that are held back: later ones queue up behind them. */
  #held = 0;
  #lateness: () => number = () => 0;

  constructor(engine: BusEngine, counts: SubmissionCounts) {
    this.#engine = engine;
    this.#counts = counts;
  }

  isPending(submission: Submission): boolean {
    return this.#pending.has(submission);
  }

  /** Takes note of a submission; each can be on its way once. */
  expect(submission: Submission): void {
    if (this.#pending.has(submission)) throw new Error("a submission was submitted twice");
    this.#pending.add(submission);
    this.#counts.submitted++;
  }

  /** Completions from now on wait until then. */
  hold(until: number): void {
    this.#heldUntil = Math.max(this.#heldUntil, until);
  }

  delay({ microseconds, seed = 1 }: JitterFault): void {
    const random = seededRandom(seed);
    this.#lateness = () => Math.floor(random() * (microseconds + 1));
  }

  deliver(submission: Submission): void {
    const now = this.#engine.time;
    const at = Math.max(now + this.#lateness(), this.#heldUntil);
    this.#heldUntil = at;
    if (at === now && this.#held === 0) {
      this.#complete(submission);
      return;
    }
    this.#held++;
    this.#engine.schedule(at, () => {
      this.#held--;
      this.#complete(submission);
    });
  }

  #complete(submission: Submission): void {
    if (!this.#pending.delete(submission)) throw new Error("a submission was completed twice");
    this.#counts.completed++;
    submission.timestamp = this.#engine.time;
    submission.completed(submission);
  }
}

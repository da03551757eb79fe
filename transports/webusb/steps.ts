import { explain, nameOf, type Attempt } from "./errors.js";
import type { Presence } from "./presence.js";

/** What a step is for, as its errors say it. */
export type Purpose = Omit<Attempt, "id" | "isGone">;

/**
 * What is done on a USBDevice. Steps that change it run one after the other: browsers refuse whatever comes while one
 * is under way. None outlasts the device, and what one rejects with is an error of ours.
 */
export class Steps {
  readonly #id: string;
  readonly #presence: Presence;
  #last: Promise<unknown> = Promise.resolve();

  constructor(id: string, presence: Presence) {
    this.#id = id;
    this.#presence = presence;
  }

  /** A step behind all that were asked for before. */
  run<T>(purpose: Purpose, work: () => Promise<T>): Promise<T> {
    return this.queue(() => this.perform(purpose, work));
  }

  /** Work behind all steps that were asked for before; those that come wait for it. */
  queue<T>(work: () => Promise<T>): Promise<T> {
    const step = this.#last.then(work);
    this.#last = step.catch(() => undefined);
    return step;
  }

  /** Waits for steps under way, but holds up none, nor the close: for what a device may never answer. */
  runBeside<T>(purpose: Purpose, work: () => Promise<T>): Promise<T> {
    return this.#last.then(() => this.perform(purpose, work));
  }

  /** A step now, for who has its turn. */
  async perform<T>(purpose: Purpose, work: () => Promise<T>): Promise<T> {
    this.#presence.check();
    try {
      return await this.#presence.unlessGone(work());
    } catch (error) {
      if (nameOf(error) === "NotFoundError") await this.#presence.ask();
      throw explain(error, { ...purpose, id: this.#id, isGone: this.#presence.isGone });
    }
  }
}

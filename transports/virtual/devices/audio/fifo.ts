import type { SampleClock } from "./sample-clock.js";

/** What became of the samples that a {@link PlaybackFifo} was given. */
export interface FifoCounts {
  /** Times that it ran empty while it played. It then fills up to its half before it plays on. */
  readonly underruns: number;
  /** Samples that were not there when they were to be played. */
  readonly missing: number;
  /** Times that it was given more than it had room for. */
  readonly overruns: number;
  /** Samples that had no room. */
  readonly dropped: number;
}

/** What is between the bus and the converter: filled by packets, emptied by the clock of the device. */
export class PlaybackFifo {
  readonly #clock: SampleClock;
  readonly #capacity: number;
  #level = 0;
  #isPlaying = false;
  /** When it began to be filled, and the samples that the clock has taken since. */
  #first: number | undefined;
  #taken = 0;
  #underruns = 0;
  #missing = 0;
  #overruns = 0;
  #dropped = 0;

  /** @param capacity samples */
  constructor(clock: SampleClock, capacity: number) {
    this.#clock = clock;
    this.#capacity = capacity;
  }

  get counts(): FifoCounts {
    return {
      underruns: this.#underruns,
      missing: this.#missing,
      overruns: this.#overruns,
      dropped: this.#dropped,
    };
  }

  /** Samples above, or below, its half. */
  get excess(): number {
    return this.#isPlaying ? this.#level - this.#capacity / 2 : 0;
  }

  /** Samples arrive in a frame. */
  push(frame: number, samples: number): void {
    this.#first ??= frame;
    this.#play(this.#clock.samplesIn(frame - this.#first));
    this.#level += samples;
    if (this.#level > this.#capacity) {
      this.#overruns++;
      this.#dropped += this.#level - this.#capacity;
      this.#level = this.#capacity;
    }
    if (this.#level >= this.#capacity / 2) this.#isPlaying = true;
  }

  #play(taken: number): void {
    const due = taken - this.#taken;
    this.#taken = taken;
    if (!this.#isPlaying) return;
    this.#level -= due;
    if (this.#level >= 0) return;
    this.#underruns++;
    this.#missing -= this.#level;
    this.#level = 0;
    this.#isPlaying = false;
  }
}

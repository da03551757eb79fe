/** A clock that makes or takes samples, in frames of a full-speed bus: exact however long it runs. */
export class SampleClock {
  /** Samples in a frame, in units of 1e-9. */
  readonly #step: bigint;

  constructor(sampleRate: number, clockPpm: number) {
    this.#step = BigInt(Math.round(sampleRate * (1e6 + clockPpm)));
  }

  /** The samples of so many frames. */
  samplesIn(frames: number): number {
    return Number((BigInt(frames) * this.#step) / 1_000_000_000n);
  }

  /** Samples in a frame, on average. */
  get samplesPerFrame(): number {
    return Number(this.#step) / 1e9;
  }
}

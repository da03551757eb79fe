/** A clock that makes or takes samples, in frames of the bus: exact however long it runs. */
export class SampleClock {
  /** Millionths of a millionth of a sample per frame, so to speak: 1e-9 samples. */
  readonly #step: bigint;

  /** @param frameDuration microseconds */
  constructor(sampleRate: number, clockPpm: number, frameDuration = 1000) {
    this.#step = BigInt(Math.round((sampleRate * (1e6 + clockPpm) * frameDuration) / 1000));
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

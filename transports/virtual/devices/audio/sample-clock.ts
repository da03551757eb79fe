/** A clock that makes or takes samples, in frames or microframes of a bus: exact however long it runs. */
export class SampleClock {
  /** Of the bus: 1000, or 8000 at high speed. */
  readonly framesPerSecond: number;
  /** Samples in a second, in units of 1e-6. */
  readonly #rate: bigint;
  readonly #divisor: bigint;

  constructor(sampleRate: number, clockPpm: number, framesPerSecond: number) {
    this.framesPerSecond = framesPerSecond;
    this.#rate = BigInt(Math.round(sampleRate * (1e6 + clockPpm)));
    this.#divisor = 1_000_000n * BigInt(framesPerSecond);
  }

  /** The samples of so many frames. */
  samplesIn(frames: number): number {
    return Number((BigInt(frames) * this.#rate) / this.#divisor);
  }

  /** Samples in a frame, on average. */
  get samplesPerFrame(): number {
    return Number(this.#rate) / Number(this.#divisor);
  }
}

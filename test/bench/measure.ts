/** The middle of many measurements, and how far apart they lie. */
export interface Distribution {
  readonly median: number;
  /** A quarter of the measurements lies below. */
  readonly lower: number;
  /** A quarter of the measurements lies above. */
  readonly upper: number;
}

export function distribution(values: readonly number[]): Distribution {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] ?? NaN;
  return { median: at(0.5), lower: at(0.25), upper: at(0.75) };
}

/** Seconds that `work` takes. */
export function seconds(work: () => void): number {
  const start = performance.now();
  work();
  return (performance.now() - start) / 1000;
}

/**
 * Bytes that `work` allocates, buffers included. Whatever is collected meanwhile would be missed, so
 * the work must be short; `undefined` where a collection shows as less memory than before.
 */
export function allocated(work: () => void): number | undefined {
  // The second collection waits for the first to have given buffers back.
  globalThis.gc?.();
  globalThis.gc?.();
  const before = memory();
  work();
  const after = memory();
  return after > before ? after - before : undefined;
}

function memory(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const grouped = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** 40000 → "40,000" */
export function count(value: number): string {
  return grouped.format(value);
}

/** "1 frame", "40,000 frames" */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}

/** In megabytes of 1,000,000. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e9 ? 2 : 0)} MB`;
}

export function microseconds(value: number): string {
  return value < 1000 ? `${value.toFixed(1)} µs` : `${(value / 1000).toFixed(1)} ms`;
}

/** Intervals are 125 µs doubled: 125 µs, 500 µs, 2 ms. */
export function interval(microseconds: number): string {
  return microseconds < 1000 ? `${microseconds} µs` : `${count(microseconds / 1000)} ms`;
}

export function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(1);
}

/** A full bar at 1, none at 0, and nothing where there is no room. */
export function bar(share: number, width: number): { readonly done: string; readonly left: string } {
  const cells = Math.max(0, width);
  const done = Math.round(Math.min(1, Math.max(0, share)) * cells);
  return { done: "█".repeat(done), left: "░".repeat(cells - done) };
}

const levels = "▁▂▃▄▅▆▇█";

/** A column for each value, as high as its share of `most`. */
export function sparkline(values: readonly number[], most: number): string {
  const top = levels.length - 1;
  return values.map((value) => levels.charAt(Math.round(Math.min(1, Math.max(0, value / most)) * top))).join("");
}

export { isochStream, type IsochStream, type IsochStreamOptions, type IsochStreamState } from "./isoch-stream.js";
export { latestSignal, type LatestSignalOptions } from "./latest-signal.js";
export { replug } from "./replug.js";
export type { StreamTotals } from "./totals.js";

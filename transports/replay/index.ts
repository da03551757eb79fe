export { recorded, type RecordedTransport } from "./record/recorded.js";
export type { CaptureSummary } from "./play/capture-index.js";
export { replay, type ReplayOptions, type ReplayTransport } from "./play/replay.js";
export type { CaptureBlob, CaptureSource } from "./play/source.js";

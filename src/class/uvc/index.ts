export { chooseAlternate, type VideoAlternate } from "./alternate.js";
export { VideoFrameAssembler } from "./assembler.js";
export type { AssemblerOptions, IncompletePolicy } from "./assembler-options.js";
export { chooseVideo, type VideoChoice, type VideoSelector } from "./choice.js";
export type {
  ColorMatching,
  SkippedDescriptor,
  VideoEncoding,
  VideoFormat,
  VideoFunction,
  VideoIntervals,
  VideoSize,
  VideoStreaming,
  VideoTerminal,
  VideoUnit,
} from "./model.js";
export { negotiateVideo, readProbe, type NegotiatedVideo, type ProbeRequest, type VideoChange } from "./negotiate.js";
export { parsePayloadHeader, type PayloadHeader, type SourceClock } from "./payload-header.js";
export type { VideoProbe } from "./probe.js";
export { toRgba, type RgbaOptions } from "./rgba.js";
export type { VideoFlaws, VideoFrame, VideoStatistics } from "./video-frame.js";
export { videoFunctions } from "./video-functions.js";

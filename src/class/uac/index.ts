export { audioFunctions } from "./audio-functions.js";
export { audioClock, type AudioClock, type AudioControlPort } from "./clock.js";
export { FeedbackDecoder, type FeedbackOptions } from "./feedback.js";
export { MirrorSizer, type MirrorSizerOptions } from "./mirror-sizer.js";
export type {
  AudioAlternate,
  AudioEntity,
  AudioEntityKind,
  AudioFeedback,
  AudioFormat,
  AudioFunction,
  SampleRateRange,
  SkippedDescriptor,
  UacVersion,
} from "./model.js";
export { PacketSizer, type PacketSizerOptions } from "./packet-sizer.js";
export { hasSampleRate, sampleRatesInWords } from "./sample-rates.js";
export { readSampleRates, selectClockRate, selectEndpointRate } from "./select-sample-rate.js";
export { terminalName } from "./terminals.js";

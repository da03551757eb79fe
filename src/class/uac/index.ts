export { audioFunctions } from "./audio-functions.js";
export { audioClock, type AudioClock } from "./clock.js";
export type { ClockOptions } from "./clock-options.js";
export type { AudioControlPort } from "./clock-requests.js";
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
export { selectClockRate } from "./select-clock-rate.js";
export { readSampleRates, selectEndpointRate } from "./select-sample-rate.js";
export { terminalName } from "./terminals.js";

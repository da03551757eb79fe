export { jpegFile } from "../../src/jpeg-file.js";
export { fromReadableStream } from "./from-readable-stream.js";
export type { CameraPicture, PcmFormat, TimedPcm } from "./media.js";
export { toAudioData, type AudioDataOptions, type AudioDataSource, type ClosableAudio } from "./to-audio-data.js";
export { toReadableStream } from "./to-readable-stream.js";
export {
  toVideoFrames,
  type ClosableFrame,
  type ImageDecoderClass,
  type PixelLayout,
  type VideoFrameClass,
  type VideoFramesOptions,
} from "./to-video-frames.js";
export { toWritableStream, type WritableStreamOptions } from "./to-writable-stream.js";

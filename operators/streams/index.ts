export { jpegFile } from "../../src/jpeg-file.js";
export type { PcmFormat, PcmSamples, TimedPcm } from "../../src/pcm.js";
export type { CameraPicture, PictureFormat, TimedPicture } from "../../src/picture.js";
export { fromReadableStream } from "./from-readable-stream.js";
export { toAudioData, type AudioDataOptions, type AudioDataSource, type ClosableAudio } from "./to-audio-data.js";
export { toReadableStream } from "./to-readable-stream.js";
export {
  toVideoFrames,
  type ClosableFrame,
  type ImageDecoderClass,
  type PixelLayout,
  type ToVideoFramesOptions,
  type VideoFrameClass,
} from "./to-video-frames.js";
export { toWritableStream, type WritableStreamOptions } from "./to-writable-stream.js";

export type { AudioFormatOptions, AudioSelector } from "./audio-choice.js";
export { microphone, type MicrophoneOptions } from "./microphone.js";
export { PcmBlock, type CompletePcmFormat, type PcmBlockInit, type PcmFormat } from "./pcm-block.js";
export { pcmBlocks, type LostSamplesPolicy, type PcmBlocksOptions } from "./pcm-blocks.js";
export type { PcmPiece, PcmSource } from "./pcm-source.js";
export type { Played } from "./playback.js";
export { speaker, type SpeakerOptions } from "./speaker.js";
export { camera, type CameraOptions, type CameraSession } from "./camera.js";
export { videoFrames, type VideoFramesOptions } from "./video-frames.js";

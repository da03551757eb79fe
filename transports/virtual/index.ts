export { busTime } from "./bandwidth.js";
export { VirtualBus, type Attachment, type VirtualBusAudit, type VirtualBusOptions } from "./bus.js";
export { realTimeClock, schedulerClock, unpacedClock, type BusClock } from "./clock.js";
export { cameraDevice, CameraDevice, cameraProtocol, type CameraDeviceOptions } from "./devices/camera.js";
export type { UvcVersion } from "./devices/camera/descriptors.js";
export type { CameraFrame, CameraMode } from "./devices/camera/modes.js";
export type { PictureCounts } from "./devices/camera/picture-source.js";
export { readTestCard, testCard, testCardNumber, type CameraFormat } from "./devices/camera/test-card.js";
export {
  counterDevice,
  CounterDevice,
  counterProtocol,
  readCounter,
  writeCounter,
  type CounterDeviceOptions,
  type CounterStatistics,
} from "./devices/counter.js";
export {
  microphoneDevice,
  MicrophoneDevice,
  microphoneProtocol,
  type MicrophoneDeviceOptions,
} from "./devices/microphone.js";
export type { SampleCounts } from "./devices/audio/sample-source.js";
export { tone, type ToneOptions } from "./devices/audio/tone.js";
export { speakerDevice, SpeakerDevice, speakerProtocol, type SpeakerDeviceOptions } from "./devices/speaker.js";
export type { UacDeviceOptions } from "./devices/audio/release.js";
export type { FifoCounts } from "./devices/audio/fifo.js";
export type { PlaybackCounts } from "./devices/audio/sample-sink.js";
export type { VirtualDevice, VirtualInEndpoint, VirtualOutEndpoint } from "./device-model.js";
export type { HaltFault, HostStallFault, JitterFault, PacketFault, UnplugFault, VirtualFault } from "./faults.js";

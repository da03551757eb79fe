export { UsbDevice, type EndpointSelector } from "./device.js";
export { openDevice } from "./open-device.js";
export { parseConfigurationDescriptor } from "./descriptors/configuration.js";
export { parseDeviceDescriptor } from "./descriptors/device.js";
export type {
  AlternateSetting,
  ConfigurationDescriptor,
  DeviceDescriptor,
  Direction,
  EndpointCompanion,
  EndpointDescriptor,
  InterfaceAssociation,
  InterfaceDescriptor,
  RawDescriptor,
  SynchronizationType,
  TransferType,
  UsageType,
} from "./descriptors/model.js";
export {
  findIsochEndpoint,
  isochEndpoints,
  maxBytesPerInterval,
  serviceInterval,
  type IsochEndpoint,
  type Speed,
} from "./endpoint.js";
export {
  AccessError,
  BandwidthError,
  BusyError,
  DescriptorError,
  DeviceError,
  EndpointError,
  FileError,
  FrameError,
  InvalidRequestError,
  IsochError,
  OverflowError,
  ProcessError,
  ResourceError,
  TransferStateError,
  TransportError,
  UnderrunError,
  UnsupportedError,
  type IsochErrorCode,
  type IsochErrorOptions,
} from "./errors.js";
export type { DroppingQueueOptions, QueueOptions, StrictQueueOptions, WaitingOptions } from "./intake.js";
export { isochPipe, IsochPipe, type PipeSelector } from "./pipe.js";
export type { PipeEndpoint } from "./pipe-endpoint.js";
export { maxBytesPerRequest, maxFramesPerRequest, type IsochRequest } from "./request.js";
export type { RequestSource } from "./request-queue.js";
export { IsochResults, type FrameResult, type IsochResultsInit, type TransferOutcome } from "./results.js";
export { PipeSession } from "./session.js";
export { frameStatuses, statusCodes, statusOf, type FrameStatus } from "./status.js";
export type { OverflowPolicy, StreamOptions } from "./stream-options.js";
export { IsochTransfer, type Issuer, type TransferStatus } from "./transfer.js";
export type {
  ControlSetup,
  DeviceEvent,
  DeviceInfo,
  DeviceSelector,
  DmaBuffer,
  IsochTransport,
  ResultSource,
  StreamPlan,
  StreamSink,
  Submission,
  TransportCapabilities,
  TransportDevice,
  TransportEndpoint,
} from "./transport.js";

import type {
  CameraDeviceOptions,
  CounterDeviceOptions,
  CounterStatistics,
  MicrophoneDeviceOptions,
  PictureCounts,
  PlaybackCounts,
  SampleCounts,
  SpeakerDeviceOptions,
  VirtualBusAudit,
  VirtualFault,
} from "../../transports/virtual/index.js";

/** The devices that the kernel has drivers for, what each is made of, as far as JSON has it, and what it counts. */
export interface ClassDevices {
  camera: { readonly options: CameraDeviceOptions; readonly counts: PictureCounts };
  microphone: { readonly options: MicrophoneDeviceOptions; readonly counts: SampleCounts };
  speaker: { readonly options: Omit<SpeakerDeviceOptions, "received">; readonly counts: PlaybackCounts };
}

/** A device of a class, as a test asks for it. */
export type ClassDeviceRequest = {
  readonly [Kind in keyof ClassDevices]: { readonly kind: Kind; readonly options: ClassDevices[Kind]["options"] };
}[keyof ClassDevices];

/** What a test in the guest asks the device server of the host for: an argument each, and an answer. */
export interface DeviceRequests {
  /** Plugs a counter device into the bus of this connection, and exports it. */
  plug: { readonly argument: CounterDeviceOptions; readonly answer: PluggedDevice };
  /** Plugs in a camera, a microphone or a speaker, and exports it. */
  plugClass: { readonly argument: ClassDeviceRequest; readonly answer: PluggedDevice };
  /** What a device of {@link DeviceRequests.plugClass} counts. */
  counts: { readonly argument: { readonly id: string }; readonly answer: ClassDevices[keyof ClassDevices]["counts"] };
  /** What arrived at a speaker, in base 64. */
  recorded: { readonly argument: { readonly id: string }; readonly answer: string };
  /** Plans faults, whose frames count from now. */
  inject: {
    readonly argument: { readonly id: string; readonly faults: readonly VirtualFault[] };
    readonly answer: null;
  };
  /** Pulls the device out. Its statistics stay. */
  unplug: { readonly argument: { readonly id: string }; readonly answer: null };
  /** Answers when no client has the device any more. */
  released: { readonly argument: { readonly id: string }; readonly answer: null };
  statistics: { readonly argument: { readonly id: string }; readonly answer: CounterStatistics };
  audit: { readonly argument: null; readonly answer: ServedAudit };
}

/** A device as a USB/IP client finds it. */
export interface PluggedDevice {
  /** What requests name it by. */
  readonly id: string;
  readonly busId: string;
  /** The address at which it is exported, as the guest has it. */
  readonly host: string;
  readonly port: number;
}

/** What is in use on the bus of a connection. */
export interface ServedAudit extends VirtualBusAudit {
  /** USB/IP clients that are served now. */
  readonly clients: number;
  /** Why clients were cut off or refused so far. */
  readonly failures: readonly string[];
}

/** A line from the guest. */
export type RequestLine = {
  readonly [Name in keyof DeviceRequests]: {
    readonly request: Name;
    readonly argument: DeviceRequests[Name]["argument"];
  };
}[keyof DeviceRequests];

/** A line to the guest, for each in its order. */
export type AnswerLine = { readonly answer: unknown } | { readonly error: string };

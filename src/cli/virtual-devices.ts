import {
  cameraDevice,
  counterDevice,
  microphoneDevice,
  speakerDevice,
  type CounterDeviceOptions,
  type VirtualDevice,
} from "../../transports/virtual/index.js";
import { UsageError } from "./outcome.js";

/** How a virtual device is set up, as far as it can be. */
export interface VirtualSetup {
  /** Of the counter device; the others have theirs. Default: high. */
  readonly speed?: VirtualSpeed | undefined;
  readonly clockPpm: number;
}

/** Speeds that virtual devices have. */
export type VirtualSpeed = NonNullable<CounterDeviceOptions["speed"]>;

/** The virtual devices there are, by what `--virtual` calls them. */
const devices = {
  counter: ({ speed = "high", clockPpm }: VirtualSetup) => counterDevice({ speed, clockPpm }),
  camera: ({ clockPpm }: VirtualSetup) => cameraDevice({ clockPpm }),
  microphone: ({ clockPpm }: VirtualSetup) => microphoneDevice({ clockPpm }),
  speaker: ({ clockPpm }: VirtualSetup) => speakerDevice({ clockPpm }),
} satisfies Readonly<Record<string, (setup: VirtualSetup) => VirtualDevice>>;

/** A kind of virtual device. */
export type VirtualKind = keyof typeof devices;

export const virtualKinds = Object.keys(devices) as VirtualKind[];

/** What there is where no device is named, and the command has no better idea. */
export const defaultVirtualKind: VirtualKind = "counter";

export const virtualHelp = "a device on a virtual bus, which needs no hardware";

/**
 * Makes a virtual device.
 *
 * @throws UsageError for a speed that it cannot have
 */
export function virtualDevice(kind: VirtualKind, setup: VirtualSetup): VirtualDevice {
  if (setup.speed !== undefined && kind !== "counter") {
    throw new UsageError(`--speed is for the counter device, and the ${kind} has a speed of its own: leave it out`);
  }
  return devices[kind](setup);
}

import { counterDevice, type CounterDeviceOptions, type VirtualDevice } from "../../transports/virtual/index.js";

/** How a virtual device is set up, as far as it can be. */
export interface VirtualSetup {
  readonly speed: VirtualSpeed;
  readonly clockPpm: number;
}

/** Speeds that virtual devices have. */
export type VirtualSpeed = NonNullable<CounterDeviceOptions["speed"]>;

/** The virtual devices there are, by what `--virtual` calls them. The camera and the others of USB classes go here. */
const devices = {
  counter: ({ speed, clockPpm }: VirtualSetup) => counterDevice({ speed, clockPpm }),
} satisfies Readonly<Record<string, (setup: VirtualSetup) => VirtualDevice>>;

/** A kind of virtual device. */
export type VirtualKind = keyof typeof devices;

export const virtualKinds = Object.keys(devices) as VirtualKind[];

/** What there is where no device is named. */
export const defaultVirtualKind: VirtualKind = "counter";

export const virtualHelp = "a device on a virtual bus, which needs no hardware";

/** Makes a virtual device. */
export function virtualDevice(kind: VirtualKind, setup: VirtualSetup): VirtualDevice {
  return devices[kind](setup);
}

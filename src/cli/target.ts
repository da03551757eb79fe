import type { DeviceSelector, EndpointSelector, IsochTransport, UsbDevice } from "../index.js";
import {
  counterDevice,
  counterProtocol,
  VirtualBus,
  type BusClock,
  type CounterDeviceOptions,
} from "../../transports/virtual/index.js";
import type { FaultPlan } from "./faults.js";

/** What is watched: an endpoint of a device, and what is known of the device. */
export interface WatchTarget {
  readonly transport: IsochTransport;
  readonly device: DeviceSelector;
  readonly endpoint: EndpointSelector;
  /** Set if the device speaks the protocol of the counter device. */
  readonly counter: CounterTraits | undefined;
}

/** What to expect of a counter device. */
export interface CounterTraits {
  /** Its clock is faster than the bus, so it drops a packet, and with it a counter, now and then. */
  readonly skips: boolean;
}

/** How the virtual counter device is set up. */
export interface VirtualTargetOptions {
  readonly speed: NonNullable<CounterDeviceOptions["speed"]>;
  readonly endpoint: number;
  readonly clockPpm: number;
  readonly faults: readonly FaultPlan[];
  /** Default: real time. */
  readonly clock?: BusClock | undefined;
}

/** The counter device on a virtual bus. */
export interface VirtualTarget extends WatchTarget {
  readonly transport: VirtualBus;
}

/** Makes a bus, which begins now, with a counter device on it. */
export function virtualTarget({ speed, endpoint, clockPpm, faults, clock }: VirtualTargetOptions): VirtualTarget {
  const bus = new VirtualBus({ clock });
  bus.attach(counterDevice({ speed, clockPpm })).inject(...faults.map((plan) => plan(endpoint)));
  return {
    transport: bus,
    device: { vendorId: counterProtocol.vendorId, productId: counterProtocol.productId },
    endpoint: { endpoint },
    counter: { skips: clockPpm > 0 },
  };
}

/** Names a device for people. */
export function nameOf({ info }: Pick<UsbDevice, "info">): string {
  const id = (number: number) => number.toString(16).padStart(4, "0");
  const ids = `${id(info.descriptor.vendorId)}:${id(info.descriptor.productId)}`;
  return info.product === undefined ? ids : `${info.product} ${ids}`;
}

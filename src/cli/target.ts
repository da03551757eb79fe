import type { DeviceSelector, EndpointSelector, IsochTransport } from "../index.js";
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
  /** The bus clock is hidden, so that the length of a loss is an estimate, and the counters begin anew behind it. */
  readonly estimatedLosses: boolean;
}

/** How the virtual counter device is set up. */
export interface VirtualTargetOptions {
  readonly speed: NonNullable<CounterDeviceOptions["speed"]>;
  readonly endpoint: number;
  /** Default: the one in which the endpoint has the most bytes per frame. */
  readonly alternate?: number | undefined;
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
export function virtualTarget(options: VirtualTargetOptions): VirtualTarget {
  const { speed, endpoint, alternate, clockPpm, faults, clock } = options;
  const bus = new VirtualBus({ clock });
  bus.attach(counterDevice({ speed, clockPpm })).inject(...faults.map((plan) => plan(endpoint)));
  return {
    transport: bus,
    device: { vendorId: counterProtocol.vendorId, productId: counterProtocol.productId },
    endpoint: { endpoint, alternate },
    counter: { skips: clockPpm > 0, estimatedLosses: false },
  };
}

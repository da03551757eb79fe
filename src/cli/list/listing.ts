import {
  DescriptorError,
  isochEndpoints,
  maxBytesPerInterval,
  serviceInterval,
  type DeviceInfo,
  type Direction,
  type EndpointDescriptor,
  type Speed,
  type UsageType,
} from "../../index.js";
import { hubClass } from "../../descriptors/device.js";
import { identityOf, type DeviceIdentity } from "../device-identity.js";
import { hasIsochEndpoints } from "../select-device.js";

/** How much an isochronous endpoint moves. */
export interface EndpointSize {
  /** At most; left out, as what follows, where {@link EndpointSize.problem} is set. */
  readonly frameLength?: number;
  /** Microseconds from one frame to the next. */
  readonly frameDuration?: number;
  /** At most. */
  readonly bytesPerSecond?: number;
  /** What is wrong with its descriptor. */
  readonly problem?: string;
}

/** An isochronous endpoint in one alternate setting. */
export interface EndpointListing extends EndpointSize {
  readonly configuration: number;
  readonly interfaceNumber: number;
  readonly alternate: number;
  readonly endpoint: number;
  readonly direction: Direction;
  readonly usage: UsageType;
}

/** A device: plain data, and an entry in the output of `list --json`. */
export interface DeviceListing extends DeviceIdentity {
  readonly endpoints: readonly EndpointListing[];
}

/** The devices, without hubs that have no isochronous endpoints; those too where there is nothing else. */
export function listingOf(devices: readonly DeviceInfo[]): DeviceListing[] {
  const worthwhile = devices.filter((info) => info.descriptor.deviceClass !== hubClass || hasIsochEndpoints(info));
  return (worthwhile.length > 0 ? worthwhile : devices).map(listedDevice);
}

function listedDevice(info: DeviceInfo): DeviceListing {
  const { speed, configurations } = info;
  return {
    ...identityOf(info),
    endpoints: configurations.flatMap((configuration) =>
      isochEndpoints(configuration).map(({ interfaceNumber, alternate, endpoint }) => ({
        configuration: configuration.value,
        interfaceNumber,
        alternate: alternate.alternateSetting,
        endpoint: endpoint.address,
        direction: endpoint.direction,
        usage: endpoint.usageType,
        ...sizeOf(endpoint, speed),
      })),
    ),
  };
}

/** The size of an endpoint, or what is wrong with it. */
export function sizeOf(endpoint: EndpointDescriptor, speed: Speed): EndpointSize {
  try {
    const frameLength = maxBytesPerInterval(endpoint, speed);
    const frameDuration = serviceInterval(endpoint, speed);
    return { frameLength, frameDuration, bytesPerSecond: (frameLength * 1e6) / frameDuration };
  } catch (error) {
    if (DescriptorError.is(error)) return { problem: error.message };
    throw error;
  }
}

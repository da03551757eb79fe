import type {
  AlternateSetting,
  ConfigurationDescriptor,
  DeviceInfo,
  Direction,
  EndpointDescriptor,
  RawDescriptor,
  Speed,
  SynchronizationType,
  TransferType,
  UsageType,
} from "../../index.js";
import { identityOf, type DeviceIdentity } from "../device-identity.js";
import { sizeOf, type EndpointSize } from "../list/listing.js";
import { classFormats, type ClassFormats } from "./class-formats.js";
import { className } from "./class-names.js";

/** Everything about a device: plain data, and the output of `info --json`. */
export interface DeviceDescription extends DeviceIdentity {
  /** bcdUSB, as "2.0.0". */
  readonly usbVersion: string;
  /** bcdDevice, as "1.0.3". */
  readonly deviceVersion: string;
  readonly class: ClassDescription;
  /** Bytes in a packet of endpoint zero. */
  readonly maxPacketSize0: number;
  readonly configurations: readonly ConfigurationDescription[];
}

/** A class, by its numbers and in words. */
export interface ClassDescription {
  readonly code: number;
  readonly subclass: number;
  readonly protocol: number;
  readonly name: string;
}

/** A configuration. */
export interface ConfigurationDescription {
  readonly value: number;
  readonly selfPowered: boolean;
  readonly remoteWakeup: boolean;
  /** Milliamperes, at most. */
  readonly power: number;
  /** Interfaces that make one function. */
  readonly functions: readonly {
    readonly firstInterface: number;
    readonly interfaceCount: number;
    readonly class: ClassDescription;
  }[];
  readonly interfaces: readonly { readonly number: number; readonly alternates: readonly AlternateDescription[] }[];
}

/** An alternate setting of an interface. */
export interface AlternateDescription {
  readonly alternate: number;
  readonly class: ClassDescription;
  /** What the descriptors of the class say, in words. */
  readonly formats: readonly string[];
  readonly endpoints: readonly EndpointDescription[];
  /** Descriptors of the class, and those that nobody knows, in hex. */
  readonly extra: readonly string[];
}

/** An endpoint. Its size is that of a frame, and there for isochronous ones only. */
export interface EndpointDescription extends EndpointSize {
  readonly endpoint: number;
  readonly direction: Direction;
  readonly type: TransferType;
  readonly synchronization?: SynchronizationType;
  readonly usage?: UsageType;
  /** wMaxPacketSize as it stands. */
  readonly maxPacketSize: number;
  /** bInterval as it stands. */
  readonly interval: number;
  readonly extra: readonly string[];
}

export function describeDevice(info: DeviceInfo): DeviceDescription {
  const { speed, descriptor, configurations } = info;
  const { deviceClass, deviceSubclass, deviceProtocol } = descriptor;
  return {
    ...identityOf(info),
    usbVersion: version(descriptor.usbVersion),
    deviceVersion: version(descriptor.deviceVersion),
    class: classOf(deviceClass, deviceSubclass, deviceProtocol),
    maxPacketSize0: descriptor.maxPacketSize0,
    configurations: configurations.map((configuration) => describeConfiguration(configuration, speed)),
  };
}

function describeConfiguration(configuration: ConfigurationDescriptor, speed: Speed): ConfigurationDescription {
  const { value, selfPowered, remoteWakeup, maxPower, associations, interfaces } = configuration;
  const formats = classFormats(configuration);
  return {
    value,
    selfPowered,
    remoteWakeup,
    power: maxPower * (speed === "super" || speed === "super-plus" ? 8 : 2),
    functions: associations.map(
      ({ firstInterface, interfaceCount, functionClass, functionSubclass, functionProtocol }) => ({
        firstInterface,
        interfaceCount,
        class: classOf(functionClass, functionSubclass, functionProtocol),
      }),
    ),
    interfaces: interfaces.map(({ number, alternates }) => ({
      number,
      alternates: alternates.map((alternate) => describeAlternate(alternate, speed, formats)),
    })),
  };
}

function describeAlternate(alternate: AlternateSetting, speed: Speed, formats: ClassFormats): AlternateDescription {
  const { alternateSetting, interfaceClass, interfaceSubclass, interfaceProtocol, endpoints, extra } = alternate;
  return {
    alternate: alternateSetting,
    class: classOf(interfaceClass, interfaceSubclass, interfaceProtocol),
    formats: formats(alternate),
    endpoints: endpoints.map((endpoint) => describeEndpoint(endpoint, speed)),
    extra: extra.map(hex),
  };
}

function describeEndpoint(endpoint: EndpointDescriptor, speed: Speed): EndpointDescription {
  const { address, direction, transferType, synchronizationType, usageType, maxPacketSize, interval, extra } = endpoint;
  return {
    endpoint: address,
    direction,
    type: transferType,
    ...(transferType === "isochronous" && {
      synchronization: synchronizationType,
      usage: usageType,
      ...sizeOf(endpoint, speed),
    }),
    maxPacketSize,
    interval,
    extra: extra.map(hex),
  };
}

function classOf(code: number, subclass: number, protocol: number): ClassDescription {
  return { code, subclass, protocol, name: className(code, subclass) };
}

/** 0x0210 → "2.1.0" (USB 2.0, 9.6.1) */
function version(bcd: number): string {
  return `${(bcd >> 8).toString(16)}.${(bcd >> 4) & 0xf}.${bcd & 0xf}`;
}

function hex({ bytes }: RawDescriptor): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

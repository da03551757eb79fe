/** Which way data moves, seen from the host. */
export type Direction = "in" | "out";

/** The transfer type of an endpoint (USB 2.0, 9.6.6, bmAttributes bits 1..0). */
export type TransferType = "control" | "isochronous" | "bulk" | "interrupt";

/** How an isochronous endpoint keeps time (USB 2.0, 9.6.6, bmAttributes bits 3..2). */
export type SynchronizationType = "none" | "asynchronous" | "adaptive" | "synchronous";

/** What an isochronous endpoint is for (USB 2.0, 9.6.6, bmAttributes bits 5..4). */
export type UsageType = "data" | "feedback" | "implicit-feedback" | "reserved";

/** A descriptor as it stands in the configuration, header included. Nobody writes to `bytes`. */
export interface RawDescriptor {
  /** bDescriptorType. */
  readonly type: number;
  /** The whole descriptor, `bytes[0]` long. A view into the bytes that were parsed. */
  readonly bytes: Uint8Array;
}

/** The device descriptor (USB 2.0, 9.6.1). */
export interface DeviceDescriptor {
  /** bcdUSB, for example 0x0200. */
  readonly usbVersion: number;
  readonly deviceClass: number;
  readonly deviceSubclass: number;
  readonly deviceProtocol: number;
  /** Bytes in a packet of endpoint zero; at SuperSpeed the exponent of two that stands on the wire is resolved. */
  readonly maxPacketSize0: number;
  readonly vendorId: number;
  readonly productId: number;
  /** bcdDevice. */
  readonly deviceVersion: number;
  /** Index of the string descriptor, 0 for none. */
  readonly manufacturerIndex: number;
  /** Index of the string descriptor, 0 for none. */
  readonly productIndex: number;
  /** Index of the string descriptor, 0 for none. */
  readonly serialNumberIndex: number;
  readonly configurationCount: number;
}

/** One configuration with everything in it (USB 2.0, 9.6.3). */
export interface ConfigurationDescriptor {
  /** bConfigurationValue, what SET_CONFIGURATION takes. */
  readonly value: number;
  /** Index of the string descriptor, 0 for none. */
  readonly descriptionIndex: number;
  readonly selfPowered: boolean;
  readonly remoteWakeup: boolean;
  /** bMaxPower as it stands: units of 2 mA, or of 8 mA at SuperSpeed. */
  readonly maxPower: number;
  /** By interface number, in the order of their first appearance. */
  readonly interfaces: readonly InterfaceDescriptor[];
  /** Interface association descriptors, in order. */
  readonly associations: readonly InterfaceAssociation[];
  /** Descriptors before the first interface that this model has no field for. */
  readonly extra: readonly RawDescriptor[];
}

/** Interfaces that make one function (USB ECN "Interface Association Descriptors", 9.6.4). */
export interface InterfaceAssociation {
  readonly firstInterface: number;
  readonly interfaceCount: number;
  readonly functionClass: number;
  readonly functionSubclass: number;
  readonly functionProtocol: number;
  /** Index of the string descriptor, 0 for none. */
  readonly descriptionIndex: number;
}

/** An interface: the alternate settings that share its number. */
export interface InterfaceDescriptor {
  readonly number: number;
  /** In the order of the configuration, each setting once; setting 0 is what a device starts with. */
  readonly alternates: readonly AlternateSetting[];
}

/** One alternate setting of an interface (USB 2.0, 9.6.5). */
export interface AlternateSetting {
  readonly interfaceNumber: number;
  /** bAlternateSetting, what SET_INTERFACE takes. */
  readonly alternateSetting: number;
  readonly interfaceClass: number;
  readonly interfaceSubclass: number;
  readonly interfaceProtocol: number;
  /** Index of the string descriptor, 0 for none. */
  readonly descriptionIndex: number;
  readonly endpoints: readonly EndpointDescriptor[];
  /**
   * Class-specific and unknown descriptors between this interface and its first endpoint; after them,
   * endpoint descriptors with an address that no endpoint can have.
   */
  readonly extra: readonly RawDescriptor[];
}

/** An endpoint within an alternate setting (USB 2.0, 9.6.6). */
export interface EndpointDescriptor {
  /** bEndpointAddress: number in bits 3..0, direction in bit 7. */
  readonly address: number;
  readonly direction: Direction;
  readonly transferType: TransferType;
  /** Means something for isochronous endpoints only. */
  readonly synchronizationType: SynchronizationType;
  /** Means something for isochronous endpoints only. */
  readonly usageType: UsageType;
  /** wMaxPacketSize as it stands, multiplier bits included; see {@link maxBytesPerInterval}. */
  readonly maxPacketSize: number;
  /** bInterval as it stands; see {@link serviceInterval}. */
  readonly interval: number;
  /** bRefresh of a nine-byte audio endpoint (UAC 1.0, 4.6.1.1). */
  readonly refresh: number | undefined;
  /** bSynchAddress of a nine-byte audio endpoint (UAC 1.0, 4.6.1.1). */
  readonly synchAddress: number | undefined;
  /** The SuperSpeed companion, where there is one. */
  readonly companion: EndpointCompanion | undefined;
  /** Class-specific and unknown descriptors after this endpoint. */
  readonly extra: readonly RawDescriptor[];
}

/** SuperSpeed endpoint companion (USB 3.2, 9.6.7), with what the SuperSpeedPlus one adds (9.6.8). */
export interface EndpointCompanion {
  /** Packets in a burst: bMaxBurst + 1. More than 16 is an error in {@link maxBytesPerInterval}. */
  readonly burst: number;
  /**
   * Bursts in a service interval: Mult + 1 of an isochronous endpoint, 1 of any other, and 1 where a
   * SuperSpeedPlus companion is announced. 4 is an error in {@link maxBytesPerInterval}.
   */
  readonly mult: number;
  /** wBytesPerInterval, or dwBytesPerInterval of the SuperSpeedPlus companion where there is one. */
  readonly bytesPerInterval: number;
}

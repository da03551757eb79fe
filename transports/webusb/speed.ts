import type { ConfigurationDescriptor, DeviceDescriptor, Speed, TransferType } from "../../src/index.js";

/** What an endpoint tells of the speed that its descriptor is for. */
export interface SpeedClue {
  readonly transferType: TransferType;
  /** wMaxPacketSize as it stands, or the bytes of an interval. */
  readonly maxPacketSize: number;
  /** bInterval, where it is known. */
  readonly interval?: number | undefined;
}

/**
 * The speed that a device runs at, which WebUSB does not tell, from what differs between speeds.
 *
 * 1. Companion descriptors are there at SuperSpeed only, and there always (USB 3.2, 9.6.7).
 * 2. Before USB 2.0, and with another packet size of endpoint zero than 64, there is no high speed
 *    (USB 2.0, 5.5.3).
 * 3. A bulk endpoint has 512 bytes at high speed, and fewer at full speed (5.8.3); an isochronous one of
 *    more than 1023 bytes or an interrupt one of more than 64 is of high speed (5.6.3, 5.7.3).
 * 4. A device that can run at high speed has a qualifier of the other speed, another has none (9.6.2).
 *    One that has runs at high speed, unless a hub of USB 1.1 is in between, which nobody here can see.
 *
 * Low speed, which has no isochronous transfers, is told as full.
 *
 * @param hasQualifier whether the device answers GET_DESCRIPTOR of DEVICE_QUALIFIER
 */
export function deduceSpeed(
  descriptor: Pick<DeviceDescriptor, "usbVersion" | "maxPacketSize0">,
  configurations: readonly ConfigurationDescriptor[],
  hasQualifier: boolean,
): Speed {
  const endpoints = configurations.flatMap(({ interfaces }) =>
    interfaces.flatMap(({ alternates }) => alternates.flatMap((alternate) => alternate.endpoints)),
  );
  const companions = endpoints.filter(({ companion }) => companion !== undefined);
  if (companions.length > 0 || descriptor.maxPacketSize0 === 512) {
    const isBeyond = companions.some(({ maxPacketSize, companion }) => {
      const { burst = 1, mult = 1, bytesPerInterval = 0 } = companion ?? {};
      return bytesPerInterval > (maxPacketSize & 0x7ff) * burst * mult;
    });
    return isBeyond ? "super-plus" : "super";
  }
  if (descriptor.usbVersion < 0x0200 || descriptor.maxPacketSize0 !== 64) return "full";
  return highOrFull(endpoints) ?? (hasQualifier ? "high" : "full");
}

/** The speed that an endpoint can only have been meant for, where there is such a one. */
export function highOrFull(clues: readonly SpeedClue[]): "high" | "full" | undefined {
  for (const { transferType, maxPacketSize, interval } of clues) {
    switch (transferType) {
      case "bulk":
        return maxPacketSize >= 512 ? "high" : "full";
      case "isochronous":
        if (maxPacketSize > 1023) return "high";
        break;
      case "interrupt":
        if (maxPacketSize > 64) return "high";
        if (interval !== undefined && interval > 16) return "full";
        break;
      case "control":
    }
  }
  return undefined;
}

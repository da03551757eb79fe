import type { EndpointCompanion, EndpointDescriptor, SynchronizationType, TransferType, UsageType } from "./model.js";
import { type DescriptorBlock, descriptorTypes, type LocatedDescriptor, raw, requireLength } from "./reader.js";

type FourOf<T> = readonly [T, T, T, T];

const transferTypes: FourOf<TransferType> = ["control", "isochronous", "bulk", "interrupt"];
const synchronizationTypes: FourOf<SynchronizationType> = ["none", "asynchronous", "adaptive", "synchronous"];
const usageTypes: FourOf<UsageType> = ["data", "feedback", "implicit-feedback", "reserved"];

/**
 * An endpoint (USB 2.0, 9.6.6) with its companions (USB 3.2, 9.6.7 and 9.6.8), or `undefined` if its
 * address is none that an endpoint can have.
 *
 * @throws {@link DescriptorError} if one of the descriptors is too short for what it is.
 */
export function parseEndpoint({ head, body }: DescriptorBlock): EndpointDescriptor | undefined {
  requireLength(head, "endpoint", 7);
  const { bytes, fields } = head;
  const address = fields.getUint8(2);
  if ((address & 0x0f) === 0 || (address & 0x70) !== 0) return undefined;

  const attributes = fields.getUint8(3);
  const isAudio = bytes.length >= 9;
  const transferType = pick(transferTypes, attributes);
  const first = body.find(({ type }) => type === descriptorTypes.endpointCompanion);
  if (first !== undefined) requireLength(first, "SuperSpeed endpoint companion", 6);
  const second =
    first !== undefined && transferType === "isochronous" && announcesAnother(first)
      ? body.find(({ type }) => type === descriptorTypes.isochronousCompanion)
      : undefined;
  return {
    address,
    direction: (address & 0x80) === 0 ? "out" : "in",
    transferType,
    synchronizationType: pick(synchronizationTypes, attributes >> 2),
    usageType: pick(usageTypes, attributes >> 4),
    maxPacketSize: fields.getUint16(4, true),
    interval: fields.getUint8(6),
    refresh: isAudio ? fields.getUint8(7) : undefined,
    synchAddress: isAudio ? fields.getUint8(8) : undefined,
    companion: first === undefined ? undefined : parseCompanion(transferType, first, second),
    extra: body.filter((descriptor) => descriptor !== first && descriptor !== second).map(raw),
  };
}

function parseCompanion(
  transferType: TransferType,
  first: LocatedDescriptor,
  second: LocatedDescriptor | undefined,
): EndpointCompanion {
  const { fields } = first;
  if (second !== undefined) requireLength(second, "SuperSpeedPlus isochronous endpoint companion", 8);
  return {
    burst: fields.getUint8(2) + 1,
    mult: transferType === "isochronous" && !announcesAnother(first) ? (fields.getUint8(3) & 3) + 1 : 1,
    bytesPerInterval: second?.fields.getUint32(4, true) ?? fields.getUint16(4, true),
  };
}

/** Whether bmAttributes of an isochronous endpoint's companion says that a SuperSpeedPlus one follows. */
function announcesAnother(companion: LocatedDescriptor): boolean {
  return (companion.fields.getUint8(3) & 0x80) !== 0;
}

/** What the lower two of `bits` stand for. */
function pick<T>(words: FourOf<T>, bits: number): T {
  return words[(bits & 3) as 0 | 1 | 2 | 3];
}

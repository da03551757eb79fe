import { statusCodes, type FrameStatus } from "../../../src/index.js";
import { errno, errnoOfStatus, statusOfErrno } from "../../../src/linux-errno.js";
import { frameStatuses } from "../../../src/status.js";
import { damaged } from "./damaged.js";

/** How an event is laid out: the bytes of its header, by link type, and the byte order of the machine that captured it. */
export interface EventLayout {
  readonly headerSize: 48 | 64;
  readonly littleEndian: boolean;
}

/** What stands for the transfer types in usbmon's binary interface. */
export const transferTypes = { isochronous: 0, interrupt: 1, control: 2, bulk: 3 } as const;

/** The packets of an isochronous event, one entry each. */
export interface EventPackets {
  /** Negative errno. */
  readonly statuses: Int32Array;
  /** Where the bytes begin in the data of the event. */
  readonly offsets: Uint32Array;
  /** Bytes asked for in a submission, that moved in a completion. */
  readonly lengths: Uint32Array;
  /** {@link statusCodes}, where the errno does not say it exactly; else -1. */
  readonly codes: Int16Array;
}

/** One event of usbmon: a request that is submitted, or has completed, or was refused. */
export interface UsbEvent {
  /** `S`, `C` or `E`. */
  readonly type: "submission" | "completion" | "refusal";
  /** The same for a submission and its completion. */
  readonly id: bigint;
  /** {@link transferTypes}. */
  readonly transferType: number;
  /** With the direction in bit 7, also of endpoint zero. */
  readonly endpoint: number;
  readonly device: number;
  readonly bus: number;
  /** Of the submission of a control transfer. */
  readonly setup: Uint8Array | undefined;
  /** Microseconds since 1970. */
  readonly time: number;
  /** Negative errno. */
  readonly status: number;
  /** Bytes asked for, to be sent, or that moved. */
  readonly length: number;
  /** Frames (full speed) or microframes from one packet to the next; 0 where the header does not have it. */
  readonly interval: number;
  /** Frames (full speed) or microframes, modulo what the host controller counts. */
  readonly startFrame: number;
  readonly packets: EventPackets;
  /**
   * Frames that no transfer had, from `startFrame` on: the packets stand for the first of them. 0 for every event of
   * usbmon itself.
   */
  readonly lost: number;
  /** Packets that the event had beyond those that are told of. */
  readonly untold: number;
  /** What there is of the bytes. */
  readonly data: Uint8Array;
  /** Bytes that the capture kept less than the kernel told. */
  readonly cutOff: number;
}

const headerSize = 64;
const packetSize = 16;
const letters = { submission: 0x53, completion: 0x43, refusal: 0x45 } as const;
const isoAsap = 2;
const directionIn = 0x200;
/** "RX", in the upper half of what usbmon leaves empty. */
const mark = 0x5258;
/** In the lower half, for a frame that no transfer had; for one that a transfer had it is a status. */
const inNoTransfer = 0xffff;

/** No packets. */
export const noPackets = eventPackets(0);

/** Room for so many packets. */
export function eventPackets(count: number): EventPackets {
  return {
    statuses: new Int32Array(count),
    offsets: new Uint32Array(count),
    lengths: new Uint32Array(count),
    codes: new Int16Array(count).fill(-1),
  };
}

/** Puts down a status: the errno for it, and the status itself where that says less. */
export function putStatus(packets: EventPackets, index: number, status: FrameStatus): void {
  const code = errnoOfStatus(status);
  packets.statuses[index] = code;
  if (statusOfErrno(code) !== status) packets.codes[index] = statusCodes[status];
}

/**
 * An event as it stands in a packet of link type 220: 64 bytes, 16 for each isochronous packet, then the
 * data. The status that an errno does not say exactly stands in the four bytes of a packet that the kernel leaves empty.
 * There are as many entries as packets: Wireshark looks for that many, whatever the kernel says that it has left out.
 */
export function encodeEvent(event: Omit<UsbEvent, "untold" | "cutOff">): Uint8Array {
  const { packets, data, setup, type, endpoint, lost } = event;
  const count = packets.lengths.length;
  const bytes = new Uint8Array(headerSize + packetSize * count + data.length);
  const fields = new DataView(bytes.buffer);
  const isIn = endpoint >= 0x80;
  fields.setBigUint64(0, event.id, true);
  bytes.set([letters[type], event.transferType, endpoint, event.device], 8);
  fields.setUint16(12, event.bus, true);
  bytes[14] = setup === undefined ? 0x2d : 0;
  // Where the data is not: "<" before it comes in, ">" after it went out. What goes out can be of no bytes.
  const isThere = data.length > 0 || (!isIn && type === "submission" && event.length === 0);
  bytes[15] = isThere ? 0 : isIn ? 0x3c : 0x3e;
  const microseconds = Math.max(0, Math.round(event.time));
  fields.setBigInt64(16, BigInt(Math.floor(microseconds / 1e6)), true);
  fields.setInt32(24, microseconds % 1e6, true);
  fields.setInt32(28, event.status, true);
  fields.setUint32(32, event.length, true);
  fields.setUint32(36, packetSize * count + data.length, true);
  if (setup !== undefined) bytes.set(setup, 40);
  if (event.transferType === transferTypes.isochronous) {
    if (type === "completion") fields.setInt32(40, lost > 0 ? lost : failedPackets(packets), true);
    fields.setInt32(44, count, true);
  }
  fields.setInt32(48, event.interval, true);
  fields.setUint32(52, event.startFrame, true);
  fields.setUint32(56, (isIn ? directionIn : 0) | (count > 0 ? isoAsap : 0), true);
  fields.setUint32(60, count, true);
  for (let i = 0, at = headerSize; i < count; i++, at += packetSize) {
    const code = lost > 0 ? inNoTransfer : (packets.codes[i] ?? -1);
    fields.setInt32(at, packets.statuses[i] ?? 0, true);
    fields.setUint32(at + 4, packets.offsets[i] ?? 0, true);
    fields.setUint32(at + 8, packets.lengths[i] ?? 0, true);
    fields.setUint32(at + 12, code < 0 ? 0 : mark * 0x10000 + code, true);
  }
  bytes.set(data, headerSize + packetSize * count);
  return bytes;
}

function failedPackets({ statuses }: EventPackets): number {
  return statuses.reduce((sum, status) => sum + (status === 0 ? 0 : 1), 0);
}

/**
 * What a packet of link type 189 or 220 says; `undefined` for an event of an unknown kind, and for one
 * that was cut off within its header.
 *
 * @param position where it stands in the capture, for messages
 * @returns with data that is a view into `bytes`
 * @throws `TransportError` `protocol-error`
 */
export function decodeEvent(
  bytes: Uint8Array,
  { headerSize, littleEndian }: EventLayout,
  position: number,
): UsbEvent | undefined {
  if (bytes.length < headerSize) return undefined;
  const fields = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const letter = fields.getUint8(8);
  const type = (["submission", "completion", "refusal"] as const).find((each) => letters[each] === letter);
  if (type === undefined) return undefined;
  const transferType = fields.getUint8(9);
  const isIsochronous = transferType === transferTypes.isochronous;
  const hasMore = headerSize === 64;
  const all = isIsochronous ? fields.getInt32(44, littleEndian) : 0;
  const told = isIsochronous && hasMore ? fields.getUint32(60, littleEndian) : Math.max(0, all);
  if (all < 0) throw damaged(position, `a transfer has ${all} packets`);
  const room = Math.floor((bytes.length - headerSize) / packetSize);
  const count = Math.min(told, room);
  const packets = count === 0 ? noPackets : decodePackets(fields, headerSize, count, littleEndian);
  const isLoss = type === "completion" && areInNoTransfer(fields, headerSize, count, littleEndian);
  return {
    type,
    id: fields.getBigUint64(0, littleEndian),
    transferType,
    endpoint: fields.getUint8(10),
    device: fields.getUint8(11),
    bus: fields.getUint16(12, littleEndian),
    setup: fields.getUint8(14) === 0 && !isIsochronous ? bytes.subarray(40, 48) : undefined,
    time: Number(fields.getBigInt64(16, littleEndian)) * 1e6 + fields.getInt32(24, littleEndian),
    status: fields.getInt32(28, littleEndian),
    length: fields.getUint32(32, littleEndian),
    interval: hasMore ? fields.getInt32(48, littleEndian) : 0,
    startFrame: hasMore ? fields.getUint32(52, littleEndian) : 0,
    packets,
    lost: isLoss ? Math.max(0, fields.getInt32(40, littleEndian)) : 0,
    untold: Math.max(all, told) - count,
    data: bytes.subarray(Math.min(bytes.length, headerSize + packetSize * told)),
    cutOff: Math.max(0, fields.getUint32(36, littleEndian) + headerSize - bytes.length),
  };
}

/** Whether the packets stand for frames that no transfer had. */
function areInNoTransfer(fields: DataView, start: number, count: number, littleEndian: boolean): boolean {
  for (let i = 0; i < count; i++) {
    if (fields.getUint32(start + packetSize * i + 12, littleEndian) !== mark * 0x10000 + inNoTransfer) return false;
  }
  return count > 0;
}

function decodePackets(fields: DataView, start: number, count: number, littleEndian: boolean): EventPackets {
  const packets = eventPackets(count);
  for (let i = 0, at = start; i < count; i++, at += packetSize) {
    packets.statuses[i] = fields.getInt32(at, littleEndian);
    packets.offsets[i] = fields.getUint32(at + 4, littleEndian);
    packets.lengths[i] = fields.getUint32(at + 8, littleEndian);
    const spare = fields.getUint32(at + 12, littleEndian);
    const code = spare & 0xffff;
    if (spare >>> 16 === mark && code < frameStatuses.length) packets.codes[i] = code;
  }
  return packets;
}

/** {@link statusCodes} of a packet. */
export function codeOfPacket({ statuses, codes }: EventPackets, index: number): number {
  const code = codes[index] ?? -1;
  return code >= 0 ? code : statusCodes[statusOfErrno(statuses[index] ?? errno.EIO)];
}

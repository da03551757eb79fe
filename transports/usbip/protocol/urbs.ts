import type { Direction } from "../../../src/index.js";
import type { MessageParser } from "./decode.js";
import type { SubmitCommand, SubmitReply, UnlinkReply, UrbCommand, UrbReply, UsbipPackets } from "./messages.js";
import { noPackets, packetDescriptorSize, protocolError, urbCommand, urbHeaderSize, viewOf } from "./wire.js";

/** How large a transfer may be. */
export interface UsbipLimits {
  /** Packets of an isochronous transfer, at most. Default: 1024, the most that Linux takes. */
  readonly packets?: number | undefined;
  /** Bytes of a transfer, at most. Default: 16 MiB, the most that usbfs has in flight unless it is told otherwise. */
  readonly transferLength?: number | undefined;
}

/** What of a submit its reply is read by: a reply does not say which way its data moved. */
export type SubmitContext = Pick<SubmitCommand, "direction" | "length" | "packets">;

const empty = new Uint8Array(0);

/** Reads USBIP_CMD_SUBMIT or USBIP_CMD_UNLINK. */
export function* urbCommandMessage(limits: UsbipLimits = {}): MessageParser<UrbCommand> {
  const { packets: maxPackets = 1024, transferLength: maxLength = 1 << 24 } = limits;
  const bytes = yield urbHeaderSize;
  const header = viewOf(bytes);
  const command = header.getUint32(0);
  const seqnum = header.getUint32(4);
  const deviceId = header.getUint32(8);
  if (command === urbCommand.unlink) return { type: "unlink", seqnum, deviceId, target: header.getUint32(20) };
  if (command !== urbCommand.submit) throw protocolError(`sent the unknown command ${command}`);

  const direction = directionOf(header.getUint32(12));
  const endpoint = header.getUint32(16);
  if (endpoint > 15) throw protocolError(`submitted to endpoint ${endpoint}, and 15 is the last`);
  const length = header.getUint32(24);
  if (length > maxLength) throw protocolError(`submitted ${length} bytes at once, and ${maxLength} are the most`);
  const packetCount = header.getUint32(32);
  const count = packetCount === noPackets ? 0 : packetCount;
  if (count > maxPackets) throw protocolError(`submitted ${count} packets at once, and ${maxPackets} are the most`);

  const data = direction === "out" && length > 0 ? yield length : empty;
  const packets = count === 0 ? undefined : readPackets(yield count * packetDescriptorSize);
  if (packets !== undefined) checkCommandPackets(packets, length);
  return {
    type: "submit",
    seqnum,
    deviceId,
    direction,
    endpoint,
    flags: header.getUint32(20),
    length,
    startFrame: header.getUint32(28),
    interval: header.getUint32(36),
    setup: bytes.subarray(40, 48),
    packets,
    packetCount,
    data,
  };
}

/**
 * Reads USBIP_RET_SUBMIT or USBIP_RET_UNLINK.
 *
 * @param submitted finds the submit of a number, or nothing where no such one is pending
 */
export function* urbReplyMessage(submitted: (seqnum: number) => SubmitContext | undefined): MessageParser<UrbReply> {
  const header = viewOf(yield urbHeaderSize);
  const command = header.getUint32(0);
  const seqnum = header.getUint32(4);
  const status = header.getInt32(20);
  if (command === urbCommand.unlinkReply) return { type: "unlink-reply", seqnum, status } satisfies UnlinkReply;
  if (command !== urbCommand.submitReply) throw protocolError(`answered with the unknown command ${command}`);

  const context = submitted(seqnum);
  if (context === undefined) throw protocolError(`answered the submit ${seqnum}, which is not pending`);
  const actualLength = header.getUint32(24);
  if (actualLength > context.length) {
    throw protocolError(`moved ${actualLength} bytes, and ${context.length} were submitted`);
  }
  const packetCount = header.getUint32(32);
  const count = context.packets?.lengths.length ?? 0;
  if (count > 0 && packetCount !== count) throw protocolError(`answered ${packetCount} packets of ${count}`);

  const data = context.direction === "in" && actualLength > 0 ? yield actualLength : empty;
  const packets = count === 0 ? undefined : readPackets(yield count * packetDescriptorSize);
  if (packets !== undefined && context.packets !== undefined) {
    checkReplyPackets(packets, context.packets.lengths, actualLength);
  }
  return {
    type: "submit-reply",
    seqnum,
    status,
    actualLength,
    startFrame: header.getUint32(28),
    errorCount: header.getUint32(36),
    packets,
    packetCount,
    data,
  } satisfies SubmitReply;
}

function directionOf(value: number): Direction {
  if (value > 1) throw protocolError(`submitted in the unknown direction ${value}`);
  return value === 1 ? "in" : "out";
}

function readPackets(bytes: Uint8Array): UsbipPackets {
  const count = bytes.length / packetDescriptorSize;
  const packets: UsbipPackets = {
    offsets: new Uint32Array(count),
    lengths: new Uint32Array(count),
    actual: new Uint32Array(count),
    statuses: new Int32Array(count),
  };
  const view = viewOf(bytes);
  for (let i = 0; i < count; i++) {
    const at = i * packetDescriptorSize;
    packets.offsets[i] = view.getUint32(at);
    packets.lengths[i] = view.getUint32(at + 4);
    packets.actual[i] = view.getUint32(at + 8);
    packets.statuses[i] = view.getInt32(at + 12);
  }
  return packets;
}

/** Packets lie within the buffer, and add up to no more than it holds. */
function checkCommandPackets({ offsets, lengths }: UsbipPackets, length: number): void {
  let sum = 0;
  for (let i = 0; i < lengths.length; i++) {
    const packet = lengths[i] ?? 0;
    if ((offsets[i] ?? 0) + packet > length) throw protocolError(`put packet ${i} outside of its buffer`);
    sum += packet;
  }
  if (sum > length) throw protocolError(`put packets of ${sum} bytes into a buffer of ${length}`);
}

/** No packet is longer than was asked, and together they are what was said to have moved. */
function checkReplyPackets({ actual }: UsbipPackets, asked: Uint32Array, actualLength: number): void {
  let sum = 0;
  for (let i = 0; i < actual.length; i++) {
    const moved = actual[i] ?? 0;
    if (moved > (asked[i] ?? 0)) throw protocolError(`moved more in packet ${i} than was asked`);
    sum += moved;
  }
  if (sum !== actualLength) throw protocolError(`moved ${actualLength} bytes, and its packets hold ${sum}`);
}

import { statusCodes, type Submission } from "../../../src/index.js";
import { errno, packetDescriptorSize, statusOfErrno } from "../protocol/index.js";
import { protocolError } from "../protocol/wire.js";

const notComplete = statusCodes["not-complete"];

/** Frames of a submission that went as one transfer. */
export interface PacketRange {
  /** The first. */
  readonly first: number;
  readonly count: number;
}

/**
 * Takes over what a reply says of the packets of a range.
 *
 * @param isCutShort the transfer did not run to its end: packets at the end that were not accessed did
 * not have their turn
 * @returns bytes that moved
 * @throws `TransportError` `protocol-error` for a packet that moved more than was asked
 */
export function takePackets(
  submission: Submission,
  { first, count }: PacketRange,
  packets: DataView,
  isCutShort: boolean,
): number {
  const { lengths, actual, statuses } = submission;
  let total = 0;
  let hasTurn = !isCutShort;
  for (let i = count - 1; i >= 0; i--) {
    const at = i * packetDescriptorSize;
    const moved = packets.getUint32(at + 8);
    const status = packets.getInt32(at + 12);
    const frame = first + i;
    if (moved > (lengths[frame] ?? 0)) throw protocolError(`moved more in packet ${i} than was asked`);
    total += moved;
    actual[frame] = moved;
    if (status !== 0) {
      submission.nativeStatuses ??= new Int32Array(lengths.length);
      submission.nativeStatuses[frame] = status;
    }
    hasTurn ||= status !== errno.EXDEV || moved > 0;
    statuses[frame] = !hasTurn ? notComplete : status === 0 ? 0 : statusCodes[statusOfErrno(status)];
  }
  return total;
}

/** No packet of a range had its turn. */
export function dropPackets({ actual, statuses }: Submission, { first, count }: PacketRange): void {
  actual.fill(0, first, first + count);
  statuses.fill(notComplete, first, first + count);
}

/** How many packets of a range had their turn: all but those at the end that had not. */
export function servedPackets({ statuses }: Submission, { first, count }: PacketRange): number {
  let served = count;
  while (served > 0 && statuses[first + served - 1] === notComplete) served--;
  return served;
}

/** Whether the server's controller accessed none of the packets of a range. */
export function isUntouched({ nativeStatuses, actual }: Submission, { first, count }: PacketRange): boolean {
  for (let i = first; i < first + count; i++) {
    if (nativeStatuses?.[i] !== errno.EXDEV || (actual[i] ?? 0) > 0) return false;
  }
  return true;
}

/**
 * Moves the packets of a range, which came one directly after the other, to where they belong: each at
 * the sum of the lengths before it. Nothing moves where all of them are full.
 *
 * @param data the memory of the range
 * @param total bytes that came
 */
export function spreadPackets(
  data: Uint8Array,
  { lengths, actual }: Submission,
  { first, count }: PacketRange,
  total: number,
): void {
  let from = total;
  let to = data.length;
  for (let i = first + count - 1; i >= first && from !== to; i--) {
    const moved = actual[i] ?? 0;
    from -= moved;
    to -= lengths[i] ?? 0;
    if (moved > 0 && from !== to) data.copyWithin(to, from, from + moved);
  }
}

import type { PacketRange } from "./packets.js";

/** A range of frames, and where its bytes are in the submission. */
export interface PieceRange extends PacketRange {
  readonly offset: number;
  readonly length: number;
}

/**
 * The most of a transfer: 1,024 packets are what Linux takes, 128 ms and a megabyte are what leaves room
 * for others in the schedule and the memory of a host.
 */
const most = { packets: 1024, microseconds: 128_000, bytes: 1 << 20 } as const;

/** Cuts a request into transfers that a server takes, each of one frame at least. */
export function cutIntoPieces(lengths: Uint32Array, frameDuration: number): PieceRange[] {
  const frames = Math.max(1, Math.min(most.packets, Math.floor(most.microseconds / frameDuration)));
  const pieces: PieceRange[] = [];
  let first = 0;
  let offset = 0;
  let length = 0;
  for (let i = 0; i < lengths.length; i++) {
    const bytes = lengths[i] ?? 0;
    if (i > first && (i - first === frames || length + bytes > most.bytes)) {
      pieces.push({ first, count: i - first, offset, length });
      first = i;
      offset += length;
      length = 0;
    }
    length += bytes;
  }
  pieces.push({ first, count: lengths.length - first, offset, length });
  return pieces;
}

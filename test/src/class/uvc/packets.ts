import { IsochResults, statusCodes, type FrameStatus, type IsochResultsInit } from "../../../../src/index.js";

/** Bits of bmHeaderInfo. */
export const fid = 0x01;
export const eof = 0x02;
const hasPts = 0x04;
const hasScr = 0x08;
export const still = 0x20;
export const err = 0x40;
const eoh = 0x80;

/** A packet as it is on the bus: its bytes where it is `ok`, else its status with them. */
export type UvcPacket = readonly number[] | { readonly status: FrameStatus; readonly bytes: readonly number[] };

/** A packet with a header of two bytes. */
export function payload(info: number, ...bytes: readonly number[]): number[] {
  return [2, eoh | info, ...bytes];
}

/** A packet whose header has time stamps. */
export function timed(info: number, pts: number, ...bytes: readonly number[]): number[] {
  const scr = [...uint32(pts + 1000), 0x34, 0x02];
  return [12, eoh | hasPts | hasScr | info, ...uint32(pts), ...scr, ...bytes];
}

export function uint32(value: number): number[] {
  return [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24];
}

/** The results of a transfer of these packets that began on `firstFrame`: strided, `requested` bytes each. */
export function transfer(
  firstFrame: number,
  packets: readonly UvcPacket[],
  init: Partial<IsochResultsInit> = {},
  requested = 64,
): IsochResults {
  const contents = packets.map((packet) => ("status" in packet ? packet : { status: "ok" as const, bytes: packet }));
  const data = new Uint8Array(packets.length * requested);
  contents.forEach(({ bytes }, i) => {
    data.set(bytes, i * requested);
  });
  return new IsochResults({
    firstFrame,
    requested: new Uint32Array(packets.length).fill(requested),
    actual: Uint32Array.from(contents, ({ bytes }) => bytes.length),
    statuses: Uint8Array.from(contents, ({ status }) => statusCodes[status]),
    data,
    compacted: false,
    timestamp: 0,
    ...init,
  });
}

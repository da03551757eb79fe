/** How a capture is put together by hand: as the formats are documented, with nothing of what is tested. */
export interface HandMadeLayout {
  readonly littleEndian?: boolean;
  readonly headerSize?: 48 | 64;
}

/** An event as usbmon has it; see Documentation/usb/usbmon.rst of Linux. */
export interface HandMadeEvent {
  readonly type: "S" | "C" | "E";
  readonly id: number;
  /** 0 isochronous, 2 control. Default: 0. */
  readonly transferType?: number;
  readonly endpoint: number;
  /** Microseconds. */
  readonly time: number;
  readonly status?: number;
  readonly setup?: readonly number[];
  readonly interval?: number;
  readonly startFrame?: number;
  /** Status, offset and length of each packet. */
  readonly packets?: readonly (readonly [number, number, number])[];
  /** Of the packets that there were; default: those of `packets`. */
  readonly count?: number;
  readonly data?: Uint8Array;
}

const device = 5;
const bus = 2;

export function handMadeEvent(event: HandMadeEvent, { littleEndian = true, headerSize = 64 }: HandMadeLayout = {}) {
  const { packets = [], data = new Uint8Array(0), transferType = 0, time } = event;
  const bytes = new Uint8Array(headerSize + 16 * packets.length + data.length);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(event.id), littleEndian);
  bytes.set([event.type.charCodeAt(0), transferType, event.endpoint, device], 8);
  view.setUint16(12, bus, littleEndian);
  bytes[14] = event.setup === undefined ? 0x2d : 0;
  bytes[15] = data.length > 0 ? 0 : 0x3c;
  view.setBigInt64(16, BigInt(Math.floor(time / 1e6)), littleEndian);
  view.setInt32(24, time % 1e6, littleEndian);
  view.setInt32(28, event.status ?? 0, littleEndian);
  view.setUint32(32, data.length, littleEndian);
  view.setUint32(36, 16 * packets.length + data.length, littleEndian);
  if (event.setup !== undefined) bytes.set(event.setup, 40);
  if (transferType === 0) view.setInt32(44, event.count ?? packets.length, littleEndian);
  if (headerSize === 64) {
    view.setInt32(48, event.interval ?? 1, littleEndian);
    view.setInt32(52, event.startFrame ?? 0, littleEndian);
    view.setUint32(60, packets.length, littleEndian);
  }
  packets.forEach((fields, i) =>
    fields.forEach((field, j) => view.setInt32(headerSize + 16 * i + 4 * j, field, littleEndian)),
  );
  bytes.set(data, headerSize + 16 * packets.length);
  return bytes;
}

/** A packet of a capture. */
export interface HandMadePacket {
  /** Microseconds. */
  readonly time: number;
  readonly bytes: Uint8Array;
  /** Bytes that are kept. Default: all. */
  readonly kept?: number;
}

/** A classic pcap file. */
export function handMadePcap(
  packets: readonly HandMadePacket[],
  { littleEndian = true, headerSize = 64 }: HandMadeLayout = {},
  nanoseconds = false,
): Uint8Array {
  const header = new DataView(new ArrayBuffer(24));
  header.setUint32(0, nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4, littleEndian);
  header.setUint16(4, 2, littleEndian);
  header.setUint16(6, 4, littleEndian);
  header.setUint32(16, 0x40000, littleEndian);
  header.setUint32(20, headerSize === 64 ? 220 : 189, littleEndian);
  return Buffer.concat([
    new Uint8Array(header.buffer),
    ...packets.flatMap(({ time, bytes, kept = bytes.length }) => {
      const record = new DataView(new ArrayBuffer(16));
      record.setUint32(0, Math.floor(time / 1e6), littleEndian);
      record.setUint32(4, (time % 1e6) * (nanoseconds ? 1000 : 1), littleEndian);
      record.setUint32(8, kept, littleEndian);
      record.setUint32(12, bytes.length, littleEndian);
      return [new Uint8Array(record.buffer), bytes.subarray(0, kept)];
    }),
  ]);
}

/** A block of pcapng. */
export function handMadeBlock(type: number, body: Uint8Array, littleEndian = true): Uint8Array {
  const padded = Math.ceil(body.length / 4) * 4;
  const bytes = new Uint8Array(12 + padded);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, type, littleEndian);
  view.setUint32(4, bytes.length, littleEndian);
  bytes.set(body, 8);
  view.setUint32(8 + padded, bytes.length, littleEndian);
  return bytes;
}

/**
 * An IN transfer of full packets of one byte, the low byte of their frame: submission and completion, as the kernel
 * tells of them.
 *
 * @param at frames since the beginning, 1 ms each
 * @param wire `start_frame`
 */
export function transferAt(
  id: number,
  at: number,
  frames: number,
  wire: number,
  change: Partial<HandMadeEvent> = {},
  layout?: HandMadeLayout,
): HandMadePacket[] {
  const base = 1_700_000_000_000_000;
  const common = { id, endpoint: 0x81, startFrame: wire, ...change };
  const submitted = base + at * 1000 - 500;
  const completed = base + (at + frames) * 1000;
  const asked = Array.from({ length: frames }, (_, i) => [-18, i * 4, 4] as const);
  const moved = Array.from({ length: frames }, (_, i) => [0, i * 4, 1] as const);
  const data = Uint8Array.from({ length: frames * 4 - 3 }, (_, i) => (at + i / 4) & 0xff);
  return [
    {
      time: submitted,
      bytes: handMadeEvent({ ...common, type: "S", status: -115, time: submitted, packets: asked }, layout),
    },
    { time: completed, bytes: handMadeEvent({ packets: moved, data, ...common, type: "C", time: completed }, layout) },
  ];
}

import { firstValueFrom } from "rxjs";
import { expect } from "vitest";
import type { ControlSetup, IsochRequest, UsbDevice } from "../../src/index.js";
import { counterProtocol, readCounter, writeCounter } from "../../transports/virtual/index.js";

/** An isochronous endpoint in one of its alternate settings. */
export interface ContractEndpoint {
  /** bEndpointAddress. */
  readonly endpoint: number;
  readonly alternate: number;
}

/** The device that the cases of the contract use. Endpoints that it has not are gaps of its target. */
export interface ContractDevice {
  readonly vendorId: number;
  readonly productId: number;
  /** bInterfaceNumber: all of its endpoints are there. */
  readonly interfaceNumber: number;
  /** bAlternateSetting of all that the interface has. */
  readonly alternates: readonly number[];
  /** What is used where the direction does not matter. */
  readonly main: ContractEndpoint;
  /** The same with few bytes in a frame, for many frames. Default: `main`. */
  readonly light?: ContractEndpoint;
  /** Sends a counter in each packet, as the {@link counterProtocol} device does. */
  readonly in?: ContractEndpoint;
  readonly out?: ContractEndpoint;
  /** Both in one alternate setting. */
  readonly pair?: { readonly in: ContractEndpoint; readonly out: ContractEndpoint };
  /** Bytes in a frame where their number does not matter, and of what is streamed to `main`. */
  readonly frameLength: number;
  /** Bytes that move of a packet to `out`, by what the controller says. */
  readonly taken: (length: number) => number;
}

const { inEndpoint, outEndpoint } = counterProtocol;

/** The {@link counterProtocol} device. */
export const counterContract: ContractDevice = {
  vendorId: counterProtocol.vendorId,
  productId: counterProtocol.productId,
  interfaceNumber: 0,
  alternates: [0, 1, 2, 3],
  main: { endpoint: inEndpoint, alternate: 1 },
  light: { endpoint: inEndpoint, alternate: 3 },
  in: { endpoint: inEndpoint, alternate: 1 },
  out: { endpoint: outEndpoint, alternate: 2 },
  pair: { in: { endpoint: inEndpoint, alternate: 3 }, out: { endpoint: outEndpoint, alternate: 3 } },
  frameLength: 64,
  taken: (length) => length,
};

/** A request to send packets with counters from `first` on; those of no bytes have none. */
export function counterRequest(
  first: number,
  lengths: readonly number[],
): IsochRequest & { readonly buffer: Uint8Array } {
  const buffer = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
  let offset = 0;
  lengths.forEach((length, i) => {
    if (length > 0) writeCounter(buffer, first + i, offset);
    offset += length;
  });
  return { lengths, buffer };
}

export function sameLength(frames: number, length: number): readonly number[] {
  return new Array<number>(frames).fill(length);
}

/** The packets that a request puts on the bus. */
export function packetsOf({ lengths, frames = 0, buffer = new Uint8Array(0) }: IsochRequest): Uint8Array[] {
  let offset = 0;
  return Array.from(typeof lengths === "number" ? sameLength(frames, lengths) : lengths, (length) =>
    buffer.subarray(offset, (offset += length)),
  );
}

/** The same packets, byte for byte. */
export function expectPackets(arrived: readonly Uint8Array[], sent: readonly Uint8Array[]): void {
  const differing = sent.findIndex((packet, i) => Buffer.compare(packet, arrived[i] ?? new Uint8Array(0)) !== 0);
  expect({ packets: arrived.length, differing }).toStrictEqual({ packets: sent.length, differing: -1 });
}

const vendorRequest = { type: "vendor", recipient: "device", value: 0, index: 0 } as const;
const getStatistics: ControlSetup = { ...vendorRequest, direction: "in", request: counterProtocol.getStatistics };

/** What the device counts is what these packets come to. */
export async function expectStatistics(
  device: Pick<UsbDevice, "controlTransfer">,
  sent: readonly Uint8Array[],
): Promise<void> {
  const bytes = await firstValueFrom(device.controlTransfer(getStatistics, 12));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [packets, mismatches, short] = [0, 4, 8].map((offset) => view.getUint32(offset, true));
  const counters = sent.map((packet) => readCounter(packet)).filter((counter) => counter !== undefined);
  expect({ packets, mismatches, short }).toStrictEqual({
    packets: counters.length,
    mismatches: counters.filter((counter, i) => i > 0 && counter !== (counters[i - 1] ?? NaN) + 1).length,
    short: sent.length - counters.length,
  });
}

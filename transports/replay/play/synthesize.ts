import type { EndpointFacts } from "./endpoint-facts.js";
import type { Speed } from "../../../src/index.js";
import { joined } from "../../../src/joined.js";

const noClass = 0xff;

/** A device descriptor (USB 2.0, 9.6.1) for a device that nobody asked for its own: vendor and product 0. */
export function synthesizeDevice(speed: Speed): Uint8Array {
  const [major, packetSize] = speed === "full" ? [1, 64] : speed === "high" ? [2, 64] : [3, 9];
  return Uint8Array.of(18, 1, 0, major, noClass, 0, 0, packetSize, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
}

/**
 * A configuration descriptor (USB 2.0, 9.6.3): interface 0 with nothing in alternate setting 0, and each endpoint that was
 * seen in alternate setting 1, as large as its largest packet.
 */
export function synthesizeConfiguration(speed: Speed, endpoints: readonly EndpointFacts[]): Uint8Array {
  const body = joined([
    interfaceDescriptor(0, 0),
    interfaceDescriptor(1, endpoints.length),
    ...endpoints.map((each) => endpointDescriptor(speed, each)),
  ]);
  const total = 9 + body.length;
  return joined([Uint8Array.of(9, 2, total & 0xff, total >> 8, 1, 1, 0, 0x80, 50), body]);
}

function interfaceDescriptor(alternate: number, endpoints: number): Uint8Array {
  return Uint8Array.of(9, 4, 0, alternate, endpoints, noClass, 0, 0, 0);
}

function endpointDescriptor(speed: Speed, { address, largest: seen, interval }: EndpointFacts): Uint8Array {
  // Of one that sent nothing but empty packets.
  const largest = Math.max(1, seen);
  const exponent = Math.min(16, 1 + Math.round(Math.log2(Math.max(1, interval))));
  const endpoint = (size: number) => Uint8Array.of(7, 5, address, 1, size & 0xff, size >> 8, exponent);
  if (speed === "full" || speed === "low") return endpoint(Math.min(1023, largest));
  if (speed === "high") {
    const transactions = Math.min(3, Math.max(1, Math.ceil(largest / 1024)));
    return endpoint(Math.min(1024, Math.ceil(largest / transactions)) | ((transactions - 1) << 11));
  }
  const packets = Math.min(48, Math.max(1, Math.ceil(largest / 1024)));
  const mult = Math.ceil(packets / 16);
  const bytes = Math.min(largest, packets * 1024);
  const companion = Uint8Array.of(6, 0x30, Math.ceil(packets / mult) - 1, mult - 1, bytes & 0xff, bytes >> 8);
  return joined([endpoint(1024), companion]);
}

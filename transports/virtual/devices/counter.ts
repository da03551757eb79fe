import { InvalidRequestError, type ControlSetup } from "../../../src/index.js";
import { oneOf, wholeNumber } from "../../../src/numbers.js";
import {
  concatenate,
  encodeCompanion,
  encodeConfiguration,
  encodeDevice,
  encodeIsochEndpoint,
  encodeSuperSpeedBos,
  encodeVendorInterface,
} from "../descriptors.js";
import type { VirtualDevice, VirtualInEndpoint, VirtualOutEndpoint } from "../device-model.js";
import { checkClockPpm } from "./clock-ppm.js";

/** How a {@link counterDevice} is made. */
export interface CounterDeviceOptions {
  /** Default: `high`. */
  readonly speed?: "full" | "high" | "super" | undefined;
  /** How much faster the device's clock runs than the bus, in parts per million; slower where negative. Default: 0. */
  readonly clockPpm?: number | undefined;
  readonly serialNumber?: string | undefined;
  /** Packets in a burst at SuperSpeed, 1 to 16, in alternate settings 1 and 2. Default: 16. */
  readonly burst?: number | undefined;
  /** Bursts in a frame at SuperSpeed, 1 to 3, in alternate settings 1 and 2. Default: 3. */
  readonly mult?: number | undefined;
}

/** What a {@link CounterDevice} has seen on its OUT endpoint. */
export interface CounterStatistics {
  /** Packets with a counter. */
  readonly packets: number;
  /** Packets whose counter did not follow the one before. */
  readonly mismatches: number;
  /** Packets too short for a counter. */
  readonly short: number;
}

/** Endpoints, requests and packet layout of the counter device. */
export const counterProtocol = {
  vendorId: 0x1209,
  productId: 0x0001,
  /** Sends a counter at the beginning of each packet. */
  inEndpoint: 0x81,
  /** Checks a counter at the beginning of each packet. */
  outEndpoint: 0x01,
  /** Bytes of the counter: 64 bits, little endian. */
  counterSize: 8,
  /** Vendor request, device, IN, 12 bytes: `packets`, `mismatches`, `short`, 32 bits each, little endian. */
  getStatistics: 1,
  /** Vendor request, device, OUT: sets the statistics to zero, and takes any counter as the next. */
  reset: 2,
} as const;

/** Bytes of the counter's frames at each speed, the largest that the speed allows; at SuperSpeed, of each packet. */
const geometry = {
  full: { usbVersion: 0x0110, maxPacketSize0: 64, maxPacketSize: 1023, bytes: 1023, shared: 400 },
  high: { usbVersion: 0x0200, maxPacketSize0: 64, maxPacketSize: 1024 | (2 << 11), bytes: 3072, shared: 1024 },
  super: { usbVersion: 0x0300, maxPacketSize0: 9, maxPacketSize: 1024, bytes: 1024, shared: 1024 },
} as const;

/** @throws {@link InvalidRequestError} */
function companionOf(
  speed: CounterDevice["speed"],
  { burst, mult }: CounterDeviceOptions,
): { readonly burst: number; readonly mult: number } | undefined {
  if (speed === "super") {
    return { burst: wholeNumber("burst", burst ?? 16, 1, 16), mult: wholeNumber("mult", mult ?? 3, 1, 3) };
  }
  if (burst === undefined && mult === undefined) return undefined;
  throw new InvalidRequestError("invalid-option", `there is no burst and no mult at ${speed} speed: leave them out`);
}

/**
 * A vendor device for tests. It sends a 64-bit counter in every IN packet, which goes up by one in
 * each frame whether the host asks for the packet or not, and checks one in every OUT packet.
 *
 * Interface 0, alternate settings: 1 has IN at the most the speed allows, 2 has OUT likewise, 3 has
 * both, smaller.
 */
export class CounterDevice implements VirtualDevice {
  readonly speed: "full" | "high" | "super";
  readonly deviceDescriptor: Uint8Array;
  readonly configurationDescriptor: Uint8Array;
  readonly bosDescriptor: Uint8Array | undefined;
  readonly strings: readonly string[];
  readonly #in: CounterSource;
  readonly #out = new CounterCheck();

  constructor(options: CounterDeviceOptions) {
    const { speed = "high", clockPpm = 0, serialNumber = "0001" } = options;
    checkClockPpm(clockPpm);
    const { usbVersion, maxPacketSize0, maxPacketSize, shared, ...most } =
      geometry[oneOf("speed", speed, ["full", "high", "super"])];
    const companion = companionOf(speed, options);
    const bytes = most.bytes * (companion === undefined ? 1 : companion.burst * companion.mult);
    this.speed = speed;
    this.strings = ["rx-isoch", "counter", serialNumber];
    this.deviceDescriptor = encodeDevice({
      usbVersion,
      maxPacketSize0,
      vendorId: counterProtocol.vendorId,
      productId: counterProtocol.productId,
      manufacturerIndex: 1,
      productIndex: 2,
      serialNumberIndex: 3,
    });
    this.bosDescriptor = speed === "super" ? encodeSuperSpeedBos() : undefined;
    const large = (address: number) =>
      concatenate(
        encodeIsochEndpoint(address, maxPacketSize),
        ...(companion === undefined ? [] : [encodeCompanion(companion.burst, companion.mult, bytes)]),
      );
    const small = (address: number) =>
      concatenate(
        encodeIsochEndpoint(address, shared),
        ...(companion === undefined ? [] : [encodeCompanion(1, 1, shared)]),
      );
    this.configurationDescriptor = encodeConfiguration(
      1,
      encodeVendorInterface(0, 0, 0),
      encodeVendorInterface(0, 1, 1),
      large(counterProtocol.inEndpoint),
      encodeVendorInterface(0, 2, 1),
      large(counterProtocol.outEndpoint),
      encodeVendorInterface(0, 3, 2),
      small(counterProtocol.inEndpoint),
      small(counterProtocol.outEndpoint),
    );
    this.#in = new CounterSource(speed === "full" ? 1000 : 125, clockPpm, { 1: bytes, 3: shared });
  }

  /** What came in on the OUT endpoint since an alternate setting that has it was selected, or since the reset. */
  get statistics(): CounterStatistics {
    return this.#out.statistics;
  }

  endpoint(address: number): VirtualInEndpoint | VirtualOutEndpoint | undefined {
    if (address === counterProtocol.inEndpoint) return this.#in;
    return address === counterProtocol.outEndpoint ? this.#out : undefined;
  }

  alternateSelected(_interfaceNumber: number, alternate: number, time: number): void {
    this.#in.start(alternate, time);
    if (alternate === 2 || alternate === 3) this.#out.reset();
  }

  control({ type, recipient, direction, request }: ControlSetup): Uint8Array | undefined {
    if (type !== "vendor" || recipient !== "device") return undefined;
    if (request === counterProtocol.getStatistics && direction === "in") {
      const { packets, mismatches, short } = this.#out.statistics;
      return new Uint8Array(Uint32Array.of(packets, mismatches, short).buffer);
    }
    if (request === counterProtocol.reset && direction === "out") {
      this.#out.reset();
      return new Uint8Array(0);
    }
    return undefined;
  }
}

/** Makes a {@link CounterDevice}. */
export function counterDevice(options: CounterDeviceOptions = {}): CounterDevice {
  return new CounterDevice(options);
}

/**
 * Reads the counter at the beginning of a packet of a {@link CounterDevice}; `undefined` where the
 * packet is too short for one. Exact below 2^53.
 *
 * @throws `InvalidRequestError` for an offset that is no whole number from 0
 */
export function readCounter(packet: Uint8Array, offset = 0): number | undefined {
  wholeNumber("offset", offset, 0);
  if (packet.length - offset < counterProtocol.counterSize) return undefined;
  let value = 0;
  for (let i = counterProtocol.counterSize - 1; i >= 0; i--) value = value * 256 + (packet[offset + i] ?? 0);
  return value;
}

/**
 * Writes a counter, below 2^53, as the {@link CounterDevice} expects it at the beginning of a packet.
 *
 * @throws `InvalidRequestError` for any other number, and where the packet has no room for it
 */
export function writeCounter(packet: Uint8Array, value: number, offset = 0): void {
  let rest = wholeNumber("the counter", value, 0);
  if (wholeNumber("offset", offset, 0) + counterProtocol.counterSize > packet.length) {
    throw new InvalidRequestError(
      "length-mismatch",
      `a counter takes ${counterProtocol.counterSize} bytes, and the packet has ${packet.length - offset}`,
    );
  }
  for (let i = 0; i < counterProtocol.counterSize; i++) {
    packet[offset + i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
}

/**
 * The IN endpoint. The device's clock fills a packet of nominal length in each of its own frames:
 * a slow one leaves some packets short, a fast one drops a packet, which skips a counter, now and
 * then.
 */
class CounterSource implements VirtualInEndpoint {
  readonly direction = "in";
  readonly #frameDuration: number;
  readonly #ppm: number;
  readonly #lengths: Readonly<Record<number, number>>;
  #first = 0;
  #length = 0;

  constructor(frameDuration: number, clockPpm: number, lengths: Readonly<Record<number, number>>) {
    this.#frameDuration = frameDuration;
    this.#ppm = clockPpm;
    this.#lengths = lengths;
  }

  start(alternate: number, time: number): void {
    this.#first = Math.floor(time / this.#frameDuration);
    this.#length = this.#lengths[alternate] ?? 0;
  }

  produce(frame: number, buffer: Uint8Array, offset: number, capacity: number): number {
    const since = frame - this.#first;
    const counter = since + Math.max(0, Math.floor((since * this.#ppm) / 1e6));
    const length = this.#length + this.#shortfall(since + 1) - this.#shortfall(since);
    const written = Math.min(length, capacity);
    if (written >= counterProtocol.counterSize) {
      writeCounter(buffer, counter, offset);
      buffer.fill(counter & 0xff, offset + counterProtocol.counterSize, offset + written);
    } else buffer.fill(0, offset, offset + written);
    return length;
  }

  /** Bytes that a slow clock has not made after so many frames: zero or negative. */
  #shortfall(frames: number): number {
    return Math.min(0, Math.ceil((frames * this.#ppm * this.#length) / 1e6));
  }
}

/** The OUT endpoint. */
class CounterCheck implements VirtualOutEndpoint {
  readonly direction = "out";
  #expected: number | undefined;
  #packets = 0;
  #mismatches = 0;
  #short = 0;

  get statistics(): CounterStatistics {
    return { packets: this.#packets, mismatches: this.#mismatches, short: this.#short };
  }

  reset(): void {
    this.#expected = undefined;
    this.#packets = this.#mismatches = this.#short = 0;
  }

  consume(_frame: number, buffer: Uint8Array, offset: number, length: number): void {
    const counter = readCounter(buffer.subarray(offset, offset + length));
    if (counter === undefined) {
      this.#short++;
      return;
    }
    this.#packets++;
    if (this.#expected !== undefined && counter !== this.#expected) this.#mismatches++;
    this.#expected = counter + 1;
  }
}

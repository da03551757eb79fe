import {
  BandwidthError,
  maxBytesPerInterval,
  serviceInterval,
  type AlternateSetting,
  type EndpointDescriptor,
  type Speed,
} from "../../src/index.js";

/** A signalling rate with bandwidth of its own; a controller has each once. */
type BandwidthDomain = "full" | "high" | "super" | "super-plus";

/** Microseconds that periodic transfers may take of each frame or microframe. */
const limits: Readonly<Record<BandwidthDomain, number>> = {
  /** 90 % of a frame (USB 2.0, 5.6.4). */
  full: 900,
  /** 80 % of a microframe (USB 2.0, 5.6.4). */
  high: 100,
  /** 90 % of a bus interval (USB 3.2, 8.12.2). */
  super: 112.5,
  "super-plus": 112.5,
};

/** Nanoseconds for a byte: 5 Gb/s with 8b/10b coding, 10 Gb/s with 128b/132b. */
const byteTimes = { super: 2, "super-plus": (0.8 * 132) / 128 } as const;

/** Bytes of framing and header around each SuperSpeed packet, about. */
const superSpeedOverhead = 20;

/**
 * The time an isochronous endpoint takes of a (micro)frame, in microseconds. A longer service
 * interval counts as spread evenly over its (micro)frames.
 */
export function busTime(endpoint: EndpointDescriptor, speed: Speed): number {
  const bytes = maxBytesPerInterval(endpoint, speed);
  const interval = serviceInterval(endpoint, speed);
  const domain = domainOf(speed);
  const unit = domain === "full" ? 1000 : 125;
  return (transactionTime(bytes, endpoint, domain) * unit) / Math.max(interval, unit) / 1000;
}

/** Nanoseconds for the packets of one service interval. */
function transactionTime(bytes: number, endpoint: EndpointDescriptor, domain: BandwidthDomain): number {
  if (domain === "super" || domain === "super-plus") {
    return byteTimes[domain] * (bytes + superSpeedOverhead * Math.ceil(bytes / 1024));
  }
  if (domain === "full") {
    // USB 2.0, 5.11.3, full-speed isochronous, without the delays of host and hubs.
    return (endpoint.direction === "in" ? 7268 : 6265) + 83.54 * Math.floor(3.167 + stuffed(bytes));
  }
  // USB 2.0, 5.11.3, high-speed isochronous: each transaction of the microframe.
  const transactions = 1 + ((endpoint.maxPacketSize >> 11) & 3);
  const each = 38 * 8 * 2.083 + 2.083 * Math.floor(3.167 + stuffed(bytes / transactions));
  return transactions * each;
}

/** Bits on the wire, with the worst case of bit stuffing (USB 2.0, 5.11.3: 7/6 of the bits). */
function stuffed(bytes: number): number {
  return (7 * 8 * bytes) / 6;
}

function domainOf(speed: Speed): BandwidthDomain {
  return speed === "low" ? "full" : speed;
}

/** Who reserves what. */
interface Reservation {
  readonly domain: BandwidthDomain;
  readonly time: number;
}

/** The periodic bandwidth of a controller, and who holds how much of it. */
export class Bandwidth {
  readonly #reservations = new Map<string, Reservation>();

  /**
   * Reserves what an alternate setting takes, in place of what its interface held.
   *
   * @param holder names the device and the interface
   * @throws {@link BandwidthError}; the interface then holds what it held before
   */
  reserve(holder: string, { alternateSetting, endpoints }: AlternateSetting, speed: Speed): void {
    const domain = domainOf(speed);
    let wanted = 0;
    for (const endpoint of endpoints) {
      if (endpoint.transferType === "isochronous") wanted += busTime(endpoint, speed);
    }
    const held = this.#held(domain, holder);
    if (wanted > 0 && wanted + held > limits[domain]) {
      throw new BandwidthError(
        "bandwidth-exceeded",
        `alternate setting ${alternateSetting} takes ${wanted.toFixed(1)} µs of each ${domain === "full" ? "frame" : "microframe"}, and ${(limits[domain] - held).toFixed(1)} µs of ${limits[domain]} are free: choose a smaller alternate setting, or close another pipe`,
      );
    }
    this.#reservations.set(holder, { domain, time: wanted });
  }

  release(holder: string): void {
    this.#reservations.delete(holder);
  }

  #held(domain: BandwidthDomain, except: string): number {
    let time = 0;
    for (const [holder, reservation] of this.#reservations) {
      if (holder !== except && reservation.domain === domain) time += reservation.time;
    }
    return time;
  }
}

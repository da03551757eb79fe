import { frameStatuses, InvalidRequestError, type FrameStatus } from "../../src/index.js";
import { oneOf, wholeNumber } from "../../src/numbers.js";

/**
 * Something that goes wrong on cue.
 *
 * Frames count from the start of the bus: service intervals of the endpoint where a fault names
 * one, frames (full speed) or microframes (high speed and above) where it does not. Where two
 * faults meet in a packet, a halt goes before all others, and the later planned before the earlier.
 */
export type VirtualFault = PacketFault | HaltFault | UnplugFault | HostStallFault | JitterFault;

/** Packets of `frames` frames, one by default, end with a status, or come short. */
export interface PacketFault {
  readonly type: "packet";
  readonly endpoint: number;
  readonly frame: number;
  readonly frames?: number | undefined;
  /**
   * Default: `ok`, for a packet that is merely short. Not `cancelled`, `not-complete` or `lost`: no
   * packet ends so.
   */
  readonly status?: FrameStatus | undefined;
  /** Bytes that arrive, at most. Default: all, or none where the status says that none do. */
  readonly actual?: number | undefined;
}

/** The endpoint halts: every packet from then on is refused with `stall`, until the halt is cleared. */
export interface HaltFault {
  readonly type: "halt";
  readonly endpoint: number;
  readonly frame: number;
}

/** The device is unplugged at the beginning of a frame. */
export interface UnplugFault {
  readonly type: "unplug";
  readonly frame: number;
}

/**
 * The program does not run for a while: completions are held back, so nothing new is queued, and
 * what was queued runs dry.
 */
export interface HostStallFault {
  readonly type: "host-stall";
  readonly frame: number;
  readonly frames: number;
}

/** Each completion arrives late by a random time, in order all the same. */
export interface JitterFault {
  readonly type: "jitter";
  /** The most that a completion is late, in whole microseconds. */
  readonly microseconds: number;
  /** Makes the times repeatable. Default: 1. */
  readonly seed?: number | undefined;
}

/** How a packet can end. */
const packetStatuses = frameStatuses.filter((status) => !["cancelled", "not-complete", "lost"].includes(status));

/**
 * Checks a fault before it is planned.
 *
 * @param endpoints the addresses of the isochronous endpoints of the device
 * @throws {@link InvalidRequestError}
 */
export function checkFault(fault: VirtualFault, endpoints: ReadonlySet<number>): void {
  switch (fault.type) {
    case "packet":
      checkEndpoint(fault.endpoint, endpoints);
      wholeNumber("frame", fault.frame, 0);
      wholeNumber("frames", fault.frames ?? 1, 1);
      wholeNumber("actual", fault.actual ?? 0, 0);
      oneOf("status", fault.status ?? "ok", packetStatuses);
      break;
    case "halt":
      checkEndpoint(fault.endpoint, endpoints);
      wholeNumber("frame", fault.frame, 0);
      break;
    case "unplug":
      wholeNumber("frame", fault.frame, 0);
      break;
    case "host-stall":
      wholeNumber("frame", fault.frame, 0);
      wholeNumber("frames", fault.frames, 1);
      break;
    case "jitter":
      wholeNumber("microseconds", fault.microseconds, 0);
      wholeNumber("seed", fault.seed ?? 1, 0, 2 ** 32 - 1);
      break;
    default:
      oneOf("type", (fault as { readonly type: unknown }).type, faultTypes);
  }
}

const faultTypes = [
  "packet",
  "halt",
  "unplug",
  "host-stall",
  "jitter",
] as const satisfies readonly VirtualFault["type"][];

function checkEndpoint(address: number, endpoints: ReadonlySet<number>): void {
  if (endpoints.has(address)) return;
  const present = Array.from(endpoints, (each) => `0x${each.toString(16)}`).join(", ");
  throw new InvalidRequestError(
    "invalid-option",
    `endpoint ${String(address)} is no isochronous endpoint of the device; it has ${present === "" ? "none" : present}`,
  );
}

const withoutData: ReadonlySet<FrameStatus> = new Set<FrameStatus>([
  "stall",
  "device-not-responding",
  "pid-check-failure",
  "unexpected-pid",
  "not-accessed",
]);

/** What is planned for one packet. */
export interface PacketPlan {
  readonly status: FrameStatus;
  /** Bytes that move, at most. */
  readonly most: number;
}

interface PlannedFrames {
  readonly from: number;
  readonly to: number;
  readonly plan: PacketPlan;
}

const halted: PacketPlan = { status: "stall", most: 0 };

/** What goes wrong at one endpoint, by frame. */
export class EndpointFaults {
  readonly #packets: PlannedFrames[] = [];
  #halts: number[] = [];

  get isEmpty(): boolean {
    return this.#packets.length === 0 && this.#halts.length === 0;
  }

  add(fault: PacketFault): void {
    const { status = "ok", frame, frames = 1, actual = Infinity } = fault;
    const most = withoutData.has(status) ? 0 : actual;
    this.#packets.push({ from: frame, to: frame + frames, plan: { status, most } });
  }

  halt(frame: number): void {
    this.#halts.push(frame);
  }

  isHalted(frame: number): boolean {
    return this.#halts.some((from) => from <= frame);
  }

  /** Ends the halts that have begun. */
  clearHalt(frame: number): void {
    this.#halts = this.#halts.filter((from) => from > frame);
  }

  /** Ends the halts from before this frame: that of an endpoint whose alternate setting is selected anew. */
  forgetHalts(frame: number): void {
    this.clearHalt(frame - 1);
  }

  /** The plan for this frame; of several, the one that was added last. */
  at(frame: number): PacketPlan | undefined {
    if (this.isHalted(frame)) return halted;
    return this.#packets.findLast(({ from, to }) => frame >= from && frame < to)?.plan;
  }
}

/** Random numbers from 0 to 1 that come again with the same seed (xorshift32, Marsaglia 2003). */
export function seededRandom(seed: number): () => number {
  let state = seed | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

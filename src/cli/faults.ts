import { frameStatuses, type FrameStatus } from "../index.js";
import type { VirtualFault } from "../../transports/virtual/index.js";

/** A fault that is still to be told which endpoint it is for. */
export type FaultPlan = (endpoint: number) => VirtualFault;

/** The numbers of a spec: `<kind>@<frame>x<frames>=<value>`. */
interface SpecNumbers {
  readonly frame: number | undefined;
  readonly frames: number | undefined;
  readonly value: number | undefined;
}

/** Statuses that a packet on the bus cannot end with. */
const notOfPackets: readonly FrameStatus[] = ["ok", "cancelled", "not-complete", "lost"];

const packetStatuses = frameStatuses.filter((status) => !notOfPackets.includes(status));

/** Bytes of a short packet that the spec gives no length: enough for a counter. */
const shortLength = 100;

/** How faults are written, for the help text. */
export const faultHelp = `Faults, at frames counted from the start of the bus:
  crc@4000              the packet of frame 4000 fails its checksum
  stall@4000x10         the packets of 10 frames end so; every status goes:
                        ${packetStatuses.slice(0, 4).join(", ")},
                        ${packetStatuses.slice(4, 6).join(", ")},
                        ${packetStatuses.slice(6, 9).join(", ")},
                        ${packetStatuses.slice(9).join(", ")}
  short@5000x10=64      64 bytes arrive in each of 10 frames; ${shortLength} without =64
  halt@6000             the endpoint stalls from then on
  host-stall@8000x4000  the program does not run for 4000 frames
  unplug@12000          the device is pulled out
  jitter=200            completions come up to 200 µs late`;

/**
 * Reads a fault spec.
 *
 * @throws Error with a message for the person who wrote the spec
 */
export function parseFault(spec: string): FaultPlan {
  const [, kind, frame, frames, value] = /^([a-z-]+)(?:@(\d+)(?:x(\d+))?)?(?:=(\d+))?$/.exec(spec) ?? [];
  if (kind === undefined) throw new Error("A fault looks like crc@4000, short@5000x10=64 or jitter=200.");
  return plan(kind, { frame: numeric(frame), frames: numeric(frames), value: numeric(value) });
}

function plan(kind: string, { frame, frames, value }: SpecNumbers): FaultPlan {
  if (kind === "jitter") {
    if (value === undefined || frame !== undefined) throw new Error("Jitter is given in microseconds: jitter=200.");
    return () => ({ type: "jitter", microseconds: value });
  }
  if (frame === undefined) throw new Error(`Say at which frame: ${kind}@4000.`);
  if (frames === 0) throw new Error("A fault lasts one frame at least.");
  if (value !== undefined && kind !== "short") throw new Error(`${kind} takes no value; only short and jitter do.`);
  switch (kind) {
    case "short":
      return (endpoint) => ({ type: "packet", endpoint, frame, frames, actual: value ?? shortLength });
    case "host-stall":
      if (frames === undefined) throw new Error(`Say for how many frames: host-stall@${frame}x4000.`);
      return () => ({ type: "host-stall", frame, frames });
    case "halt":
    case "unplug":
      if (frames !== undefined) throw new Error(`${kind} lasts: leave out x${frames}.`);
      return (endpoint) => (kind === "halt" ? { type: "halt", endpoint, frame } : { type: "unplug", frame });
  }
  const status = packetStatuses.find((each) => each === kind);
  if (status === undefined) throw new Error(`There is no fault '${kind}'.`);
  return (endpoint) => ({ type: "packet", endpoint, frame, frames, status });
}

function numeric(digits: string | undefined): number | undefined {
  return digits === undefined ? undefined : Number(digits);
}

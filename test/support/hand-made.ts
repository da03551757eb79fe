import { EMPTY, NEVER } from "rxjs";
import {
  IsochResults,
  PipeSession,
  statusCodes,
  type FrameResult,
  type FrameStatus,
  type IsochRequest,
  type IsochResultsInit,
  type IsochTransfer,
  type Issuer,
} from "../../src/index.js";
import { allCapabilities, FakeEndpoint, pipeEndpoint } from "./fake-endpoint.js";

/** Bytes asked for in each frame of hand-made results. */
export const requested = 4;

/** How a hand-made frame went: its bytes where it is `ok`, else its status with them. */
export type Packet = readonly number[] | readonly [status: FrameStatus, ...bytes: number[]];

/** A frame as it would be on the bus. */
export function frame(number: number, packet: Packet): FrameResult {
  const { status, bytes } = read(packet);
  return { frame: number, status, requested, actual: bytes.length, data: Uint8Array.from(bytes) };
}

/** Results of a transfer that began on `firstFrame`, strided. */
export function results(
  firstFrame: number,
  packets: readonly Packet[],
  init: Partial<IsochResultsInit> = {},
): IsochResults {
  const contents = packets.map(read);
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

function read(packet: Packet): { status: FrameStatus; bytes: readonly number[] } {
  const [first] = packet;
  if (typeof first !== "string") return { status: "ok", bytes: packet as readonly number[] };
  return { status: first, bytes: packet.slice(1) as readonly number[] };
}

/** A pipe whose transfers are completed by hand. */
export function handMadePipe(direction: "in" | "out" = "in") {
  const port = new FakeEndpoint();
  const session = new PipeSession({
    endpoint: pipeEndpoint(direction),
    port,
    capabilities: allCapabilities(),
    gone: NEVER,
    release: EMPTY,
  });
  const issue = (request: IsochRequest = { lengths: requested, frames: 1 }, issuer?: Issuer): IsochTransfer =>
    session.issue(request, issuer);
  return {
    port,
    session,
    issue,
    /** A transfer that is complete. */
    completed: (): IsochTransfer => {
      const transfer = issue();
      port.complete();
      return transfer;
    },
  };
}

import { asapScheduler } from "rxjs";
import {
  DeviceError,
  IsochError,
  isochPipe,
  IsochResults,
  statusCodes,
  statusOf,
  type FrameStatus,
  type IsochTransport,
  type StreamOptions,
  type StreamSink,
  type TransportEndpoint,
} from "rx-isoch";
import { recorded } from "rx-isoch/transports/replay";
import { counterDevice, counterProtocol, VirtualBus } from "rx-isoch/transports/virtual";
import { joined } from "../../../src/joined.js";
import { alteredTransport } from "../../support/altered-transport.js";

const { inEndpoint: endpoint } = counterProtocol;
/** How every stream here ends. */
export const gone = new DeviceError("device-gone", "it was unplugged");

/** A stretch of the bus: what was lost of it, and then what was delivered. */
export interface Stretch {
  readonly lost: number;
  readonly statuses: readonly FrameStatus[];
}

/** A stream that a transport runs itself, which brings these, and then the device is gone. */
export function scripted(first: number, stretches: readonly Stretch[]): IsochTransport {
  const stream = (_plan: unknown, sink: StreamSink) => {
    let next = first;
    const waiting = stretches.map(({ lost, statuses }) => {
      const firstFrame = next + lost;
      next = firstFrame + statuses.length;
      return new IsochResults({
        firstFrame,
        lost,
        requested: new Uint32Array(statuses.length).fill(4),
        actual: Uint32Array.from(statuses, (status) => (status === "ok" ? 1 : 0)),
        statuses: Uint8Array.from(statuses, (status) => statusCodes[status]),
        data: Uint8Array.from(statuses.flatMap((status, i) => (status === "ok" ? [firstFrame + i] : []))),
        compacted: true,
        timestamp: (next - first) * 1000,
      });
    });
    const told = asapScheduler.schedule(() => {
      sink.ready();
    });
    return {
      take: () => waiting.shift(),
      get ended() {
        return waiting.length === 0 ? { error: gone } : undefined;
      },
      stop: () => {
        told.unsubscribe();
        sink.drained();
      },
    };
  };
  return over({ submit: () => undefined, cancel: () => undefined, now: () => 0, stream });
}

/** The counter device at full speed, with another IN endpoint. */
export function over(port: TransportEndpoint): IsochTransport {
  const bus = new VirtualBus({ devices: [counterDevice({ speed: "full" })] });
  return alteredTransport(bus, () => ({ openEndpoint: () => port }));
}

/** What a stream says of the bus, to its end: each frame that was delivered, and where others were lost. */
export function accountOf(transport: IsochTransport, options?: StreamOptions) {
  const account: string[] = [];
  const ended = new Promise<string>((resolve) => {
    isochPipe(transport, { endpoint })
      .results(options)
      .subscribe({
        next: ({ firstFrame, lost, served, statuses }) => {
          if (lost > 0) account.push(`${lost} lost from ${firstFrame - lost}`);
          for (let i = 0; i < served; i++) account.push(`${firstFrame + i} ${statusOf(statuses[i] ?? 0)}`);
        },
        error: (error: unknown) => {
          account.push(IsochError.is(error) ? error.code : String(error));
          resolve("ended");
        },
      });
  });
  return { account, ended };
}

/** The account of a stream, and a record of it. */
export async function recordedAccount(transport: IsochTransport, options?: StreamOptions, work?: () => void) {
  const recording = recorded(transport);
  const chunks: Uint8Array[] = [];
  const subscription = recording.capture.subscribe((chunk) => chunks.push(chunk));
  const { account, ended } = accountOf(recording, options);
  work?.();
  await ended;
  subscription.unsubscribe();
  return { account, bytes: joined(chunks) };
}

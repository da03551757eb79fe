import { firstValueFrom, takeUntil, type Observable } from "rxjs";
import {
  IsochError,
  type DeviceSelector,
  type Direction,
  type EndpointSelector,
  type IsochTransport,
} from "../index.js";
import type { Interrupts } from "./interrupts.js";
import { whileWaiting } from "./progress.js";

/** What is streamed from or to: an endpoint of a device, and what is known of the device. */
export interface StreamTarget {
  readonly transport: IsochTransport;
  readonly device: DeviceSelector;
  readonly endpoint: EndpointSelector;
  /** Names the device, and where it is, for people. */
  readonly label: string;
  /** Set if the device speaks the protocol of the counter device. */
  readonly counter: CounterTraits | undefined;
  /** Set if the device is a camera, and its pictures are meant, not an endpoint that was named. */
  readonly isCamera?: boolean;
  /** Set for a capture, whose end reads as if the device were gone. */
  readonly isRecording?: boolean;
}

/** What to expect of a counter device. */
export interface CounterTraits {
  /** Its clock is faster than the bus, so it drops a packet, and with it a counter, now and then. */
  readonly skips: boolean;
  /** The bus clock is hidden, so that the length of a loss is an estimate, and the counters begin anew behind it. */
  readonly estimatedLosses: boolean;
}

/** Which endpoint of a device is meant. */
export interface EndpointChoice {
  /** Default: the first that carries data in the direction, or, without one, an IN endpoint if there is one. */
  readonly endpoint?: number | undefined;
  /** Default: the one in which the endpoint has the most bytes per frame. */
  readonly alternate?: number | undefined;
  readonly direction?: Direction | undefined;
}

/** Finds the device that is meant, and the endpoint on it. */
export type FindTarget = (endpoint: EndpointChoice) => Observable<StreamTarget>;

/** Whether an error is how a capture ends. */
export function isEndOfRecording(error: unknown, { isRecording }: StreamTarget): boolean {
  return isRecording === true && IsochError.is(error) && error.code === "device-gone";
}

/** What is found; `undefined` where an interrupt comes first. */
export function firstTarget(
  target: Observable<StreamTarget>,
  { first }: Interrupts,
): Promise<StreamTarget | undefined> {
  const found = firstValueFrom(target.pipe(takeUntil(first)), { defaultValue: undefined });
  return whileWaiting("Looking for the device…", found);
}

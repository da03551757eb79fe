import {
  findIsochEndpoint,
  maxBytesPerInterval,
  serviceInterval,
  type EndpointSelector,
  type IsochRequest,
  type UsbDevice,
} from "../../index.js";
import { counterRequests } from "./counters.js";
import type { WatchedEndpoint } from "./state.js";

/** How much is asked for at a time. */
export interface RequestOptions {
  /** Frames in a transfer. Default: 8 ms worth. */
  readonly frames?: number | undefined;
  /** Transfers in flight. */
  readonly queue: number;
}

/**
 * The endpoint, in its alternate setting.
 *
 * @throws EndpointError
 */
export function watchedEndpoint(
  { configuration, info }: UsbDevice,
  selector: EndpointSelector,
  { frames, queue }: RequestOptions,
): WatchedEndpoint {
  const { endpoint, interfaceNumber, alternate } = findIsochEndpoint(configuration, selector, info.speed);
  const frameDuration = serviceInterval(endpoint, info.speed);
  return {
    address: endpoint.address,
    direction: endpoint.direction,
    interfaceNumber,
    alternate: alternate.alternateSetting,
    frameLength: maxBytesPerInterval(endpoint, info.speed),
    frameDuration,
    frames: frames ?? Math.max(1, Math.round(8000 / frameDuration)),
    queue,
  };
}

/** Requests without end: what comes IN; OUT, counters for who checks them, and zeros for who does not. */
export function endlessRequests(
  { direction, frameLength, frames }: WatchedEndpoint,
  isCounter: boolean,
): Iterable<IsochRequest> {
  if (direction === "in") return receiveRequests(frameLength, frames);
  return isCounter ? counterRequests(frameLength, frames) : silentRequests(frameLength, frames);
}

function* receiveRequests(frameLength: number, frames: number): Generator<IsochRequest> {
  for (;;) yield { lengths: frameLength, frames };
}

function* silentRequests(frameLength: number, frames: number): Generator<IsochRequest> {
  for (;;) yield { lengths: frameLength, frames, buffer: new Uint8Array(frameLength * frames) };
}

import type { Observable } from "rxjs";
import { InvalidRequestError, OverflowError } from "./errors.js";
import { oneOf, wholeNumber } from "./numbers.js";
import type { PipeEndpoint } from "./pipe-endpoint.js";
import { checkDirection, checkFrameLength, checkStart, maxBytesPerRequest, maxFramesPerRequest } from "./request.js";
import type { StreamPlan, TransportCapabilities } from "./transport.js";

/**
 * What happens to results when the consumer does not take them and the ring is full.
 *
 * - `error`: the stream ends with {@link OverflowError} once what waits has been taken.
 * - `drop-oldest`: the oldest result that waits is dropped for the new one.
 * - `drop-newest`: the new result is dropped.
 *
 * What is dropped is counted in {@link IsochResults.lost} of the next result that is delivered.
 */
export type OverflowPolicy = "error" | "drop-oldest" | "drop-newest";

/** How {@link IsochPipe.results} streams. Every option has a default that suits the endpoint. */
export interface StreamOptions {
  /** Bytes asked for in each frame. Default: the endpoint's maximum. */
  readonly frameLength?: number | undefined;
  /**
   * Frames in a transfer. More is cheaper, fewer arrive sooner. Default: 8 ms worth, but at most 128
   * frames and 1 MiB, so that 8 transfers fit into the 16 MiB that Linux gives to all of usbfs by default.
   */
  readonly frames?: number | undefined;
  /** Transfers in flight. Default: 8. */
  readonly queue?: number | undefined;
  /** Completed transfers that wait for the consumer, at most. Default: 2 s worth, but at most 256 MiB. */
  readonly ring?: number | undefined;
  /**
   * Completed transfers that the program is woken for, at most as many as the ring has room for. To wake it
   * costs more than to hand a transfer over, so more is cheaper; the first of them waits that much longer. Where
   * the stream ends, what there is comes at once. Default: 1.
   */
  readonly batch?: number | undefined;
  /** What happens when the ring is full. Default: `drop-oldest`. */
  readonly overflow?: OverflowPolicy | undefined;
  /** The frame the stream starts on. Default: as soon as possible. */
  readonly start?: number | "asap" | undefined;
  /** While its last value is `true`, results wait in the ring: back-pressure from a sink. */
  readonly pause?: Observable<boolean> | undefined;
}

/**
 * The end of a stream under the policy `error`.
 * @internal
 */
export function ringOverflow(ring: number): OverflowError {
  return new OverflowError(
    "overflow",
    `the consumer did not take ${ring} results in time: take them faster, or choose a larger ring or an overflow policy that drops`,
  );
}

const overflowPolicies = ["error", "drop-oldest", "drop-newest"] as const satisfies readonly OverflowPolicy[];

/**
 * Checks stream options against the endpoint they are for, and fills in the defaults.
 *
 * @throws {@link InvalidRequestError}, {@link EndpointError}, {@link UnsupportedError}
 * @internal
 */
export function planStream(
  options: StreamOptions,
  endpoint: PipeEndpoint,
  capabilities: TransportCapabilities,
): StreamPlan {
  checkDirection(endpoint, "in", "receiving a stream");
  const { frameLength = endpoint.maxFrameLength, queue = 8, batch = 1, overflow = "drop-oldest" } = options;
  checkFrameLength("frameLength", frameLength, endpoint);
  wholeNumber("queue", queue, 1, 1024);
  const { frames = atLeastOne(Math.min(framesIn(8_000, endpoint), 128, 2 ** 20 / frameLength)) } = options;
  wholeNumber("frames", frames, 1, maxFramesPerRequest);
  const transfers = Math.ceil(framesIn(2_000_000, endpoint) / frames);
  const { ring = atLeastOne(Math.min(transfers, 2 ** 28 / (frames * frameLength))) } = options;
  wholeNumber("ring", ring, 1, 2 ** 20);
  wholeNumber("batch", batch, 1, ring);
  if (frames * frameLength * queue > maxBytesPerRequest) {
    throw new InvalidRequestError(
      "invalid-number",
      `${queue} transfers of ${frames} frames of ${frameLength} bytes are more than ${maxBytesPerRequest} bytes in flight: choose fewer`,
    );
  }
  return {
    frameLength,
    frames,
    queue,
    ring,
    batch,
    overflow: oneOf("overflow", overflow, overflowPolicies),
    start: checkStart(options.start, capabilities),
  };
}

function framesIn(microseconds: number, endpoint: PipeEndpoint): number {
  return atLeastOne(Math.round(microseconds / endpoint.frameDuration));
}

function atLeastOne(count: number): number {
  return Math.max(1, Math.floor(count));
}

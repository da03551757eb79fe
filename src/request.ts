import type { PipeEndpoint } from "./pipe-endpoint.js";
import { EndpointError, InvalidRequestError, inWords, IsochError, ResourceError, UnsupportedError } from "./errors.js";
import { wholeNumber } from "./numbers.js";
import type { DmaBuffer, TransportCapabilities } from "./transport.js";

/**
 * One isochronous transfer to be issued: the parameters of IssueIsochTransfer.
 *
 * @example
 * ```ts
 * import type { IsochRequest } from "rx-isoch";
 *
 * export const eightFrames: IsochRequest = { lengths: 3072, frames: 8 };
 * export const fractional: IsochRequest = { lengths: [176, 176, 180], buffer: new Uint8Array(532) };
 * ```
 */
export interface IsochRequest {
  /**
   * Bytes in each frame, up to the endpoint's maximum: one number per frame, or one number for all
   * of `frames`. IN: from 1. OUT: from 0, which sends an empty packet (USB 2.0, 8.4.4), in any of the
   * frames or in all. Read when the request is issued, not later.
   */
  readonly lengths: number | ArrayLike<number>;
  /** Number of frames. Needed where `lengths` is one number; otherwise, if given, it must be their count. */
  readonly frames?: number | undefined;
  /** The frame to start on, or `asap` (the default): directly after what is queued, else a few frames from now. */
  readonly start?: "asap" | number | undefined;
  /**
   * The bytes to send (OUT, needed where there are any) or the memory to receive into (IN; allocated where it is left
   * out): frame by frame, each at the sum of the lengths before it, and exactly as long as all of
   * them. It belongs to the transfer until {@link IsochTransfer.released} completes.
   */
  readonly buffer?: Uint8Array | undefined;
  /** IN only: make the data contiguous in the buffer although frames came short. Not with `dma`. */
  readonly compact?: boolean | undefined;
  /** A DMA buffer, of which `buffer` must be a part; where `buffer` is left out, its beginning is used. */
  readonly dma?: DmaBuffer | undefined;
}

/** The most frames a request can have: more than two minutes of microframes. */
export const maxFramesPerRequest = 2 ** 20;

/** The most bytes a request can have. */
export const maxBytesPerRequest = 2 ** 30;

/**
 * A request that has been checked against its endpoint.
 * @internal
 */
export interface CheckedRequest {
  readonly lengths: Uint32Array;
  readonly buffer: Uint8Array;
  readonly start: "asap" | number;
  readonly compact: boolean;
  readonly dma: DmaBuffer | undefined;
}

/**
 * Checks a request against the endpoint it is for, and fills in what it leaves out.
 *
 * @throws {@link InvalidRequestError}, {@link EndpointError}, {@link UnsupportedError}
 * @internal
 */
export function checkRequest(
  request: IsochRequest,
  endpoint: PipeEndpoint,
  capabilities: TransportCapabilities,
): CheckedRequest {
  const given: unknown = request;
  if (typeof given !== "object" || given === null) {
    throw new InvalidRequestError("invalid-option", `a request is an object with lengths, not ${inWords(given)}`);
  }
  try {
    return check(request, endpoint, capabilities);
  } catch (error) {
    if (IsochError.is(error)) throw error;
    throw new InvalidRequestError("invalid-option", `the request cannot be read: ${inWords(error)}`, { cause: error });
  }
}

function check(request: IsochRequest, endpoint: PipeEndpoint, capabilities: TransportCapabilities): CheckedRequest {
  const { dma } = request;
  const lengths = checkLengths(request, endpoint);
  const start = checkStart(request.start, capabilities);
  let total = 0;
  for (const length of lengths) total += length;
  if (total > maxBytesPerRequest) {
    throw new InvalidRequestError(
      "invalid-number",
      `a request can have ${maxBytesPerRequest} bytes at most, not ${total}: issue several`,
    );
  }
  checkLengthsPerFrame(lengths, capabilities);
  const memory: unknown = dma?.bytes;
  if (dma !== undefined && !(memory instanceof Uint8Array)) {
    throw new InvalidRequestError("invalid-option", "dma must be a buffer that allocateDma() returned");
  }
  if (dma !== undefined && !capabilities.dma) {
    throw new UnsupportedError("unsupported", "this transport has no DMA buffers: leave out dma");
  }
  const compact = request.compact ?? false;
  checkCompact(compact, endpoint, dma);
  return { lengths, buffer: checkBuffer(request.buffer, dma, endpoint, total), start, compact, dma };
}

/**
 * @throws {@link InvalidRequestError} where data cannot be compacted
 * @internal
 */
export function checkCompact(compact: boolean, endpoint: PipeEndpoint, dma: DmaBuffer | undefined): void {
  if (!compact) return;
  if (endpoint.direction === "out") {
    throw new InvalidRequestError("compact-out", "only IN data can be compacted: leave compact out on an OUT endpoint");
  }
  if (dma !== undefined) {
    throw new InvalidRequestError(
      "compact-with-dma",
      "data in a DMA buffer is not compacted: leave out compact or dma",
    );
  }
}

/**
 * @throws {@link EndpointError} `wrong-direction`
 * @internal
 */
export function checkDirection(endpoint: PipeEndpoint, direction: "in" | "out", purpose: string): void {
  if (endpoint.direction === direction) return;
  throw new EndpointError(
    "wrong-direction",
    `${purpose} needs an ${direction.toUpperCase()} endpoint, and 0x${endpoint.address.toString(16)} is ${endpoint.direction.toUpperCase()}`,
  );
}

/**
 * @throws {@link InvalidRequestError}; {@link UnsupportedError}
 * @internal
 */
export function checkStart(start: "asap" | number | undefined, capabilities: TransportCapabilities): "asap" | number {
  if (start === undefined || start === "asap") return "asap";
  wholeNumber("start", start, 0);
  if (!capabilities.startFrame) {
    throw new UnsupportedError("unsupported", "this transport cannot start on a given frame: use start: 'asap'");
  }
  return start;
}

/**
 * @throws {@link InvalidRequestError} `length-out-of-range`
 * @internal
 */
export function checkFrameLength(what: string, length: unknown, endpoint: PipeEndpoint): number {
  const { address, alternate, direction, maxFrameLength } = endpoint;
  if (maxFrameLength === 0) {
    throw new InvalidRequestError(
      "length-out-of-range",
      `endpoint 0x${address.toString(16)} moves no bytes in alternate setting ${alternate}: choose another alternate setting`,
    );
  }
  const least = direction === "out" ? 0 : 1;
  if (typeof length === "number" && Number.isInteger(length) && length >= least && length <= maxFrameLength) {
    return length;
  }
  const reason = length === 0 ? ": data that comes in needs room" : "";
  throw new InvalidRequestError(
    Number.isInteger(length) ? "length-out-of-range" : "invalid-number",
    `${what} must be a whole number from ${least} to ${maxFrameLength}, the maximum of endpoint 0x${address.toString(16)} in alternate setting ${alternate}, not ${inWords(length)}${reason}`,
  );
}

function checkLengths({ lengths, frames }: IsochRequest, endpoint: PipeEndpoint): Uint32Array {
  if (typeof lengths === "number") {
    return new Uint32Array(checkCount(frames)).fill(checkFrameLength("lengths", lengths, endpoint));
  }
  const list: unknown = lengths;
  if (typeof list !== "object" || list === null || !("length" in list)) {
    throw new InvalidRequestError(
      "invalid-number",
      `lengths must be one number of bytes for all frames, or a list of them, not ${inWords(list)}`,
    );
  }
  const checked = new Uint32Array(checkCount(lengths.length));
  if (frames !== undefined && wholeNumber("frames", frames, 0) !== checked.length) {
    throw new InvalidRequestError("length-mismatch", `frames is ${frames}, but there are ${checked.length} lengths`);
  }
  for (let i = 0; i < checked.length; i++) checked[i] = checkFrameLength(`lengths[${i}]`, lengths[i], endpoint);
  return checked;
}

/**
 * @throws {@link UnsupportedError}
 * @internal
 */
export function checkLengthsPerFrame(lengths: Uint32Array, capabilities: TransportCapabilities): void {
  if (capabilities.lengthsPerFrame) return;
  const [first = 0] = lengths;
  const end = lengths.length - 1;
  if (lengths.every((length, i) => length > 0 && (i < end ? length === first : length <= first))) return;
  throw new UnsupportedError(
    "unsupported",
    "this transport moves frames of one length, none empty, the last perhaps shorter: give every frame the same length, or use a driver or transport with lengthsPerFrame",
  );
}

function checkCount(count: unknown): number {
  if (count === 0) throw new InvalidRequestError("no-frames", "a request needs at least one frame");
  return wholeNumber("the number of frames", count, 1, maxFramesPerRequest);
}

function checkBuffer(
  buffer: Uint8Array | undefined,
  dma: DmaBuffer | undefined,
  endpoint: PipeEndpoint,
  total: number,
): Uint8Array {
  if (buffer === undefined) {
    if (total === 0) return allocate(0);
    if (dma !== undefined && dma.bytes.length >= total) return dma.bytes.subarray(0, total);
    if (dma !== undefined) {
      throw new InvalidRequestError(
        "length-mismatch",
        `the frames need ${total} bytes, the DMA buffer has ${dma.bytes.length}`,
      );
    }
    if (endpoint.direction === "in") return allocate(total);
    throw new InvalidRequestError("length-mismatch", `an OUT request needs a buffer with the ${total} bytes to send`);
  }
  if (!(buffer instanceof Uint8Array)) {
    throw new InvalidRequestError("invalid-option", "buffer must be a Uint8Array (a Buffer is one)");
  }
  if (buffer.length !== total) {
    throw new InvalidRequestError(
      "length-mismatch",
      `the lengths add up to ${total} bytes, the buffer has ${buffer.length}`,
    );
  }
  if (dma !== undefined && !contains(dma.bytes, buffer)) {
    throw new InvalidRequestError("invalid-option", "buffer must be a view into the bytes of the DMA buffer");
  }
  return buffer;
}

function contains(whole: Uint8Array, part: Uint8Array): boolean {
  return (
    whole.buffer === part.buffer &&
    part.byteOffset >= whole.byteOffset &&
    part.byteOffset + part.byteLength <= whole.byteOffset + whole.byteLength
  );
}

/**
 * @throws {@link ResourceError} `no-memory`
 * @internal
 */
export function allocate(bytes: number): Uint8Array {
  try {
    return new Uint8Array(bytes);
  } catch (cause) {
    throw new ResourceError("no-memory", `no memory for a buffer of ${bytes} bytes: issue smaller requests`, { cause });
  }
}

import { Observable, type OperatorFunction } from "rxjs";
import { InvalidRequestError, type IsochRequest, type RequestSource } from "../src/index.js";
import { inWords } from "../src/errors.js";
import { wholeNumber } from "../src/numbers.js";
import { maxBytesPerRequest } from "../src/request.js";
import { subscribeInner } from "../src/subscribe-inner.js";

/** How `packetize` cuts bytes into frames: all of one length, or at a rate. */
export type PacketizeOptions = ConstantPackets | RatedPackets;

/** Frames of one length. */
export interface ConstantPackets {
  /** Bytes in each frame. */
  readonly frameLength: number;
  /** Frames in a request. Default: 8. */
  readonly frames?: number | undefined;
}

/** Frames that carry samples at a rate which need not divide evenly; where it has fewer samples than frames, some are empty. */
export interface RatedPackets {
  /** Samples in a second, for example 44100. */
  readonly sampleRate: number;
  /** Bytes of a sample, all channels together: never split between frames. For 16-bit stereo: 4. */
  readonly sampleSize: number;
  /** Microseconds of a frame: `PipeEndpoint.frameDuration`. Default: 1000. */
  readonly frameDuration?: number | undefined;
  /** Frames in a request. Default: 8. */
  readonly frames?: number | undefined;
}

/** Bytes, or a source of bytes that is pulled from as the bus takes them. */
export type ByteSource = Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/**
 * Cuts bytes, in pieces of any length, into requests for an OUT pipe.
 *
 * At a rate, an accumulator keeps the long-term rate exact: 44.1 kHz at one frame a millisecond
 * makes nine frames of 44 samples and one of 45, over and over; 6 kHz at one a microframe three of a sample and an
 * empty one. What is left at the end goes out in
 * a last, shorter request, byte for byte.
 *
 * Bytes that are pushed become requests at once. An iterable or async iterable of bytes, such as a
 * Node Readable, becomes an iterable of requests, which `issue` pulls from at the pace of the bus;
 * so nothing is drained into memory. Requests carry copies: the pieces are the sender's again at
 * once.
 *
 * Errors: {@link InvalidRequestError} for an option that cannot mean anything, or for requests
 * larger than {@link maxBytesPerRequest}, thrown at the call; for what is neither bytes nor an
 * iterable of bytes, sent down the stream.
 *
 * @example
 * ```ts
 * import type { IsochPipe } from "rx-isoch";
 * import { close, issue, packetize } from "rx-isoch/operators";
 * import { createReadStream } from "node:fs";
 * import { of } from "rxjs";
 *
 * export const play = (speaker: IsochPipe) =>
 *   of(createReadStream("stereo-44100-s16.raw") as AsyncIterable<Uint8Array>).pipe(
 *     packetize({ sampleRate: 44100, sampleSize: 4 }),
 *     issue(speaker, { queue: 4, underrun: "zero-length" }),
 *     close(),
 *   );
 * ```
 */
export function packetize(options: PacketizeOptions): OperatorFunction<ByteSource, RequestSource> {
  checkOptions(options);
  return (source) =>
    new Observable((subscriber) => {
      const packetizer = new Packetizer(options);
      let isPulled = false;
      subscribeInner(source, subscriber, {
        next: (bytes) => {
          if (!(bytes instanceof Uint8Array)) {
            isPulled = true;
            subscriber.next(requestsOf(bytes, packetizer));
          } else if (isPulled) subscriber.next(pull([new Uint8Array(bytes)], packetizer));
          else {
            for (const request of packetizer.add(bytes)) {
              subscriber.next(request);
              if (subscriber.closed) return;
            }
          }
        },
        complete: () => {
          if (isPulled) subscriber.next(flush(packetizer));
          else for (const request of packetizer.flush()) subscriber.next(request);
          subscriber.complete();
        },
      });
    });
}

function requestsOf(source: Iterable<Uint8Array> | AsyncIterable<Uint8Array>, packetizer: Packetizer): RequestSource {
  const given: unknown = source;
  if (typeof given !== "object" || given === null) throw notBytes(given);
  if (Symbol.asyncIterator in source) return pullAsync(source, packetizer);
  if (Symbol.iterator in source) return pull(source, packetizer);
  throw notBytes(given);
}

function notBytes(value: unknown): InvalidRequestError {
  return new InvalidRequestError(
    "invalid-option",
    `packetize takes Uint8Arrays (a Buffer is one), and iterables of them, not ${inWords(value)}`,
  );
}

function* pull(source: Iterable<Uint8Array>, packetizer: Packetizer): Generator<IsochRequest> {
  for (const bytes of source) yield* packetizer.add(bytes);
}

async function* pullAsync(source: AsyncIterable<Uint8Array>, packetizer: Packetizer): AsyncGenerator<IsochRequest> {
  for await (const bytes of source) yield* packetizer.add(bytes);
}

/** The remainder, looked at only when it is pulled: what comes before is pulled first. */
function* flush(packetizer: Packetizer): Generator<IsochRequest> {
  yield* packetizer.flush();
}

function checkOptions(options: PacketizeOptions): void {
  const { frames = 8 } = options;
  wholeNumber("frames", frames, 1, 65536);
  if ("frameLength" in options) {
    checkSize(frames, wholeNumber("frameLength", options.frameLength, 1, 65536));
    return;
  }
  const { sampleRate, sampleSize, frameDuration = 1000 } = options;
  wholeNumber("sampleRate", sampleRate, 1, 2 ** 31);
  wholeNumber("sampleSize", sampleSize, 1, 65536);
  wholeNumber("frameDuration", frameDuration, 125, 125 * 2 ** 15);
  checkSize(frames, Math.ceil((sampleRate * frameDuration) / 1_000_000) * sampleSize);
}

function checkSize(frames: number, longest: number): void {
  if (frames * longest <= maxBytesPerRequest) return;
  throw new InvalidRequestError(
    "invalid-number",
    `${frames} frames of ${longest} bytes are more than the ${maxBytesPerRequest} bytes a request can have: choose fewer`,
  );
}

/** The length of each frame in turn. */
class FrameLengths {
  readonly #options: PacketizeOptions;
  /** Millionths of a sample that are due beside whole ones. */
  #remainder = 0;

  constructor(options: PacketizeOptions) {
    this.#options = options;
  }

  next(): number {
    if ("frameLength" in this.#options) return this.#options.frameLength;
    const { sampleRate, sampleSize, frameDuration = 1000 } = this.#options;
    const due = this.#remainder + sampleRate * frameDuration;
    this.#remainder = due % 1_000_000;
    return ((due - this.#remainder) / 1_000_000) * sampleSize;
  }
}

/** Fills one request after the other. */
class Packetizer {
  readonly #frames: number;
  readonly #frameLengths: FrameLengths;
  #lengths: Uint32Array;
  #buffer: Uint8Array;
  #filled = 0;

  constructor(options: PacketizeOptions) {
    this.#frames = options.frames ?? 8;
    this.#frameLengths = new FrameLengths(options);
    this.#lengths = this.#nextLengths();
    this.#buffer = new Uint8Array(sum(this.#lengths));
  }

  /** The requests that these bytes complete. */
  *add(bytes: Uint8Array): Generator<IsochRequest> {
    const given: unknown = bytes;
    if (!(given instanceof Uint8Array)) throw notBytes(given);
    for (let taken = 0; taken < bytes.length;) {
      const piece = bytes.subarray(taken, taken + this.#buffer.length - this.#filled);
      this.#buffer.set(piece, this.#filled);
      this.#filled += piece.length;
      taken += piece.length;
      if (this.#filled < this.#buffer.length) return;
      const request: IsochRequest = { lengths: this.#lengths, buffer: this.#buffer };
      this.#lengths = this.#nextLengths();
      this.#buffer = new Uint8Array(sum(this.#lengths));
      this.#filled = 0;
      yield request;
    }
  }

  /** What is left, in as many frames as it takes. */
  *flush(): Generator<IsochRequest> {
    if (this.#filled === 0) return;
    const lengths: number[] = [];
    let left = this.#filled;
    for (const length of this.#lengths) {
      if (left === 0) break;
      lengths.push(Math.min(left, length));
      left -= Math.min(left, length);
    }
    const buffer = this.#buffer.subarray(0, this.#filled);
    this.#filled = 0;
    yield { lengths, buffer };
  }

  #nextLengths(): Uint32Array {
    return Uint32Array.from({ length: this.#frames }, () => this.#frameLengths.next());
  }
}

function sum(lengths: Uint32Array): number {
  return lengths.reduce((total, length) => total + length, 0);
}

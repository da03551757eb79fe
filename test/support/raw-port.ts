import { firstValueFrom, lastValueFrom, type Observable } from "rxjs";
import { expect } from "vitest";
import {
  findIsochEndpoint,
  maxBytesPerInterval,
  serviceInterval,
  type DeviceSelector,
  type DmaBuffer,
  type IsochError,
  type IsochTransport,
  type Submission,
  type TransportDevice,
  type TransportEndpoint,
} from "../../src/index.js";

/** Waits for a step of a transport that emits nothing. */
export async function done(step: Observable<unknown>): Promise<void> {
  await lastValueFrom(step, { defaultValue: undefined });
}

/** What goes into a submission; the rest has defaults. */
export interface RawRequest {
  /** One number for each frame, or one for all of `frames`. */
  readonly lengths: number | readonly number[];
  readonly frames?: number;
  readonly start?: number | "asap";
  readonly buffer?: Uint8Array;
  readonly dma?: DmaBuffer;
}

/** A submission as its owner sees it. */
export interface Sent {
  readonly submission: Submission;
  /** Resolves when it has completed. */
  readonly completion: Promise<Submission>;
  isComplete: boolean;
}

/**
 * An endpoint used as the core uses it, with nothing in between. It holds the transport to what
 * goes for every submission: completed once, in order, never within `submit` or `cancel`, stamped
 * with a time that never goes back, and left alone afterwards.
 */
export class RawPort {
  readonly device: TransportDevice;
  readonly endpoint: TransportEndpoint;
  /** Bytes that fit in a frame. */
  readonly maxFrameLength: number;
  /** Microseconds. */
  readonly frameDuration: number;
  readonly #sent: Sent[] = [];
  readonly #afterwards: (() => void)[] = [];
  readonly #violations: string[] = [];
  readonly #interfaceNumber: number;
  readonly #alternate: number;
  #completed = 0;
  #lastTimestamp = -Infinity;
  #inside: string | undefined;
  /** Runs in each completion. */
  onCompleted: (sent: Sent) => void = () => undefined;

  private constructor(device: TransportDevice, address: number, alternate: number) {
    const { info } = device;
    const { endpoint, interfaceNumber } = findEndpoint(device, address, alternate);
    this.device = device;
    this.endpoint = device.openEndpoint(address);
    this.maxFrameLength = maxBytesPerInterval(endpoint, info.speed);
    this.frameDuration = serviceInterval(endpoint, info.speed);
    this.#interfaceNumber = interfaceNumber;
    this.#alternate = alternate;
  }

  static async open(
    transport: IsochTransport,
    selector: DeviceSelector,
    address: number,
    alternate: number,
  ): Promise<RawPort> {
    const device = await firstValueFrom(transport.open(selector));
    const { interfaceNumber } = findEndpoint(device, address, alternate);
    await done(device.claimInterface(interfaceNumber));
    await done(device.selectAlternate(interfaceNumber, alternate));
    return new RawPort(device, address, alternate);
  }

  /** Another endpoint of the same alternate setting. Only the first of them is closed. */
  beside(address: number): RawPort {
    return new RawPort(this.device, address, this.#alternate);
  }

  get sent(): readonly Sent[] {
    return this.#sent;
  }

  submit(request: RawRequest): Sent {
    const { frames = 1, start = "asap" } = request;
    const lengths =
      typeof request.lengths === "number"
        ? new Uint32Array(frames).fill(request.lengths)
        : Uint32Array.from(request.lengths);
    const total = lengths.reduce((sum, length) => sum + length, 0);
    let resolve: (submission: Submission) => void = () => undefined;
    const completion = new Promise<Submission>((fulfil) => {
      resolve = fulfil;
    });
    const submission: Submission = {
      lengths,
      buffer: request.buffer ?? new Uint8Array(total),
      dma: request.dma,
      start,
      actual: new Uint32Array(lengths.length),
      statuses: new Uint8Array(lengths.length),
      nativeStatuses: undefined,
      firstFrame: undefined,
      timestamp: 0,
      cancelled: false,
      rejected: undefined,
      error: undefined,
      completed: (completed) => {
        this.#check(completed === submission, "completed with another submission");
        this.#complete(sent);
        resolve(submission);
      },
    };
    const sent: Sent = { submission, completion, isComplete: false };
    this.#within("submit", () => {
      this.endpoint.submit(submission);
    });
    this.#sent.push(sent);
    return sent;
  }

  cancel(sent: Sent): void {
    this.#within("cancel", () => {
      this.endpoint.cancel(sent.submission);
    });
  }

  /** Cancels what is in flight, lets it drain, and gives everything back. */
  async close(): Promise<void> {
    this.onCompleted = () => undefined;
    for (const sent of this.#sent) if (!sent.isComplete) this.cancel(sent);
    await this.drained();
    try {
      await done(this.device.selectAlternate(this.#interfaceNumber, 0));
      await done(this.device.releaseInterface(this.#interfaceNumber));
    } catch (error) {
      expect((error as IsochError).code).toBe("device-gone");
    }
    await done(this.device.close());
  }

  /** Everything that was submitted has completed, and nothing went against the contract. */
  async drained(): Promise<void> {
    for (let i = 0; i < this.#sent.length; i++) await this.#sent[i]?.completion;
    for (const check of this.#afterwards) check();
    expect(this.#violations).toStrictEqual([]);
  }

  #complete(sent: Sent): void {
    const { submission } = sent;
    this.#check(!sent.isComplete, "completed twice");
    this.#check(this.#inside === undefined, `completed within ${String(this.#inside)}`);
    this.#check(this.#sent[this.#completed] === sent, "completed out of order");
    this.#check(submission.timestamp >= this.#lastTimestamp, "a timestamp went back");
    this.#check(submission.timestamp <= this.endpoint.now(), "a timestamp from the future");
    this.#lastTimestamp = submission.timestamp;
    this.#completed++;
    sent.isComplete = true;
    const then = stateOf(submission);
    this.#afterwards.push(() => {
      expect(Buffer.compare(stateOf(submission), then), "a submission was touched after it had completed").toBe(0);
    });
    this.onCompleted(sent);
  }

  #within(step: string, act: () => void): void {
    const outside = this.#inside;
    this.#inside = step;
    try {
      act();
    } finally {
      this.#inside = outside;
    }
  }

  #check(holds: boolean, violation: string): void {
    if (!holds) this.#violations.push(violation);
  }
}

function findEndpoint({ configuration, info }: TransportDevice, endpoint: number, alternate: number) {
  return findIsochEndpoint(configuration, { endpoint, alternate }, info.speed);
}

/** All that a transport writes to a submission, as bytes: to compare megabytes in no time. */
function stateOf({ actual, statuses, buffer, firstFrame, timestamp, cancelled }: Submission): Buffer {
  const numbers = Float64Array.of(firstFrame ?? -1, timestamp, cancelled ? 1 : 0);
  return Buffer.concat([
    new Uint8Array(actual.buffer, actual.byteOffset, actual.byteLength),
    statuses,
    buffer,
    new Uint8Array(numbers.buffer),
  ]);
}

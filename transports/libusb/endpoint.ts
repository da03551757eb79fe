import type {
  DeviceInfo,
  DmaBuffer,
  ResultSource,
  StreamPlan,
  StreamSink,
  Submission,
  TransportEndpoint,
} from "../../src/index.js";
import {
  loadAddon,
  type NativeDevice,
  type NativeRequestOutcome,
  type NativeRequestQueue,
  type NativeStream,
} from "./addon.js";
import { endpointName, endpointShut, explain, toIsochError, type Attempt } from "./errors.js";
import { translateStatuses } from "./statuses.js";
import { LibusbStream } from "./stream.js";

/** Something that moves data on a device. */
export interface Activity {
  /** Tells its user what has happened since the last look. */
  look(): void;
}

/** What an endpoint needs of the device it is on. */
export interface EndpointContext {
  readonly native: NativeDevice;
  readonly device: DeviceInfo;
  readonly address: number;
  /** Microseconds. */
  readonly frameDuration: number;
  /** {@link Attempt.packetRules}. */
  readonly packetRules: string | undefined;
  /** Where what moves data is known to the device, while it does. */
  readonly activities: Set<Activity>;
}

/**
 * What is in flight at a time, at most about: the limit of usbfs (16 MiB for all programs) and the
 * schedules of EHCI and UHCI (1,024 frames) stay far. The rest waits in the addon.
 */
const window = { bytes: 8 * 1024 * 1024, microseconds: 250_000 } as const;

/** Milliseconds of blocking after which a thread that is being terminated gets its turn. */
const waitSlice = 100;

/** An isochronous endpoint of an open device. */
export class LibusbEndpoint implements TransportEndpoint, Activity {
  readonly #context: EndpointContext;
  readonly #addon = loadAddon();
  /** In the order of submission. */
  readonly #pending: { readonly id: number; readonly submission: Submission }[] = [];
  #queue: NativeRequestQueue | undefined;
  #stream: NativeStream | undefined;
  #isShut = false;
  #lastTimestamp = 0;

  constructor(context: EndpointContext) {
    this.#context = context;
  }

  now(): number {
    return this.#addon.now();
  }

  submit(submission: Submission): void {
    this.#checkOpen();
    const id = this.#try("submit to", () => this.#requests().submit(submission.lengths, submission.buffer));
    this.#pending.push({ id, submission });
    this.#context.activities.add(this);
  }

  cancel(submission: Submission): void {
    const found = this.#pending.find((each) => each.submission === submission);
    if (found !== undefined) this.#queue?.cancel(found.id);
  }

  wait(submission: Submission): void {
    while (this.#pending.some((each) => each.submission === submission)) {
      this.#queue?.wait(waitSlice);
      this.#deliver();
    }
  }

  allocateDma(size: number): DmaBuffer {
    this.#checkOpen();
    const { buffer, address } = this.#try("allocate memory for", () => this.#context.native.allocateDma(size));
    const bytes = new Uint8Array(buffer);
    return {
      bytes,
      address,
      free: () => {
        // Leaves `bytes` empty: nobody can touch memory that is no more.
        if (bytes.byteLength > 0) this.#context.native.freeDma(buffer);
      },
    };
  }

  /** Nothing is in flight. */
  get isIdle(): boolean {
    const stream = this.#stream;
    return this.#pending.length === 0 && (stream === undefined || stream.drained || stream.ended !== undefined);
  }

  stream(plan: StreamPlan, sink: StreamSink): ResultSource {
    const { native, address, frameDuration, activities } = this.#context;
    this.#checkOpen();
    const stream = this.#try("stream from", () =>
      native.openStream(
        address,
        plan.frameLength,
        plan.frames,
        plan.queue,
        plan.ring,
        plan.batch,
        plan.overflow,
        frameDuration,
      ),
    );
    this.#stream = stream;
    return new LibusbStream(stream, {
      plan,
      sink,
      activities,
      toError: (outcome) => toIsochError(outcome, this.#attempt("stream from")),
    });
  }

  /** The endpoint is no more: what is in flight is cancelled, and nothing else is taken. */
  shut(): void {
    this.#isShut = true;
    this.#queue?.shut();
    this.#stream?.shut();
  }

  /** Tells of what has completed. */
  look(): void {
    this.#deliver();
    if (this.#pending.length === 0) this.#context.activities.delete(this);
  }

  #deliver(): void {
    for (let head = this.#pending[0]; head !== undefined; head = this.#pending[0]) {
      const { submission } = head;
      const outcome = this.#queue?.reap(submission.actual, submission.statuses);
      if (outcome === undefined) return;
      this.#pending.shift();
      this.#fill(submission, outcome);
      submission.completed(submission);
    }
  }

  #fill(submission: Submission, outcome: NativeRequestOutcome): void {
    submission.nativeStatuses = translateStatuses(submission.statuses);
    // What was cancelled may have come back before what it was queued behind.
    this.#lastTimestamp = Math.max(this.#lastTimestamp, outcome.timestamp);
    submission.timestamp = this.#lastTimestamp;
    submission.cancelled = outcome.cancelled;
    if (outcome.libusb !== 0) submission.error = toIsochError(outcome, this.#attempt("submit to"));
  }

  #requests(): NativeRequestQueue {
    const { native, address, frameDuration } = this.#context;
    const frames = Math.ceil(window.microseconds / frameDuration);
    return (this.#queue ??= native.openQueue(address, window.bytes, frames));
  }

  #checkOpen(): void {
    if (this.#isShut) throw endpointShut();
  }

  #try<T>(purpose: string, work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw explain(error, this.#attempt(purpose));
    }
  }

  #attempt(purpose: string): Attempt {
    const { address, device, native, packetRules } = this.#context;
    return { to: `${purpose} ${endpointName(address)} of`, device, isGone: native.gone, packetRules };
  }
}

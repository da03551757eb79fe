import { AsyncSubject, type Observable, type Subscription } from "rxjs";
import { asIsochError, TransferStateError, UnsupportedError, type IsochError } from "./errors.js";
import { wholeNumber } from "./numbers.js";
import type { PipeEndpoint } from "./pipe-endpoint.js";
import { Pump } from "./pump.js";
import {
  checkLengthsPerFrame,
  checkRequest,
  maxBytesPerRequest,
  type CheckedRequest,
  type IsochRequest,
} from "./request.js";
import { createTimeline, type Timeline } from "./timeline.js";
import { IsochTransfer, type Issuer } from "./transfer.js";
import type {
  DmaBuffer,
  ResultSource,
  StreamPlan,
  StreamSink,
  TransportCapabilities,
  TransportEndpoint,
} from "./transport.js";

/** What a session needs of the device it is opened on. */
interface SessionContext {
  readonly endpoint: PipeEndpoint;
  readonly port: TransportEndpoint;
  readonly capabilities: TransportCapabilities;
  /** {@link TransportDevice.gone}. */
  readonly gone: Observable<IsochError>;
  /** Gives back what the session holds of the device, once nothing is in flight. */
  readonly release: Observable<never>;
}

const nobody: Issuer = {
  stop: () => {
    // A transfer issued by hand has nobody behind it who would issue another.
  },
};

/**
 * An open pipe: the endpoint of a claimed interface in its alternate setting.
 *
 * {@link IsochPipe} opens and closes these by itself. Programs that issue transfers by hand, as the
 * Windows CE calls do, get one from {@link IsochPipe.open} and close it.
 */
export class PipeSession {
  readonly endpoint: PipeEndpoint;
  /** What the transport can do. */
  readonly capabilities: TransportCapabilities;
  readonly #port: TransportEndpoint;
  readonly #release: Observable<never>;
  readonly #timeline: Timeline;
  readonly #transfers = new Set<IsochTransfer>();
  readonly #failed = new AsyncSubject<IsochError>();
  readonly #closed = new AsyncSubject<never>();
  readonly #watch: Subscription;
  #source: ResultSource | undefined;
  #inFlight = 0;
  #isClosing = false;
  #failure: IsochError | undefined;

  /** @internal */
  constructor(context: SessionContext) {
    this.endpoint = context.endpoint;
    this.capabilities = context.capabilities;
    this.#port = context.port;
    this.#release = context.release;
    this.#timeline = createTimeline(context.endpoint.frameDuration);
    const fail = (error: unknown) => {
      this.#fail(asIsochError(error));
    };
    this.#watch = context.gone.subscribe({ next: fail, error: fail });
  }

  /** Why nothing more can be issued: the device is gone, or the transport failed. */
  get failure(): IsochError | undefined {
    return this.#failure;
  }

  /**
   * Emits {@link PipeSession.failure} once it is there, in an idle session too, and completes;
   * completes without a value when the session is told to close. What is in flight may complete
   * later.
   */
  get failed(): Observable<IsochError> {
    return this.#failed.asObservable();
  }

  /** Whether {@link PipeSession.close} was called. */
  get isClosing(): boolean {
    return this.#isClosing;
  }

  /** Completes when the session is closed; errors with what went wrong in closing. */
  get closed(): Observable<never> {
    return this.#closed.asObservable();
  }

  /**
   * Submits a request: IssueIsochTransfer. Returns at once, never with a complete transfer.
   *
   * @param issuer who is told to stop by the operator `close`; nobody, where it is left out
   * @throws {@link InvalidRequestError}, {@link EndpointError}, {@link UnsupportedError} for a bad
   * request; {@link DeviceError} `device-gone`; {@link ResourceError}; {@link TransferStateError} `pipe-closed`
   */
  issue(request: IsochRequest, issuer: Issuer = nobody): IsochTransfer {
    this.#checkOpen();
    return this.#submit(checkRequest(request, this.endpoint, this.capabilities), issuer, false);
  }

  /**
   * Keeps the bus busy with frames that nobody asked for, empty ones among them. On the timeline
   * they count as missed.
   * @throws {@link UnsupportedError} for empty ones where there are none
   * @internal
   */
  fill(lengths: Uint32Array, buffer: Uint8Array): IsochTransfer {
    this.#checkOpen();
    checkLengthsPerFrame(lengths, this.capabilities);
    return this.#submit({ lengths, buffer, start: "asap", compact: false, dma: undefined }, nobody, true);
  }

  /**
   * Starts a stream. The session has one at a time, and takes no requests beside it.
   * @internal
   */
  stream(plan: StreamPlan, sink: StreamSink): ResultSource {
    this.#checkOpen();
    const own: StreamSink = {
      ready: () => {
        sink.ready();
      },
      drained: () => {
        sink.drained();
        this.#settled();
      },
    };
    this.#source = this.#port.stream?.(plan, own) ?? new Pump(this.#port, plan, this.#timeline, own);
    this.#inFlight++;
    return this.#source;
  }

  /** Microseconds, monotonic: the clock of {@link IsochResults.timestamp}. */
  now(): number {
    return this.#port.now();
  }

  /**
   * The frame that is on the bus now, in service intervals.
   *
   * @throws {@link UnsupportedError} where the transport hides the bus clock
   */
  frameNumber(): number {
    return this.#port.frameNumber?.() ?? this.#unsupported("hides the bus clock: count frames from the first result");
  }

  /**
   * Allocates a buffer that the host controller reads and writes directly. The caller frees it.
   *
   * @param size bytes, from 1 to {@link maxBytesPerRequest}
   * @throws {@link InvalidRequestError}; {@link UnsupportedError}; {@link ResourceError};
   * {@link DeviceError} `device-gone`; {@link TransferStateError} `pipe-closed`
   */
  allocateDma(size: number): DmaBuffer {
    this.#checkOpen();
    wholeNumber("size", size, 1, maxBytesPerRequest);
    return this.#port.allocateDma?.(size) ?? this.#unsupported("has no DMA buffers: leave out dma");
  }

  /** Cancels every transfer that is in flight. Returns at once. */
  abort(): void {
    for (const transfer of this.#transfers) transfer.abort();
  }

  /**
   * Closes the pipe: what is in flight is cancelled and drained, then the interface is released,
   * then the device closed. Starts at once, without a subscription, and only once.
   *
   * @returns {@link PipeSession.closed}
   */
  close(): Observable<never> {
    if (!this.#isClosing) {
      this.#isClosing = true;
      this.#watch.unsubscribe();
      this.#failed.complete();
      // Counts as in flight itself: what drains at once must not finish before all was told to stop.
      this.#inFlight++;
      this.#source?.stop();
      this.abort();
      this.#settled();
    }
    return this.closed;
  }

  #submit(request: CheckedRequest, issuer: Issuer, isFiller: boolean): IsochTransfer {
    const transfer: IsochTransfer = new IsochTransfer(request, {
      endpoint: this.endpoint,
      port: this.#port,
      timeline: this.#timeline,
      isFiller,
      issuer,
      released: (fatal) => {
        this.#transfers.delete(transfer);
        if (fatal !== undefined) this.#fail(fatal);
        this.#settled();
      },
    });
    this.#transfers.add(transfer);
    this.#inFlight++;
    return transfer;
  }

  #fail(error: IsochError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#failed.next(error);
    this.#failed.complete();
  }

  #settled(): void {
    this.#inFlight--;
    if (this.#isClosing && this.#inFlight === 0) this.#release.subscribe(this.#closed);
  }

  #checkOpen(): void {
    if (this.#isClosing) throw new TransferStateError("pipe-closed", "the pipe is closed: open it again");
    if (this.#failure !== undefined) throw this.#failure;
  }

  #unsupported(what: string): never {
    throw new UnsupportedError("unsupported", `this transport ${what}`);
  }
}

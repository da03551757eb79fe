import { Observable, Subject, takeUntil, type OperatorFunction, type Subscriber } from "rxjs";
import {
  TransferStateError,
  UnderrunError,
  type IsochPipe,
  type IsochRequest,
  type IsochTransfer,
  type Issuer,
  type PipeSession,
  type RequestSource,
} from "../src/index.js";
import { asIsochError } from "../src/errors.js";
import { oneOf, wholeNumber } from "../src/numbers.js";
import { checkDirection } from "../src/request.js";
import { RequestQueue } from "../src/request-queue.js";
import { subscribeInner } from "../src/subscribe-inner.js";
import { settled } from "../src/teardown.js";

/**
 * What OUT pipes send when no request is ready in time.
 *
 * - `zero-length`: empty packets.
 * - `repeat`: the last request again.
 * - `error`: nothing; the stream errors with {@link UnderrunError}.
 */
export type UnderrunPolicy = "zero-length" | "repeat" | "error";

/** How `issue` issues. */
export interface IssueOptions {
  /** Transfers in flight, at most. Default: 4. */
  readonly queue?: number | undefined;
  /** Requests that were pushed and wait for their turn, at most. Default: 1024. */
  readonly backlog?: number | undefined;
  /**
   * OUT only: how the pipe is kept busy between requests. Default: it is not; frames pass without
   * a packet, and are counted as lost in the next results.
   */
  readonly underrun?: UnderrunPolicy | undefined;
}

/**
 * Issues requests on a pipe, with at most `queue` in flight: IssueIsochTransfer. Emits each
 * transfer, live, the moment it is submitted.
 *
 * The pipe is opened with the subscription, and closed with the unsubscribe, which cancels what is
 * in flight. Requests that are pushed faster than the bus takes them wait in a backlog; iterables
 * and async iterables (a generator, a Node Readable through `packetize`) are pulled from only when
 * there is room in the queue, one after the other, and are told when nobody wants more of them.
 *
 * The stream completes when the source has, every request was issued, and the last of them is
 * complete. On an error, of the source, of a request or of the device, nothing more is issued,
 * what is in flight runs to its end, and then the stream errors: no frame that arrived is lost.
 *
 * Errors: what {@link IsochPipe.open} errors with; `InvalidRequestError` and
 * `EndpointError` for a bad request; `OverflowError` `backlog-full`;
 * {@link UnderrunError}; `DeviceError` `device-gone`, at once where nothing is in flight; those of the
 * source.
 *
 * @example
 * ```ts
 * import { isochPipe, type IsochTransport } from "rx-isoch";
 * import { close, issue } from "rx-isoch/operators";
 * import { range, map } from "rxjs";
 *
 * export const hundredTransfers = (transport: IsochTransport) =>
 *   range(0, 100).pipe(
 *     map(() => ({ lengths: 3072, frames: 32 })),
 *     issue(isochPipe(transport, { endpoint: 0x81 }), { queue: 8 }),
 *     close(),
 *   );
 * ```
 *
 * @see packetize
 */
export function issue(pipe: IsochPipe, options: IssueOptions = {}): OperatorFunction<RequestSource, IsochTransfer> {
  const settings: IssueSettings = {
    queue: wholeNumber("queue", options.queue ?? 4, 1, 1024),
    backlog: wholeNumber("backlog", options.backlog ?? 1024, 1, 2 ** 20),
    underrun: options.underrun === undefined ? undefined : oneOf("underrun", options.underrun, underrunPolicies),
  };
  return (source) =>
    new Observable((subscriber) => {
      new Issuing(settings, subscriber).start(pipe, source);
    });
}

const underrunPolicies = ["zero-length", "repeat", "error"] as const satisfies readonly UnderrunPolicy[];

interface IssueSettings {
  readonly queue: number;
  readonly backlog: number;
  readonly underrun: UnderrunPolicy | undefined;
}

/** One subscription to `issue`. */
class Issuing implements Issuer {
  readonly #settings: IssueSettings;
  readonly #subscriber: Subscriber<IsochTransfer>;
  readonly #requests: RequestQueue;
  /** Emits when nothing more will be issued, to a source that may still be being subscribed to. */
  readonly #ended = new Subject<void>();
  readonly #released = new Subject<void>();
  #session: PipeSession | undefined;
  #isIssuing = false;
  #isSourceComplete = false;
  /** Transfers: of requests, and of what keeps the pipe busy between them. */
  #inFlight = 0;
  #requestsInFlight = 0;
  #last: FillerFrames | undefined;
  /** Set once nothing more will be issued: what follows the completion of the last request. */
  #end: (() => void) | undefined;

  constructor(settings: IssueSettings, subscriber: Subscriber<IsochTransfer>) {
    this.#settings = settings;
    this.#subscriber = subscriber;
    this.#requests = new RequestQueue(settings.backlog, {
      ready: () => {
        this.#advance();
      },
      failed: (error) => {
        this.#fail(error);
      },
    });
  }

  start(pipe: IsochPipe, source: Observable<RequestSource>): void {
    const subscriber = this.#subscriber;
    subscriber.add(() => {
      this.#requests.discard();
    });
    subscribeInner(pipe.open().pipe(takeUntil(this.#released)), subscriber, {
      next: (session) => {
        if (this.#settings.underrun !== undefined) checkDirection(session.endpoint, "out", "an underrun policy");
        this.#session = session;
        subscribeInner(session.failed, subscriber, {
          next: (error) => {
            this.#fail(error);
          },
          complete: () => {
            // Nothing went wrong, or it was told of.
          },
        });
        subscribeInner(settled(session.closed), subscriber, {
          next: () => undefined,
          complete: () => {
            this.#fail(new TransferStateError("pipe-closed", "the device was closed while the pipe was in use"));
          },
        });
        this.#advance();
      },
      complete: () => {
        // The stream ends with the last completion.
      },
    });
    if (subscriber.closed) return;
    subscribeInner(source.pipe(takeUntil(this.#ended)), subscriber, {
      next: (request) => {
        this.#attempt(() => {
          this.#requests.push(request);
        });
        this.#advance();
      },
      error: (error: unknown) => {
        this.#fail(error);
      },
      complete: () => {
        this.#isSourceComplete = true;
        this.#advance();
      },
    });
  }

  stop(): void {
    this.#finish(() => {
      this.#subscriber.complete();
    });
  }

  #fail(error: unknown): void {
    this.#finish(() => {
      this.#subscriber.error(error);
    });
  }

  #finish(end: () => void): void {
    if (this.#end !== undefined) return;
    this.#end = () => {
      // Closed before anybody hears of the end, so that the one who does can subscribe again.
      this.#released.next();
      end();
    };
    this.#requests.discard();
    this.#ended.next();
    if (this.#requestsInFlight === 0) this.#end();
  }

  /** Issues while there is room and a request is ready; then looks what that leaves. */
  #advance(): void {
    const session = this.#session;
    if (this.#isIssuing || session === undefined) return;
    this.#isIssuing = true;
    while (this.#end === undefined && !this.#subscriber.closed && this.#inFlight < this.#settings.queue) {
      const request = this.#requests.take();
      if (request === undefined) break;
      this.#attempt(() => {
        this.#issue(session, request);
      });
    }
    this.#isIssuing = false;
    if (this.#end !== undefined || this.#subscriber.closed) return;
    if (this.#isSourceComplete && this.#requests.isEmpty) this.stop();
    else if (this.#last !== undefined) this.#bridge(session, this.#last);
  }

  #issue(session: PipeSession, request: IsochRequest): void {
    const transfer = session.issue(request, this);
    if (this.#settings.underrun !== undefined) this.#last = fillerOf(transfer, request, this.#settings.underrun);
    this.#requestsInFlight++;
    this.#track(transfer, () => {
      this.#requestsInFlight--;
    });
    this.#subscriber.next(transfer);
  }

  /** Acts on an underrun, or, where the pipe is to be kept busy, before there is one. */
  #bridge(session: PipeSession, last: FillerFrames): void {
    if (this.#settings.underrun === "error") {
      if (this.#inFlight > 0) return;
      this.#fail(
        new UnderrunError(
          "underrun",
          "no request was ready when the last one had been sent: push earlier, raise queue, or choose another underrun policy",
        ),
      );
      return;
    }
    if (this.#inFlight >= Math.min(2, this.#settings.queue)) return;
    this.#attempt(() => {
      this.#track(session.fill(last.lengths, last.buffer.slice()));
    });
  }

  #track(transfer: IsochTransfer, released: () => void = () => undefined): void {
    this.#inFlight++;
    subscribeInner(transfer.released, this.#subscriber, {
      next: () => undefined,
      complete: () => {
        this.#inFlight--;
        released();
        if (this.#end === undefined) this.#advance();
        else if (this.#requestsInFlight === 0) this.#end();
      },
    });
  }

  #attempt(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#fail(asIsochError(error));
    }
  }
}

/** What keeps the pipe busy while no request is ready. */
interface FillerFrames {
  readonly lengths: Uint32Array;
  readonly buffer: Uint8Array;
}

function fillerOf(transfer: IsochTransfer, request: IsochRequest, policy: UnderrunPolicy): FillerFrames {
  if (policy !== "repeat") return { lengths: new Uint32Array(transfer.frames), buffer: new Uint8Array(0) };
  const lengths =
    typeof request.lengths === "number"
      ? new Uint32Array(transfer.frames).fill(request.lengths)
      : Uint32Array.from(request.lengths);
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const bytes = request.buffer ?? request.dma?.bytes ?? new Uint8Array(total);
  // Not with slice(), which on a Buffer does not copy.
  return { lengths, buffer: new Uint8Array(bytes.subarray(0, total)) };
}

import { concat, concatMap, defer, EMPTY, map, Observable, of, Subject, takeUntil, tap } from "rxjs";
import { closeOn, closingOn } from "./closings.js";
import { UsbDevice, type EndpointSelector } from "./device.js";
import { asIsochError, BusyError, TransferStateError } from "./errors.js";
import type { FrameResult, IsochResults } from "./results.js";
import type { PipeSession } from "./session.js";
import { planStream, type StreamOptions } from "./stream-options.js";
import { subscribeInner } from "./subscribe-inner.js";
import type { DeviceSelector, IsochTransport, ResultSource } from "./transport.js";

/** Which endpoint of which device. */
export interface PipeSelector extends DeviceSelector, EndpointSelector {}

/**
 * An isochronous endpoint of a device, as a stream of what happens in each of its frames.
 *
 * Cold and exclusive. Subscribing opens the device, claims the interface, selects the alternate
 * setting and streams; unsubscribing aborts, drains, releases and closes, in that order. A
 * subscription that comes while an earlier one, of this or of another pipe of the transport, is
 * still closing waits for that.
 *
 * A bad frame is a {@link FrameResult} with a status, and ends nothing. The stream errors when it
 * cannot go on, with `pipe-busy` for a second subscriber among others; it does not complete by
 * itself.
 *
 * Make one with {@link isochPipe}.
 */
export class IsochPipe extends Observable<FrameResult> {
  /** What it was made with. */
  readonly selector: EndpointSelector;
  readonly #origin: IsochTransport | UsbDevice;
  readonly #acquire: Observable<UsbDevice>;
  readonly #ownsDevice: boolean;
  #inUse = false;
  #closing: Observable<never> = EMPTY;

  /** @internal */
  constructor(origin: IsochTransport | UsbDevice, selector: EndpointSelector & DeviceSelector) {
    super((subscriber) => {
      let isFirst = true;
      subscribeInner(this.results(), subscriber, {
        next: (results) => {
          results.emitTo(subscriber, isFirst);
          isFirst = false;
        },
      });
    });
    this.selector = selector;
    this.#ownsDevice = !(origin instanceof UsbDevice);
    this.#origin = origin;
    this.#acquire =
      origin instanceof UsbDevice
        ? of(origin)
        : defer(() => origin.open(selector)).pipe(map((device) => new UsbDevice(device, origin.capabilities)));
  }

  /**
   * Completes, for each subscriber, when the session that was closing at the subscription, if one
   * was, is closed; errors with what went wrong in closing.
   */
  get closing(): Observable<never> {
    return defer(() => this.#closing);
  }

  /**
   * The same stream a transfer at a time: the fast path, without an object per frame. IN only.
   *
   * Frames are delivered in order, each once; {@link IsochResults.lost} counts those that were not.
   * The data is contiguous, and the receiver's. It is copied once where packets came short, and not
   * at all where they were full.
   *
   * Errors: what opening can fail with ({@link DeviceError}, {@link AccessError},
   * {@link BusyError}, {@link BandwidthError}, {@link EndpointError}); {@link InvalidRequestError}
   * for an option that cannot mean anything; later {@link DeviceError} `device-gone`, after the
   * results that had arrived, {@link OverflowError}, and {@link TransferStateError} `pipe-closed` if
   * the device it is on was closed.
   *
   * @example
   * ```ts
   * import { isochPipe, type IsochTransport } from "rx-isoch";
   *
   * export function bytesPerTransfer(transport: IsochTransport) {
   *   return isochPipe(transport, { vendorId: 0x1209, productId: 0x0001, endpoint: 0x81 })
   *     .results({ frames: 64, queue: 8 })
   *     .subscribe((results) => {
   *       console.log(results.firstFrame, results.lost, results.data.length);
   *     });
   * }
   * ```
   */
  results(options: StreamOptions = {}): Observable<IsochResults> {
    return new Observable<IsochResults>((subscriber) => {
      let source: ResultSource | undefined;
      let paused = false;
      let taking = false;
      const over = new Subject<void>();
      const fail = (error: unknown) => {
        // Closed before anybody hears of it, so that the one who does can subscribe again.
        over.next();
        subscriber.error(error);
      };
      const take = () => {
        if (taking || source === undefined) return;
        taking = true;
        while (!paused && !subscriber.closed) {
          const results = source.take();
          if (results !== undefined) {
            subscriber.next(results);
            continue;
          }
          if (source.ended !== undefined) fail(source.ended.error ?? closedMeanwhile());
          break;
        }
        taking = false;
      };
      if (options.pause !== undefined) {
        subscribeInner(options.pause, subscriber, {
          next: (value) => {
            paused = value;
            take();
          },
          complete: () => {
            // The last value stays in force.
          },
        });
      }
      if (subscriber.closed) return;
      subscribeInner(this.open().pipe(takeUntil(over)), subscriber, {
        next: (session) => {
          try {
            const plan = planStream(options, session.endpoint, session.capabilities);
            source = session.stream(plan, { ready: take, drained: take });
          } catch (error) {
            fail(error);
          }
          take();
        },
        complete: () => {
          // The stream ends where it fails.
        },
      });
    });
  }

  /**
   * Opens the pipe for as long as the subscription lasts, and emits the session on which requests
   * can be issued by hand. The unsubscribe cancels what is in flight, lets it drain, releases the
   * interface and closes the device.
   */
  open(): Observable<PipeSession> {
    return new Observable<PipeSession>((subscriber) => {
      if (this.#inUse) {
        throw new BusyError(
          "pipe-busy",
          "the pipe has a subscriber already: share() the stream, or make a pipe of another endpoint",
        );
      }
      this.#inUse = true;
      let close: () => Observable<never> = () => EMPTY;
      let isReleased = false;
      const release = () => {
        if (isReleased) return;
        isReleased = true;
        this.#inUse = false;
        this.#closing = closeOn(this.#origin, close());
      };
      // The opening hears of the unsubscribe first: what it has begun on the device is closing, too.
      const left = new Subject<void>();
      subscriber.add(() => {
        left.next();
        release();
      });
      const opening = concat(closingOn(this.#origin), this.#acquire).pipe(
        concatMap((device) => {
          close = this.#ownsDevice ? () => device.close() : () => device.leaving(this.selector.endpoint);
          return device.openPipe(this.selector);
        }),
        tap((session) => {
          if (!this.#ownsDevice) close = () => session.close();
        }),
        takeUntil(left),
      );
      subscribeInner(opening, subscriber, {
        next: (session) => {
          subscriber.next(session);
        },
        error: (error) => {
          release();
          subscriber.error(asIsochError(error));
        },
        complete: () => {
          // The session stays open until the unsubscribe.
        },
      });
    });
  }
}

function closedMeanwhile(): TransferStateError {
  return new TransferStateError("pipe-closed", "the device was closed while the pipe was streaming: open it again");
}

/**
 * Makes a pipe of an isochronous endpoint. Nothing is opened before the subscription.
 *
 * @param source a transport, and the device is opened for each subscription; or an open device,
 * which stays open
 *
 * @example
 * ```ts
 * import { isochPipe, type IsochTransport } from "rx-isoch";
 *
 * export const camera = (transport: IsochTransport) =>
 *   isochPipe(transport, { vendorId: 0x046d, endpoint: 0x81, alternate: 7 });
 * ```
 */
export function isochPipe(source: IsochTransport, selector: PipeSelector): IsochPipe;
/** The same on a device that is open. */
export function isochPipe(source: UsbDevice, selector: EndpointSelector): IsochPipe;
export function isochPipe(source: IsochTransport | UsbDevice, selector: PipeSelector): IsochPipe {
  return new IsochPipe(source, selector);
}

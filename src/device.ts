import { AsyncSubject, catchError, concat, defer, EMPTY, Observable, of, tap, throwError } from "rxjs";
import { checkControl } from "./control.js";
import type { ConfigurationDescriptor } from "./descriptors/model.js";
import { findIsochEndpoint, maxBytesPerInterval, serviceInterval } from "./endpoint.js";
import { BusyError, TransferStateError } from "./errors.js";
import { InterfaceClaims } from "./interface-claims.js";
import { InterfaceLeases } from "./interface-leases.js";
import { wholeNumber } from "./numbers.js";
import { OpenedEndpoint } from "./opened-endpoint.js";
import type { PipeEndpoint } from "./pipe-endpoint.js";
import { PipeSession } from "./session.js";
import { runAll, settled } from "./teardown.js";
import type { ControlSetup, DeviceInfo, TransportCapabilities, TransportDevice } from "./transport.js";

/** Which endpoint of a device. */
export interface EndpointSelector {
  /** bEndpointAddress. */
  readonly endpoint: number;
  /** Needed only where two interfaces have an endpoint of this address. */
  readonly interfaceNumber?: number | undefined;
  /** bAlternateSetting. Default: the one in which the endpoint has the most bytes per frame. */
  readonly alternate?: number | undefined;
}

/**
 * An open device: control requests, and pipes that share it.
 *
 * Get one from {@link openDevice}. Two pipes in one interface (a speaker and its feedback endpoint)
 * must share a device; pipes in different interfaces need not.
 */
export class UsbDevice {
  /** What was known of the device before it was opened. */
  readonly info: DeviceInfo;
  /** The configuration that is selected. */
  readonly configuration: ConfigurationDescriptor;
  /** What the transport can do. */
  readonly capabilities: TransportCapabilities;
  readonly #device: TransportDevice;
  readonly #claims: InterfaceClaims;
  readonly #leases: InterfaceLeases;
  /** By address: endpoints that are open, or being opened or closed. */
  readonly #opened = new Map<number, OpenedEndpoint>();
  readonly #closed = new AsyncSubject<never>();
  #isClosing = false;
  /** The ends of what was open at the close. */
  #leaving: readonly Observable<never>[] = [];
  /** The transport's device was told to close. */
  #isReleased = false;

  /** @internal */
  constructor(device: TransportDevice, capabilities: TransportCapabilities) {
    this.info = device.info;
    this.configuration = device.configuration;
    this.capabilities = capabilities;
    this.#device = device;
    this.#claims = new InterfaceClaims(device);
    this.#leases = new InterfaceLeases(this.#claims);
  }

  /** Completes when the device is closed; errors with what went wrong in closing. */
  get closed(): Observable<never> {
    return this.#closed.asObservable();
  }

  /**
   * Claims an interface until the device is closed; pipes in it share the claim. Needed where requests go
   * to the interface before a pipe is open, as in the negotiation of a camera. An interface that is claimed
   * already stays so.
   *
   * The claims are given back, the last first, when every pipe is closed.
   *
   * Errors: {@link BusyError} `interface-busy`; {@link AccessError}; {@link EndpointError}
   * `no-such-endpoint` where the device has no such interface; {@link DeviceError} `device-gone`;
   * {@link TransferStateError} `pipe-closed`.
   */
  claimInterface(interfaceNumber: number): Observable<never> {
    return defer(() => {
      if (this.#isClosing) throw deviceClosed();
      return this.#claims.hold(wholeNumber("interfaceNumber", interfaceNumber, 0, 255));
    });
  }

  /**
   * Claims an interface as {@link UsbDevice.claimInterface} does, and selects its alternate setting 0, the
   * default, at each subscription: what a program that crashed left streaming stands still. Some cameras want it
   * before they are asked for anything. (USB 2.0, 9.6.5)
   *
   * Errors: as {@link UsbDevice.claimInterface}; {@link BusyError} `interface-busy` while a pipe is in another
   * alternate setting of it.
   */
  selectDefaultAlternate(interfaceNumber: number): Observable<never> {
    return concat(
      this.claimInterface(interfaceNumber),
      this.#leases.selectDefault(interfaceNumber, () => {
        if (this.#isClosing) throw deviceClosed();
      }),
    );
  }

  /**
   * A control transfer on endpoint zero, at each subscription. IN: `data` is the number of bytes
   * asked for, and what came is emitted. OUT: `data` is the bytes to send, and an empty array is
   * emitted when they were. (USB 2.0, 9.3)
   *
   * Errors: {@link InvalidRequestError} for what does not fit in a setup packet; {@link DeviceError}
   * `control-stalled`, `device-gone`; {@link TransferStateError} `pipe-closed` once the device is closed.
   */
  controlTransfer(setup: ControlSetup, data: number | Uint8Array): Observable<Uint8Array> {
    return this.#step(() => {
      checkControl(setup, data);
      return this.#device.controlTransfer(setup, data);
    });
  }

  /** Ends the halt of an endpoint, at each subscription. (USB 2.0, 9.4.1) */
  clearHalt(endpoint: number): Observable<never> {
    return this.#step(() => this.#device.clearHalt(wholeNumber("endpoint", endpoint, 0, 255)));
  }

  /**
   * Resets the port of the device, at each subscription. Transfers in flight are cancelled, streams
   * error with {@link TransferStateError} `pipe-closed`, and every interface goes to alternate
   * setting 0: pipes that are open take no more requests. Close all of an interface, and open them
   * again.
   */
  reset(): Observable<never> {
    return this.#step(() => this.#device.reset());
  }

  /**
   * Claims the interface of an endpoint, selects its alternate setting, and emits the open pipe,
   * which is the subscriber's to close. Unsubscribed before that, it leaves nothing behind.
   *
   * Errors: {@link EndpointError}; {@link BusyError}; {@link BandwidthError}; {@link DeviceError}.
   */
  openPipe(selector: EndpointSelector): Observable<PipeSession> {
    return defer(() => {
      const endpoint = this.#find(selector);
      const other = this.#opened.get(endpoint.address);
      if (other === undefined) return this.#open(endpoint);
      if (other.isLeaving) return concat(settled(other.left), this.openPipe(selector));
      throw new BusyError(
        "pipe-busy",
        `endpoint 0x${endpoint.address.toString(16)} is open already: share() its stream, or close it first`,
      );
    });
  }

  /**
   * Closes the device, after every pipe on it. Starts at once, without a subscription, and only
   * once.
   *
   * @returns {@link UsbDevice.closed}
   */
  close(): Observable<never> {
    if (!this.#isClosing) {
      this.#isClosing = true;
      this.#leaving = Array.from(this.#opened.values(), ({ left }) => left);
      for (const { session } of this.#opened.values()) void session?.close();
      this.#settle();
    }
    return this.closed;
  }

  /**
   * Completes when an endpoint whose user has left is free again; at once where nobody has, or is there still.
   * @internal
   */
  leaving(endpoint: number): Observable<never> {
    return defer(() => {
      const opened = this.#opened.get(endpoint);
      return opened?.isLeaving === true ? opened.left : EMPTY;
    });
  }

  #step<T>(begin: () => Observable<T>): Observable<T> {
    return defer(() => {
      if (this.#isReleased) throw deviceClosed();
      return begin();
    });
  }

  #find(selector: EndpointSelector): PipeEndpoint {
    if (this.#isClosing) throw deviceClosed();
    const { speed } = this.info;
    const { endpoint, interfaceNumber, alternate } = findIsochEndpoint(this.configuration, selector, speed);
    return {
      address: endpoint.address,
      direction: endpoint.direction,
      speed,
      interfaceNumber,
      alternate: alternate.alternateSetting,
      maxFrameLength: maxBytesPerInterval(endpoint, speed),
      frameDuration: serviceInterval(endpoint, speed),
      descriptor: endpoint,
    };
  }

  #open(endpoint: PipeEndpoint): Observable<PipeSession> {
    return new Observable<PipeSession>((subscriber) => {
      const opened = new OpenedEndpoint();
      this.#opened.set(endpoint.address, opened);
      subscriber.add(() => {
        opened.abandoned = opened.session === undefined;
      });
      const free = () => {
        this.#opened.delete(endpoint.address);
        this.#settle();
      };
      const release = defer(() => this.#leases.release(endpoint.interfaceNumber)).pipe(
        tap({
          error: (error: unknown) => {
            free();
            opened.fail(error);
          },
          complete: () => {
            free();
            opened.leave();
          },
        }),
      );
      const acquire = this.#leases.acquire(endpoint.interfaceNumber, endpoint.alternate).pipe(
        tap({
          error: () => {
            free();
            opened.leave();
          },
        }),
      );
      const create = defer(() => {
        if (opened.abandoned || this.#isClosing) {
          throw new TransferStateError("pipe-closed", "the device was closed while the pipe was being opened");
        }
        const port = this.#device.openEndpoint(endpoint.address);
        opened.session = new PipeSession({
          endpoint,
          port,
          capabilities: this.capabilities,
          gone: this.#device.gone,
          release,
        });
        return of(opened.session);
      }).pipe(
        catchError((error: unknown) =>
          concat(
            settled(release),
            throwError(() => error),
          ),
        ),
      );
      // Not tied to the subscriber: what has begun on the device is finished, and then undone.
      concat(acquire, create).subscribe({
        next: (session) => {
          subscriber.next(session);
        },
        error: (error: unknown) => {
          subscriber.error(error);
        },
        complete: () => {
          subscriber.complete();
        },
      });
    });
  }

  #settle(): void {
    if (!this.#isClosing || this.#isReleased || this.#opened.size > 0) return;
    this.#isReleased = true;
    runAll(...this.#leaving, this.#leases.settled(), this.#claims.releaseHeld(), this.#device.close()).subscribe(
      this.#closed,
    );
  }
}

function deviceClosed(): TransferStateError {
  return new TransferStateError("pipe-closed", "the device is closed: open it again");
}

import { AsyncSubject, concat, defer, EMPTY, throwError, type Observable, type Subscription } from "rxjs";
import {
  UnsupportedError,
  type ConfigurationDescriptor,
  type ControlSetup,
  type DeviceInfo,
  type IsochError,
  type TransportDevice,
  type TransportEndpoint,
} from "../../../src/index.js";
import { handleClosed } from "../../../src/device-errors.js";
import { runAll } from "../../../src/teardown.js";
import type { ImportUse } from "./imports.js";
import type { RemoteDevice } from "./remote-device.js";

/** A handle on an imported device. */
export class OpenedDevice implements TransportDevice {
  readonly info: DeviceInfo;
  readonly configuration: ConfigurationDescriptor;
  readonly #use: ImportUse;
  readonly #gone = new AsyncSubject<IsochError>();
  readonly #watch: Subscription;
  #closing: AsyncSubject<never> | undefined;

  constructor(use: ImportUse) {
    const { remote } = use;
    this.info = remote.info;
    this.configuration = remote.configuration;
    this.#use = use;
    this.#watch = remote.gone.subscribe(this.#gone);
  }

  get gone(): Observable<IsochError> {
    return this.#gone.asObservable();
  }

  controlTransfer(setup: ControlSetup, data: number | Uint8Array): Observable<Uint8Array> {
    return defer(() => this.#open().control(setup, data));
  }

  claimInterface(interfaceNumber: number): Observable<never> {
    return defer(() => {
      this.#open().claim(interfaceNumber, this);
      return EMPTY;
    });
  }

  releaseInterface(interfaceNumber: number): Observable<never> {
    return finished(() => this.#open().release(interfaceNumber, this));
  }

  selectAlternate(interfaceNumber: number, alternateSetting: number): Observable<never> {
    return finished(() => this.#open().selectAlternate(interfaceNumber, alternateSetting, this));
  }

  clearHalt(endpointAddress: number): Observable<never> {
    return finished(() => this.#open().clearHalt(endpointAddress));
  }

  reset(): Observable<never> {
    return throwError(
      () =>
        new UnsupportedError(
          "unsupported",
          `the USB/IP protocol has no request to reset the port of ${this.info.id}: close the device and open it again, as servers reset what they get back`,
        ),
    );
  }

  openEndpoint(endpointAddress: number): TransportEndpoint {
    return this.#open().openEndpoint(endpointAddress, this);
  }

  close(): Observable<never> {
    return defer(() => {
      if (this.#closing === undefined) {
        this.#closing = new AsyncSubject<never>();
        const use = this.#use;
        const end = defer(() => {
          this.#watch.unsubscribe();
          this.#gone.complete();
          return EMPTY;
        });
        runAll(
          use.remote.releaseAll(this),
          concat(
            defer(() => use.release()),
            end,
          ),
        ).subscribe(this.#closing);
      }
      return this.#closing.asObservable();
    });
  }

  #open(): RemoteDevice {
    if (this.#closing === undefined) return this.#use.remote;
    throw handleClosed(this.info.id);
  }
}

/** A step that is not cut short by an unsubscribe: what has begun on the device is finished. */
function finished(begin: () => Observable<never>): Observable<never> {
  return defer(() => {
    const step = new AsyncSubject<never>();
    begin().subscribe(step);
    return step;
  });
}

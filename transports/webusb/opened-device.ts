import { AsyncSubject, defer, from, ignoreElements, type Observable, type Subscription } from "rxjs";
import type {
  ConfigurationDescriptor,
  ControlSetup,
  DeviceInfo,
  IsochError,
  TransportDevice,
  TransportEndpoint,
} from "../../src/index.js";
import { checkControl } from "../../src/control.js";
import { handleClosed } from "../../src/device-errors.js";
import type { DeviceOptions, SharedDevice } from "./shared-device.js";

/** A handle on a USBDevice that is open. */
export class OpenedDevice implements TransportDevice {
  readonly info: DeviceInfo;
  readonly configuration: ConfigurationDescriptor;
  readonly #device: SharedDevice;
  readonly #gone = new AsyncSubject<IsochError>();
  readonly #watch: Subscription;
  readonly #options: DeviceOptions;
  readonly #closed: () => void;
  #closing: Promise<void> | undefined;

  /** @param closed called once, when the handle is closed */
  constructor(device: SharedDevice, options: DeviceOptions, closed: () => void) {
    this.info = device.infoAt(options.speed);
    this.configuration = device.configuration;
    this.#device = device;
    this.#options = options;
    this.#closed = closed;
    this.#watch = device.gone.subscribe(this.#gone);
  }

  get gone(): Observable<IsochError> {
    return this.#gone.asObservable();
  }

  controlTransfer(setup: ControlSetup, data: number | Uint8Array): Observable<Uint8Array> {
    return defer(() => {
      const device = this.#open();
      checkControl(setup, data);
      return device.control(setup, data);
    });
  }

  claimInterface(interfaceNumber: number): Observable<never> {
    return this.#step((device) => device.claim(interfaceNumber, this));
  }

  releaseInterface(interfaceNumber: number): Observable<never> {
    return this.#step((device) => device.releaseInterface(interfaceNumber, this));
  }

  selectAlternate(interfaceNumber: number, alternateSetting: number): Observable<never> {
    return this.#step((device) => device.selectAlternate(interfaceNumber, alternateSetting, this));
  }

  clearHalt(endpointAddress: number): Observable<never> {
    return this.#step((device) => device.clearHalt(endpointAddress));
  }

  reset(): Observable<never> {
    return this.#step((device) => device.reset());
  }

  openEndpoint(endpointAddress: number): TransportEndpoint {
    return this.#open().openEndpoint(endpointAddress, this, this.#options);
  }

  close(): Observable<never> {
    return defer(() => {
      this.#closing ??= this.#device.release(this).finally(() => {
        this.#watch.unsubscribe();
        this.#gone.complete();
        this.#closed();
      });
      return from(this.#closing).pipe(ignoreElements());
    });
  }

  #step(work: (device: SharedDevice) => Promise<void>): Observable<never> {
    return defer(() => work(this.#open())).pipe(ignoreElements());
  }

  #open(): SharedDevice {
    if (this.#closing === undefined) return this.#device;
    throw handleClosed(this.info.id);
  }
}

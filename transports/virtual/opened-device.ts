import { AsyncSubject, defer, EMPTY, of, type Observable, type Subscription } from "rxjs";
import {
  DeviceError,
  type ConfigurationDescriptor,
  type ControlSetup,
  type DeviceInfo,
  type IsochError,
  type TransportDevice,
  type TransportEndpoint,
} from "../../src/index.js";
import { checkControl } from "../../src/control.js";
import { handleClosed } from "../../src/device-errors.js";
import type { AttachedDevice } from "./attached-device.js";
import { answerStandardRequest } from "./standard-requests.js";

/** A handle on a device of the virtual bus. Every step is done before `subscribe` returns. */
export class OpenedDevice implements TransportDevice {
  readonly info: DeviceInfo;
  readonly configuration: ConfigurationDescriptor;
  readonly #device: AttachedDevice;
  readonly #closed: () => void;
  readonly #gone = new AsyncSubject<IsochError>();
  readonly #watch: Subscription;
  #isClosed = false;

  /** @param closed called once, when the handle is closed */
  constructor(device: AttachedDevice, closed: () => void) {
    this.info = device.info;
    this.configuration = device.configuration;
    this.#device = device;
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
      device.checkPresent();
      const answer =
        setup.type === "standard" ? answerStandardRequest(device, setup, this) : device.control(setup, data);
      if (answer === undefined) {
        throw new DeviceError(
          "control-stalled",
          `${this.info.id} refused the ${setup.type} request ${setup.request} (value ${setup.value}, index ${setup.index}): check them against the device's documentation`,
        );
      }
      return of(typeof data === "number" ? answer.slice(0, data) : new Uint8Array(0));
    });
  }

  claimInterface(interfaceNumber: number): Observable<never> {
    return this.#step((device) => {
      device.claim(interfaceNumber, this);
    });
  }

  releaseInterface(interfaceNumber: number): Observable<never> {
    return this.#step((device) => {
      device.release(interfaceNumber, this);
    });
  }

  selectAlternate(interfaceNumber: number, alternateSetting: number): Observable<never> {
    return this.#step((device) => {
      device.selectAlternate(interfaceNumber, alternateSetting, this);
    });
  }

  clearHalt(endpointAddress: number): Observable<never> {
    return this.#step((device) => {
      device.checkPresent();
      // Of an endpoint that is not there this would be a STALL, which no host takes for an answer.
      if (device.hasEndpoint(endpointAddress)) device.clearHalt(endpointAddress);
      else device.endpoint(endpointAddress, this);
    });
  }

  reset(): Observable<never> {
    return this.#step((device) => {
      device.reset();
    });
  }

  openEndpoint(endpointAddress: number): TransportEndpoint {
    return this.#open().endpoint(endpointAddress, this);
  }

  close(): Observable<never> {
    return defer(() => {
      if (this.#isClosed) return EMPTY;
      this.#isClosed = true;
      this.#closed();
      this.#watch.unsubscribe();
      this.#gone.complete();
      this.#device.releaseAll(this);
      return EMPTY;
    });
  }

  #step(act: (device: AttachedDevice) => void): Observable<never> {
    return defer(() => {
      act(this.#open());
      return EMPTY;
    });
  }

  #open(): AttachedDevice {
    if (!this.#isClosed) return this.#device;
    throw handleClosed(this.info.id);
  }
}

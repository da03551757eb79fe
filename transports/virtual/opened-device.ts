import { defer, EMPTY, of, type Observable } from "rxjs";
import {
  DeviceError,
  type ConfigurationDescriptor,
  type ControlSetup,
  type DeviceInfo,
  type TransportDevice,
  type TransportEndpoint,
} from "../../src/index.js";
import type { AttachedDevice } from "./attached-device.js";
import { answerStandardRequest } from "./standard-requests.js";

/** A handle on a device of the virtual bus. Every step is done before `subscribe` returns. */
export class OpenedDevice implements TransportDevice {
  readonly info: DeviceInfo;
  readonly configuration: ConfigurationDescriptor;
  readonly #device: AttachedDevice;
  readonly #closed: () => void;

  /** @param closed called when the handle is closed */
  constructor(device: AttachedDevice, closed: () => void) {
    this.info = device.info;
    this.configuration = device.configuration;
    this.#device = device;
    this.#closed = closed;
  }

  controlTransfer(setup: ControlSetup, data: number | Uint8Array): Observable<Uint8Array> {
    return defer(() => {
      this.#device.checkPresent();
      const answer =
        setup.type === "standard"
          ? answerStandardRequest(this.#device, setup)
          : this.#device.model.control?.(setup, data);
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
    return step(() => {
      this.#device.claim(interfaceNumber, this);
    });
  }

  releaseInterface(interfaceNumber: number): Observable<never> {
    return step(() => {
      this.#device.release(interfaceNumber, this);
    });
  }

  selectAlternate(interfaceNumber: number, alternateSetting: number): Observable<never> {
    return step(() => {
      this.#device.selectAlternate(interfaceNumber, alternateSetting);
    });
  }

  clearHalt(endpointAddress: number): Observable<never> {
    return step(() => {
      this.#device.checkPresent();
      this.#device.faultsOf(endpointAddress).clearHalt(this.#device.frameOf(endpointAddress));
    });
  }

  reset(): Observable<never> {
    return step(() => {
      this.#device.reset();
    });
  }

  openEndpoint(endpointAddress: number): TransportEndpoint {
    return this.#device.endpoint(endpointAddress);
  }

  close(): Observable<never> {
    return step(() => {
      this.#device.releaseAll(this);
      this.#closed();
    });
  }
}

function step(act: () => void): Observable<never> {
  return defer(() => {
    act();
    return EMPTY;
  });
}

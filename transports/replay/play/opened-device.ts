import { AsyncSubject, defer, EMPTY, of, type Observable } from "rxjs";
import { checkControl } from "../../../src/control.js";
import { handleClosed } from "../../../src/device-errors.js";
import {
  DeviceError,
  type ConfigurationDescriptor,
  type ControlSetup,
  type DeviceInfo,
  type IsochError,
  type TransportDevice,
  type TransportEndpoint,
} from "../../../src/index.js";
import { encodeSetup, requests, setupKey } from "../format/setup.js";
import type { DeviceState } from "./device-state.js";

/** A handle on a device of a capture. Every step is done before `subscribe` returns. */
export class OpenedDevice implements TransportDevice {
  readonly info: DeviceInfo;
  readonly configuration: ConfigurationDescriptor;
  readonly #state: DeviceState;
  readonly #gone = new AsyncSubject<IsochError>();
  /** How often a request was asked, by its setup packet. */
  readonly #asked = new Map<string, number>();
  #isClosed = false;

  constructor(state: DeviceState) {
    this.info = state.recorded.info;
    this.configuration = state.recorded.configuration;
    this.#state = state;
  }

  get gone(): Observable<IsochError> {
    return this.#gone.asObservable();
  }

  controlTransfer(setup: ControlSetup, data: number | Uint8Array): Observable<Uint8Array> {
    return defer(() => {
      this.#open();
      checkControl(setup, data);
      const answer = this.#answer(setup);
      if (answer === undefined) {
        throw new DeviceError(
          "control-stalled",
          `the capture of ${this.info.id} has no good answer to the ${setup.type} request ${setup.request} (value ${setup.value}, index ${setup.index}): do without, or record it`,
        );
      }
      return of(typeof data === "number" ? answer.slice(0, data) : new Uint8Array(0));
    });
  }

  claimInterface(interfaceNumber: number): Observable<never> {
    return this.#step((state) => {
      state.claim(interfaceNumber, this);
    });
  }

  releaseInterface(interfaceNumber: number): Observable<never> {
    return this.#step((state) => {
      state.release(interfaceNumber, this);
    });
  }

  selectAlternate(interfaceNumber: number, alternateSetting: number): Observable<never> {
    return this.#step((state) => {
      state.select(interfaceNumber, alternateSetting, this);
    });
  }

  clearHalt(endpointAddress: number): Observable<never> {
    return this.#step((state) => {
      if (!state.hasEndpoint(endpointAddress)) state.open(endpointAddress, this);
    });
  }

  reset(): Observable<never> {
    return this.#step((state) => {
      state.reset();
    });
  }

  openEndpoint(endpointAddress: number): TransportEndpoint {
    return this.#open().open(endpointAddress, this);
  }

  close(): Observable<never> {
    return defer(() => {
      if (this.#isClosed) return EMPTY;
      this.#isClosed = true;
      this.#gone.complete();
      this.#state.releaseAll(this);
      return EMPTY;
    });
  }

  /** Of the device that was recorded; requests that a host makes of any device it is taken to grant. */
  #answer(setup: ControlSetup): Uint8Array | undefined {
    const { controls } = this.#state.recorded;
    if (setup.type === "standard") {
      if (setup.direction === "out") return new Uint8Array(0);
      if (setup.request === requests.getDescriptor && setup.recipient === "device") {
        return controls.descriptor(setup.value >> 8, setup.value & 0xff);
      }
      if (setup.request === requests.getInterface) {
        return Uint8Array.of(this.#state.selectedAlternate(setup.index));
      }
    }
    const bytes = encodeSetup(setup, 0);
    const key = setupKey(bytes);
    const count = this.#asked.get(key) ?? 0;
    this.#asked.set(key, count + 1);
    const answer = controls.answer(bytes, count);
    return answer?.status === 0 ? answer.data : undefined;
  }

  #step(act: (state: DeviceState) => void): Observable<never> {
    return defer(() => {
      act(this.#open());
      return EMPTY;
    });
  }

  #open(): DeviceState {
    if (!this.#isClosed) return this.#state;
    throw handleClosed(this.info.id);
  }
}

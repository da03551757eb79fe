import { AsyncSubject, catchError, concat, defer, EMPTY, ignoreElements, tap, throwError, type Observable } from "rxjs";
import {
  DescriptorError,
  DeviceError,
  type AlternateSetting,
  type ConfigurationDescriptor,
  type ControlSetup,
  type DeviceInfo,
  type IsochError,
} from "../../../src/index.js";
import { alternateOf, alternatesOf } from "../../../src/alternates.js";
import { handleClosed, notSelected } from "../../../src/device-errors.js";
import { hexAddress } from "../../../src/endpoint.js";
import { HandleClaims } from "../../../src/handle-claims.js";
import { runAll } from "../../../src/teardown.js";
import { controlTransfer } from "./control.js";
import { UsbipEndpoint } from "./endpoint.js";
import { outOfReach } from "./errors.js";
import type { UrbConnection } from "./urb-connection.js";

/** What a {@link RemoteDevice} is made of. */
export interface RemoteDeviceInit {
  readonly connection: UrbConnection;
  readonly info: DeviceInfo;
  readonly configuration: ConfigurationDescriptor;
  /** Milliseconds that an answer may take. */
  readonly timeout: number;
}

/** bRequest (USB 2.0, table 9-4). */
const requests = { clearFeature: 1, setInterface: 11 } as const;
const nothing = new Uint8Array(0);

/**
 * A device that is imported, and what a host keeps in mind of it: who has claimed which interface, and
 * which alternate setting is selected there. Whoever opens the device in this program shares it.
 */
export class RemoteDevice {
  readonly info: DeviceInfo;
  readonly configuration: ConfigurationDescriptor;
  readonly #connection: UrbConnection;
  readonly #timeout: number;
  readonly #gone = new AsyncSubject<IsochError>();
  readonly #claims: HandleClaims;
  /** By interface. None until one is selected: servers hand out devices as they got them; `undefined` where that is under way, or failed. */
  readonly #selected = new Map<number, AlternateSetting | undefined>();
  /** Those of selected alternate settings, and those that are draining. */
  readonly #endpoints = new Map<UsbipEndpoint, number>();

  constructor({ connection, info, configuration, timeout }: RemoteDeviceInit) {
    this.info = info;
    this.configuration = configuration;
    this.#connection = connection;
    this.#timeout = timeout;
    this.#claims = new HandleClaims(info.id);
    connection.lost.subscribe({
      next: (error) => {
        this.#lose(error);
      },
      error: (error: unknown) => {
        this.#gone.error(error);
      },
      complete: () => {
        // Where somebody closes with transfers in flight, those that wait here are over too.
        for (const endpoint of this.#endpoints.keys()) endpoint.fail(handleClosed(info.id));
        this.#gone.complete();
      },
    });
  }

  /** Emits once the device is gone, after what was in flight has completed, and completes; completes without once it is closed. */
  get gone(): Observable<IsochError> {
    return this.#gone.asObservable();
  }

  control(setup: ControlSetup, data: number | Uint8Array, to?: string): Observable<Uint8Array> {
    const context = { connection: this.#connection, id: this.info.id, timeout: this.#timeout };
    return controlTransfer(context, setup, data, to);
  }

  /** @throws {@link EndpointError}; `BusyError`; why the connection is gone */
  claim(interfaceNumber: number, claimer: object): void {
    alternatesOf(this.configuration, interfaceNumber, this.info.id);
    if (this.#connection.failure !== undefined) throw this.#connection.failure;
    this.#claims.claim(interfaceNumber, claimer);
  }

  /** The interface goes back to alternate setting 0. */
  release(interfaceNumber: number, claimer: object): Observable<never> {
    return defer(() => {
      if (!this.#claims.has(interfaceNumber, claimer)) return EMPTY;
      const isAtRest =
        !this.#selected.has(interfaceNumber) || this.#selected.get(interfaceNumber)?.alternateSetting === 0;
      return runAll(
        isAtRest ? this.#retire(interfaceNumber) : this.selectAlternate(interfaceNumber, 0, claimer),
        defer(() => {
          this.#claims.release(interfaceNumber);
          return EMPTY;
        }),
      );
    });
  }

  /** Releases whatever somebody has claimed. */
  releaseAll(claimer: object): Observable<never> {
    return defer(() =>
      runAll(...this.#claims.of(claimer).map((interfaceNumber) => this.release(interfaceNumber, claimer))),
    );
  }

  /** What is in flight on the endpoints of the interface completes first, as cancelled. */
  selectAlternate(interfaceNumber: number, alternateSetting: number, claimer: object): Observable<never> {
    return defer(() => {
      const { id } = this.info;
      const alternate = alternateOf(this.configuration, interfaceNumber, alternateSetting, id);
      const isOnlyOne = alternatesOf(this.configuration, interfaceNumber, id).length === 1;
      this.#claims.check(interfaceNumber, claimer);
      this.#selected.set(interfaceNumber, undefined);
      const setup = standardOut("interface", requests.setInterface, alternateSetting, interfaceNumber);
      const to = `select alternate setting ${alternateSetting} of interface ${interfaceNumber} of`;
      return concat(
        this.#retire(interfaceNumber),
        this.control(setup, nothing, to).pipe(
          ignoreElements(),
          // A device with nothing to select there may refuse the request (USB 2.0, 9.4.10).
          catchError((error: unknown) => {
            const isRefusal = DeviceError.is(error) && error.code === "control-stalled";
            return isRefusal && isOnlyOne ? EMPTY : throwError(() => error);
          }),
          tap({ complete: () => this.#selected.set(interfaceNumber, alternate) }),
        ),
      );
    });
  }

  clearHalt(endpointAddress: number): Observable<never> {
    const setup = standardOut("endpoint", requests.clearFeature, 0, endpointAddress);
    return this.control(setup, nothing, `clear the halt of endpoint ${hexAddress(endpointAddress)} of`).pipe(
      ignoreElements(),
    );
  }

  /** @throws {@link EndpointError} `not-in-alternate`; `BusyError`; why the connection is gone */
  openEndpoint(endpointAddress: number, claimer: object): UsbipEndpoint {
    if (this.#connection.failure !== undefined) throw this.#connection.failure;
    for (const [interfaceNumber, alternate] of this.#selected) {
      const descriptor = alternate?.endpoints.find(
        ({ address, transferType }) => address === endpointAddress && transferType === "isochronous",
      );
      if (descriptor === undefined) continue;
      this.#claims.check(interfaceNumber, claimer);
      const { id, speed } = this.info;
      const endpoint = new UsbipEndpoint({
        connection: this.#connection,
        id,
        descriptor,
        speed,
        timeout: this.#timeout,
      });
      this.#endpoints.set(endpoint, interfaceNumber);
      return endpoint;
    }
    throw notSelected(endpointAddress, this.info.id);
  }

  /** Closes the connection. */
  close(): Observable<never> {
    return this.#connection.close(handleClosed(this.info.id));
  }

  /** The endpoints there take nothing any more. Completes when nothing is in flight. */
  #retire(interfaceNumber: number): Observable<never> {
    return defer(() => {
      const retiring = [...this.#endpoints].filter(([, number]) => number === interfaceNumber);
      for (const [endpoint] of retiring) {
        endpoint.retire();
        this.#endpoints.delete(endpoint);
      }
      return concat(...retiring.map(([{ drained }]) => drained));
    });
  }

  #lose(error: IsochError): void {
    for (const endpoint of this.#endpoints.keys()) endpoint.fail(error);
    this.#gone.next(outOfReach(this.info.id, error));
  }
}

/** A standard request without data. */
export function standardOut(
  recipient: ControlSetup["recipient"],
  request: number,
  value: number,
  index: number,
): ControlSetup {
  return { direction: "out", type: "standard", recipient, request, value, index };
}

/** @throws {@link DescriptorError} if the configuration that is selected could not be read */
export function selectedConfiguration(info: DeviceInfo, value: number): ConfigurationDescriptor {
  const found = info.configurations.find((each) => each.value === value);
  if (found !== undefined) return found;
  throw new DescriptorError(
    "bad-descriptor",
    `${info.id} is in configuration ${value}, of which it has no valid descriptor`,
  );
}

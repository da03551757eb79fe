import { AsyncSubject, catchError, concat, defer, EMPTY, ignoreElements, tap, throwError, type Observable } from "rxjs";
import {
  DescriptorError,
  DeviceError,
  EndpointError,
  type AlternateSetting,
  type ConfigurationDescriptor,
  type ControlSetup,
  type DeviceInfo,
  type IsochError,
} from "../../../src/index.js";
import { handleClosed, interfaceClaimed } from "../../../src/device-errors.js";
import { hexAddress } from "../../../src/endpoint.js";
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
  readonly #claims = new Map<number, object>();
  /** By interface. None until one is selected: servers hand out devices as they got them; `undefined` where that is under way, or failed. */
  readonly #selected = new Map<number, AlternateSetting | undefined>();
  /** Those of selected alternate settings, and those that are draining. */
  readonly #endpoints = new Map<UsbipEndpoint, number>();

  constructor({ connection, info, configuration, timeout }: RemoteDeviceInit) {
    this.info = info;
    this.configuration = configuration;
    this.#connection = connection;
    this.#timeout = timeout;
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
    this.#alternatesOf(interfaceNumber);
    if (this.#connection.failure !== undefined) throw this.#connection.failure;
    this.#checkClaim(interfaceNumber, claimer);
    this.#claims.set(interfaceNumber, claimer);
  }

  /** The interface goes back to alternate setting 0. */
  release(interfaceNumber: number, claimer: object): Observable<never> {
    return defer(() => {
      if (this.#claims.get(interfaceNumber) !== claimer) return EMPTY;
      const isAtRest =
        !this.#selected.has(interfaceNumber) || this.#selected.get(interfaceNumber)?.alternateSetting === 0;
      return runAll(
        isAtRest ? this.#retire(interfaceNumber) : this.selectAlternate(interfaceNumber, 0, claimer),
        defer(() => {
          this.#claims.delete(interfaceNumber);
          return EMPTY;
        }),
      );
    });
  }

  /** Releases whatever somebody has claimed. */
  releaseAll(claimer: object): Observable<never> {
    return defer(() => {
      const held = [...this.#claims].filter(([, holder]) => holder === claimer);
      return runAll(...held.map(([interfaceNumber]) => this.release(interfaceNumber, claimer)));
    });
  }

  /** What is in flight on the endpoints of the interface completes first, as cancelled. */
  selectAlternate(interfaceNumber: number, alternateSetting: number, claimer: object): Observable<never> {
    return defer(() => {
      const alternates = this.#alternatesOf(interfaceNumber);
      const alternate = alternates.find((each) => each.alternateSetting === alternateSetting);
      if (alternate === undefined) throw this.#noSuch(`alternate setting ${alternateSetting}`);
      this.#checkClaim(interfaceNumber, claimer);
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
            return isRefusal && alternates.length === 1 ? EMPTY : throwError(() => error);
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
      this.#checkClaim(interfaceNumber, claimer);
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
    throw new EndpointError(
      "not-in-alternate",
      `endpoint ${hexAddress(endpointAddress)} of ${this.info.id} is not an isochronous endpoint of a selected alternate setting: select one that has it`,
    );
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

  #checkClaim(interfaceNumber: number, claimer: object): void {
    const holder = this.#claims.get(interfaceNumber);
    if (holder === undefined || holder === claimer) return;
    throw interfaceClaimed(interfaceNumber, this.info.id);
  }

  #alternatesOf(interfaceNumber: number): readonly AlternateSetting[] {
    const found = this.configuration.interfaces.find(({ number }) => number === interfaceNumber);
    if (found === undefined) throw this.#noSuch(`interface ${interfaceNumber}`);
    return found.alternates;
  }

  #noSuch(what: string): EndpointError {
    return new EndpointError(
      "no-such-endpoint",
      `${this.info.id} has no ${what}: look at what its configuration lists`,
    );
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

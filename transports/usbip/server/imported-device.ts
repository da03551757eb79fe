import { catchError, concat, defer, EMPTY, tap, throwError, type Observable } from "rxjs";
import {
  EndpointError,
  type AlternateSetting,
  type ConfigurationDescriptor,
  type EndpointDescriptor,
  type TransportCapabilities,
  type TransportDevice,
} from "../../../src/index.js";
import { runAll, settled } from "../../../src/teardown.js";
import { ControlPipe, type DeviceState } from "./control-pipe.js";
import { IsochronousPipe } from "./isochronous-pipe.js";
import { errno } from "../protocol/index.js";
import { failedOutcome, type Urb } from "./urb.js";
import { WaitingUrbs } from "./waiting-urbs.js";

type Pipes = ReadonlyMap<number, IsochronousPipe>;

/** What is selected of an interface. */
interface SelectedInterface {
  /** `undefined` until the client selects one: nobody says what was selected before. */
  readonly alternateSetting: number | undefined;
  /** Its isochronous endpoints, by address. */
  readonly pipes: Pipes;
}

const noPipes: Pipes = new Map<number, IsochronousPipe>();

/** A device with all of its interfaces claimed, and the transfers of the client that imported it. */
export class ImportedDevice implements DeviceState {
  readonly #device: TransportDevice;
  readonly #capabilities: TransportCapabilities;
  readonly #control: ControlPipe;
  readonly #selected = new Map<number, SelectedInterface>();
  readonly #waiting = new WaitingUrbs();

  constructor(device: TransportDevice, capabilities: TransportCapabilities) {
    this.#device = device;
    this.#capabilities = capabilities;
    this.#control = new ControlPipe(device, this);
  }

  /** The one that is selected, and stays so. */
  get configuration(): ConfigurationDescriptor {
    return this.#device.configuration;
  }

  /** Bytes that those transfers are counted at which end only when they are taken back. */
  get waiting(): number {
    return this.#waiting.cost;
  }

  /** Claims every interface. What it could claim, {@link ImportedDevice.close} gives back. */
  claim(): Observable<never> {
    return concat(
      ...this.#device.configuration.interfaces.map(({ number }) =>
        this.#device.claimInterface(number).pipe(
          tap({
            complete: () => {
              this.#selected.set(number, { alternateSetting: undefined, pipes: noPipes });
            },
          }),
        ),
      ),
    );
  }

  submit(urb: Urb): void {
    const { command } = urb;
    if (command.endpoint === 0) {
      this.#control.submit(urb);
      return;
    }
    const address = addressOf(urb);
    const pipe = this.#pipe(address);
    if (pipe !== undefined) {
      pipe.submit(urb);
      return;
    }
    const interfaceNumber = this.#interfaceOfInterrupt(address);
    if (interfaceNumber === undefined) urb.finish(failedOutcome(command, errno.EPIPE));
    else this.#waiting.add(urb, interfaceNumber);
  }

  cancel(urb: Urb): void {
    this.#waiting.cancel(urb);
    if (urb.command.endpoint === 0) this.#control.cancel(urb);
    else this.#pipe(addressOf(urb))?.cancel(urb);
  }

  selectConfiguration(): Observable<never> {
    const { interfaces } = this.#device.configuration;
    return concat(
      ...interfaces.map(({ number, alternates }) => {
        // A device with nothing to select there may refuse the request (USB 2.0, 9.4.10).
        const isNeeded = alternates.length > 1 || alternates.some(({ endpoints }) => endpoints.some(isIsochronous));
        return isNeeded ? this.selectAlternate(number, 0) : this.#cancelWaiting(number);
      }),
    );
  }

  selectAlternate(interfaceNumber: number, alternateSetting: number): Observable<never> {
    return defer(() => {
      const before = this.#selected.get(interfaceNumber);
      if (before === undefined) {
        throw new EndpointError("no-such-endpoint", `${this.#device.info.id} has no interface ${interfaceNumber}`);
      }
      return concat(
        this.#drain(interfaceNumber, before),
        this.#select(interfaceNumber, alternateSetting).pipe(
          catchError((error: unknown) =>
            concat(
              settled(this.#restore(interfaceNumber, before)),
              throwError(() => error),
            ),
          ),
        ),
      );
    });
  }

  /** Cancels everything, waits until it has drained, gives the interfaces back and closes the device. */
  close(): Observable<never> {
    return defer(() => {
      this.#control.cancelAll();
      for (const number of this.#selected.keys()) this.#waiting.cancelAll(number);
      for (const { pipes } of this.#selected.values()) for (const pipe of pipes.values()) pipe.cancelAll();
      return runAll(
        // A request that runs may select an alternate setting, so it comes first.
        defer(() => this.#control.drained),
        defer(() => runAll(...[...this.#selected].map(([number, selected]) => this.#release(number, selected)))),
        this.#device.close(),
      );
    });
  }

  #release(interfaceNumber: number, selected: SelectedInterface): Observable<never> {
    const { alternateSetting = 0 } = selected;
    return runAll(
      this.#drain(interfaceNumber, selected),
      alternateSetting === 0 ? EMPTY : this.#device.selectAlternate(interfaceNumber, 0),
      this.#device.releaseInterface(interfaceNumber),
    );
  }

  /** Takes nothing there any more, cancels what is in flight, and completes when nothing is. */
  #drain(interfaceNumber: number, { alternateSetting, pipes }: SelectedInterface): Observable<never> {
    return defer(() => {
      this.#selected.set(interfaceNumber, { alternateSetting, pipes: noPipes });
      this.#waiting.cancelAll(interfaceNumber);
      for (const pipe of pipes.values()) pipe.cancelAll();
      return concat(...[...pipes.values()].map(({ drained }) => drained));
    });
  }

  #cancelWaiting(interfaceNumber: number): Observable<never> {
    return defer(() => {
      this.#waiting.cancelAll(interfaceNumber);
      return EMPTY;
    });
  }

  #select(interfaceNumber: number, alternateSetting: number): Observable<never> {
    return concat(
      this.#device.selectAlternate(interfaceNumber, alternateSetting),
      // Those of the alternate setting before that came meanwhile.
      this.#cancelWaiting(interfaceNumber),
      defer(() => {
        // It is selected, whether or not its endpoints open.
        this.#selected.set(interfaceNumber, { alternateSetting, pipes: noPipes });
        const pipes = this.#open(interfaceNumber, alternateSetting);
        this.#selected.set(interfaceNumber, { alternateSetting, pipes });
        return EMPTY;
      }),
    );
  }

  /**
   * A SET_INTERFACE that is refused leaves the device as it was. The endpoints are opened anew, for
   * a transport may have given them up for the attempt.
   */
  #restore(interfaceNumber: number, { alternateSetting }: SelectedInterface): Observable<never> {
    return alternateSetting === undefined ? EMPTY : this.#select(interfaceNumber, alternateSetting);
  }

  #open(interfaceNumber: number, alternateSetting: number): Pipes {
    const { info } = this.#device;
    const pipes = new Map<number, IsochronousPipe>();
    const alternate = this.#alternate(interfaceNumber, alternateSetting);
    for (const descriptor of alternate?.endpoints.filter(isIsochronous) ?? []) {
      const port = this.#device.openEndpoint(descriptor.address);
      const context = { descriptor, speed: info.speed, port, capabilities: this.#capabilities };
      pipes.set(descriptor.address, new IsochronousPipe(context));
    }
    return pipes;
  }

  #pipe(address: number): IsochronousPipe | undefined {
    for (const { pipes } of this.#selected.values()) {
      const pipe = pipes.get(address);
      if (pipe !== undefined) return pipe;
    }
    return undefined;
  }

  /** The interface of which the selected alternate setting has that address as an interrupt IN endpoint. */
  #interfaceOfInterrupt(address: number): number | undefined {
    for (const [number, { alternateSetting = 0 }] of this.#selected) {
      const endpoints = this.#alternate(number, alternateSetting)?.endpoints ?? [];
      if (endpoints.some((endpoint) => endpoint.address === address && isInterruptIn(endpoint))) return number;
    }
    return undefined;
  }

  #alternate(interfaceNumber: number, alternateSetting: number): AlternateSetting | undefined {
    return this.configuration.interfaces
      .find(({ number }) => number === interfaceNumber)
      ?.alternates.find((each) => each.alternateSetting === alternateSetting);
  }
}

function isIsochronous({ transferType }: EndpointDescriptor): boolean {
  return transferType === "isochronous";
}

function isInterruptIn({ transferType, direction }: EndpointDescriptor): boolean {
  return transferType === "interrupt" && direction === "in";
}

function addressOf({ command }: Urb): number {
  return command.endpoint | (command.direction === "in" ? 0x80 : 0);
}

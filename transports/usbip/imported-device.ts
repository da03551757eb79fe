import { concat, defer, EMPTY, tap, type Observable } from "rxjs";
import {
  EndpointError,
  type EndpointDescriptor,
  type TransportCapabilities,
  type TransportDevice,
} from "../../src/index.js";
import { runAll } from "../../src/teardown.js";
import { ControlPipe, type DeviceState } from "./control-pipe.js";
import { IsochronousPipe } from "./isochronous-pipe.js";
import { errno } from "./protocol/index.js";
import { failedOutcome, type Urb } from "./urb.js";

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

  constructor(device: TransportDevice, capabilities: TransportCapabilities) {
    this.#device = device;
    this.#capabilities = capabilities;
    this.#control = new ControlPipe(device, this);
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
    const pipe = this.#pipe(addressOf(urb));
    if (pipe === undefined) urb.finish(failedOutcome(command, errno.EPIPE));
    else pipe.submit(urb);
  }

  cancel(urb: Urb): void {
    if (urb.command.endpoint === 0) this.#control.cancel(urb);
    else this.#pipe(addressOf(urb))?.cancel(urb);
  }

  selectConfiguration(): Observable<never> {
    const { interfaces } = this.#device.configuration;
    return concat(
      ...interfaces.map(({ number, alternates }) => {
        // A device with nothing to select there may refuse the request (USB 2.0, 9.4.10).
        const isNeeded = alternates.length > 1 || alternates.some(({ endpoints }) => endpoints.some(isIsochronous));
        return isNeeded ? this.selectAlternate(number, 0) : EMPTY;
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
        this.#device.selectAlternate(interfaceNumber, alternateSetting),
        defer(() => {
          const pipes = this.#open(interfaceNumber, alternateSetting);
          this.#selected.set(interfaceNumber, { alternateSetting, pipes });
          return EMPTY;
        }),
      ).pipe(
        tap({
          // Refused, the device stays as it was.
          error: () => this.#selected.set(interfaceNumber, before),
        }),
      );
    });
  }

  /** Cancels everything, waits until it has drained, gives the interfaces back and closes the device. */
  close(): Observable<never> {
    return defer(() => {
      this.#control.cancelAll();
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
      for (const pipe of pipes.values()) pipe.cancelAll();
      return concat(...[...pipes.values()].map(({ drained }) => drained));
    });
  }

  #open(interfaceNumber: number, alternateSetting: number): Pipes {
    const { configuration, info } = this.#device;
    const pipes = new Map<number, IsochronousPipe>();
    const alternate = configuration.interfaces
      .find(({ number }) => number === interfaceNumber)
      ?.alternates.find((each) => each.alternateSetting === alternateSetting);
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
}

function isIsochronous({ transferType }: EndpointDescriptor): boolean {
  return transferType === "isochronous";
}

function addressOf({ command }: Urb): number {
  return command.endpoint | (command.direction === "in" ? 0x80 : 0);
}

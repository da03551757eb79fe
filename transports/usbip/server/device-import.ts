import { AsyncSubject, concat, defer, EMPTY, finalize, mergeMap, of, tap, type Observable } from "rxjs";
import { BusyError, DeviceError, type TransportCapabilities, type TransportDevice } from "../../../src/index.js";
import { settled } from "../../../src/teardown.js";
import type { DeviceOwner, ExportedDevice, ExportedDevices } from "./exported-devices.js";
import { ImportedDevice } from "./imported-device.js";

/** An exported device that a client has. */
export interface Import {
  readonly exported: ExportedDevice;
  readonly device: ImportedDevice;
}

/** How one client comes by a device, and gives it back. */
export class DeviceImport implements DeviceOwner {
  readonly #devices: ExportedDevices;
  readonly #unplugged: () => void;
  readonly #claimed = new AsyncSubject<never>();
  readonly #left = new AsyncSubject<never>();
  #exported: ExportedDevice | undefined;
  #device: ImportedDevice | undefined;
  #isLeaving = false;

  constructor(devices: ExportedDevices, unplugged: () => void) {
    this.#devices = devices;
    this.#unplugged = unplugged;
  }

  get isLeaving(): boolean {
    return this.#isLeaving;
  }

  get left(): Observable<never> {
    return this.#left;
  }

  unplugged(): void {
    this.#unplugged();
  }

  /**
   * Opens a device and claims its interfaces, once whoever is leaving it has left; emits it and completes. To be
   * subscribed to once. What has begun is given back with {@link DeviceImport.giveBack}, also after an unsubscribe.
   *
   * Errors: {@link DeviceError} `no-such-device`; {@link BusyError} `interface-busy`; those of the transport.
   */
  begin(exported: ExportedDevice): Observable<Import> {
    return defer(() => {
      const { busId, owner } = exported;
      if (this.#devices.find(busId) !== exported) {
        throw new DeviceError("no-such-device", `${busId} was unplugged: wait for it to attach again`);
      }
      if (owner === undefined) return this.#open(exported);
      // A client that lost its connection comes back at once.
      if (owner.isLeaving) return concat(owner.left, this.begin(exported));
      throw new BusyError("interface-busy", `${busId} is imported by another client: detach it there`);
    });
  }

  /**
   * Waits until nothing is in flight, and closes the device, if there is one. To be subscribed to once. It errors with what
   * went wrong in that; the device is given back in any case.
   */
  giveBack(): Observable<never> {
    return defer(() => {
      this.#isLeaving = true;
      const device = this.#device;
      const free = () => {
        if (this.#exported?.owner === this) this.#exported.owner = undefined;
      };
      return (device === undefined ? EMPTY : concat(settled(this.#claimed), device.close())).pipe(
        tap({ error: free, complete: free }),
        // Whoever waits for the device has it next.
        finalize(() => {
          this.#left.complete();
        }),
      );
    });
  }

  #open(exported: ExportedDevice): Observable<Import> {
    const { transport, info } = exported;
    exported.owner = this;
    this.#exported = exported;
    return transport.open({ id: info.id }).pipe(
      mergeMap((opened) => {
        const device = this.#claim(opened, transport.capabilities);
        return concat(this.#claimed, of({ exported, device }));
      }),
    );
  }

  /** Not tied to the subscriber: what has begun on the device is finished, and then undone. */
  #claim(opened: TransportDevice, capabilities: TransportCapabilities): ImportedDevice {
    const device = new ImportedDevice(opened, capabilities);
    this.#device = device;
    device.claim().subscribe(this.#claimed);
    return device;
  }
}

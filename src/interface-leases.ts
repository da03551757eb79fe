import { AsyncSubject, catchError, concat, defer, EMPTY, tap, throwError, type Observable } from "rxjs";
import { BusyError } from "./errors.js";
import { runAll, settled } from "./teardown.js";
import type { TransportDevice } from "./transport.js";

interface Lease {
  readonly alternate: number;
  users: number;
  /** Completes when the interface is claimed and the alternate setting selected. */
  readonly ready: AsyncSubject<never>;
  /** Set while the interface is being released, or only put into alternate setting 0; completes when it is. */
  releasing: AsyncSubject<never> | undefined;
}

type Steps = Pick<TransportDevice, "claimInterface" | "releaseInterface" | "selectAlternate">;

/**
 * The interfaces of a device that pipes hold: claimed with the first, released with the last.
 * Pipes in the same alternate setting share it.
 *
 * The steps on the device are never cut short by an unsubscribe: whoever loses interest gives the
 * lease back when it has come.
 *
 * @internal
 */
export class InterfaceLeases {
  readonly #device: Steps;
  readonly #leases = new Map<number, Lease>();

  constructor(device: Steps) {
    this.#device = device;
  }

  /** Completes when the lease is there; it is then given back with {@link InterfaceLeases.release}. */
  acquire(interfaceNumber: number, alternate: number): Observable<never> {
    return defer(() => {
      const lease = this.#leases.get(interfaceNumber);
      if (lease === undefined) return this.#claim(interfaceNumber, alternate);
      if (lease.releasing !== undefined) {
        return concat(settled(lease.releasing), this.acquire(interfaceNumber, alternate));
      }
      if (lease.alternate !== alternate) throw inUse(interfaceNumber, lease, alternate);
      lease.users++;
      return lease.ready;
    });
  }

  /** Gives a lease back. Starts at once, without a subscription. */
  release(interfaceNumber: number): Observable<never> {
    const lease = this.#leases.get(interfaceNumber);
    if (lease === undefined || --lease.users > 0) return EMPTY;
    lease.releasing = new AsyncSubject<never>();
    runAll(
      lease.alternate === 0 ? EMPTY : this.#device.selectAlternate(interfaceNumber, 0),
      this.#device.releaseInterface(interfaceNumber),
    ).subscribe({
      error: (error: unknown) => {
        this.#leases.delete(interfaceNumber);
        lease.releasing?.error(error);
      },
      complete: () => {
        this.#leases.delete(interfaceNumber);
        lease.releasing?.complete();
      },
    });
    return lease.releasing;
  }

  /**
   * Puts an interface that no pipe holds into alternate setting 0. Who wants it meanwhile waits.
   *
   * @param check throws where nothing may begin any more
   */
  selectDefault(interfaceNumber: number, check: () => void = () => undefined): Observable<never> {
    return defer(() => {
      check();
      const lease = this.#leases.get(interfaceNumber);
      if (lease?.releasing !== undefined) {
        return concat(settled(lease.releasing), this.selectDefault(interfaceNumber, check));
      }
      if (lease === undefined) return this.#selectDefault(interfaceNumber);
      if (lease.alternate !== 0) throw inUse(interfaceNumber, lease, 0);
      return lease.ready;
    });
  }

  /** Completes when nothing that began to be given back is on its way any more, however that went. */
  settled(): Observable<never> {
    return defer(() => concat(...Array.from(this.#leases.values(), ({ releasing }) => settled(releasing ?? EMPTY))));
  }

  #selectDefault(interfaceNumber: number): Observable<never> {
    const releasing = new AsyncSubject<never>();
    this.#leases.set(interfaceNumber, { alternate: 0, users: 0, ready: new AsyncSubject(), releasing });
    const forget = () => this.#leases.delete(interfaceNumber);
    const device = this.#device;
    concat(
      device.claimInterface(interfaceNumber),
      runAll(device.selectAlternate(interfaceNumber, 0), device.releaseInterface(interfaceNumber)),
    )
      .pipe(tap({ error: forget, complete: forget }))
      .subscribe(releasing);
    return releasing;
  }

  #claim(interfaceNumber: number, alternate: number): Observable<never> {
    const lease: Lease = { alternate, users: 1, ready: new AsyncSubject<never>(), releasing: undefined };
    this.#leases.set(interfaceNumber, lease);
    const device = this.#device;
    concat(
      device.claimInterface(interfaceNumber),
      device.selectAlternate(interfaceNumber, alternate).pipe(
        catchError((error: unknown) =>
          concat(
            settled(device.releaseInterface(interfaceNumber)),
            throwError(() => error),
          ),
        ),
      ),
    ).subscribe({
      error: (error: unknown) => {
        this.#leases.delete(interfaceNumber);
        lease.ready.error(error);
      },
      complete: () => {
        lease.ready.complete();
      },
    });
    return lease.ready;
  }
}

function inUse(interfaceNumber: number, lease: Lease, wanted: number): BusyError {
  return new BusyError(
    "interface-busy",
    `interface ${interfaceNumber} is in use in alternate setting ${lease.alternate}: close the pipes there before you select ${wanted}`,
  );
}

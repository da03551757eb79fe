import { AsyncSubject, concat, defer, EMPTY, tap, type Observable } from "rxjs";
import { runAll, settled } from "./teardown.js";
import type { TransportDevice } from "./transport.js";

interface Claim {
  users: number;
  /** Completes when the interface is claimed. */
  readonly ready: AsyncSubject<never>;
  /** Set while the interface is being released; completes when it is, in whatever way. */
  releasing: AsyncSubject<never> | undefined;
}

/**
 * The claims of a device, shared: an interface is claimed for the first who wants it, and released after
 * the last. What has begun on the device is not cut short by an unsubscribe.
 *
 * @internal
 */
export class InterfaceClaims implements Pick<
  TransportDevice,
  "claimInterface" | "releaseInterface" | "selectAlternate"
> {
  readonly #device: TransportDevice;
  readonly #claims = new Map<number, Claim>();
  /** Interfaces that are kept until the end, in the order in which they were asked for. */
  readonly #held = new Map<number, Observable<never>>();

  constructor(device: TransportDevice) {
    this.#device = device;
  }

  /** Each claim that completed is given back with one {@link InterfaceClaims.releaseInterface}. */
  claimInterface(interfaceNumber: number): Observable<never> {
    return defer(() => {
      const claim = this.#claims.get(interfaceNumber);
      if (claim === undefined) return this.#claim(interfaceNumber);
      if (claim.releasing !== undefined) {
        return concat(settled(claim.releasing), this.claimInterface(interfaceNumber));
      }
      claim.users++;
      return claim.ready;
    });
  }

  releaseInterface(interfaceNumber: number): Observable<never> {
    return defer(() => {
      const claim = this.#claims.get(interfaceNumber);
      if (claim === undefined || --claim.users > 0) return EMPTY;
      const releasing = (claim.releasing = new AsyncSubject<never>());
      const forget = () => this.#claims.delete(interfaceNumber);
      this.#device
        .releaseInterface(interfaceNumber)
        .pipe(tap({ error: forget, complete: forget }))
        .subscribe(releasing);
      return releasing;
    });
  }

  selectAlternate(interfaceNumber: number, alternateSetting: number): Observable<never> {
    return this.#device.selectAlternate(interfaceNumber, alternateSetting);
  }

  /** Claims an interface until {@link InterfaceClaims.releaseHeld}. */
  hold(interfaceNumber: number): Observable<never> {
    return defer(() => {
      const held = this.#held.get(interfaceNumber);
      if (held !== undefined) return held;
      const holding = new AsyncSubject<never>();
      this.#held.set(interfaceNumber, holding);
      this.claimInterface(interfaceNumber)
        .pipe(tap({ error: () => this.#held.delete(interfaceNumber) }))
        .subscribe(holding);
      return holding;
    });
  }

  /** Releases what is held, the last first, and what is still being claimed once it is. */
  releaseHeld(): Observable<never> {
    return defer(() =>
      runAll(
        ...Array.from(this.#held, ([interfaceNumber, holding]) =>
          concat(
            settled(holding),
            defer(() => (this.#held.delete(interfaceNumber) ? this.releaseInterface(interfaceNumber) : EMPTY)),
          ),
        ).reverse(),
      ),
    );
  }

  #claim(interfaceNumber: number): Observable<never> {
    const claim: Claim = { users: 1, ready: new AsyncSubject<never>(), releasing: undefined };
    this.#claims.set(interfaceNumber, claim);
    this.#device
      .claimInterface(interfaceNumber)
      .pipe(tap({ error: () => this.#claims.delete(interfaceNumber) }))
      .subscribe(claim.ready);
    return claim.ready;
  }
}

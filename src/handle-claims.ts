import { interfaceClaimed } from "./device-errors.js";

/**
 * Which handle of this program has which interface of a device, where the handles share the device.
 * @internal
 */
export class HandleClaims {
  /** For messages. */
  readonly #id: string;
  readonly #holders = new Map<number, object>();

  constructor(id: string) {
    this.#id = id;
  }

  /** The interfaces that are claimed. */
  get interfaces(): readonly number[] {
    return [...this.#holders.keys()];
  }

  /** Those that one handle has. */
  of(handle: object): readonly number[] {
    return this.interfaces.filter((interfaceNumber) => this.has(interfaceNumber, handle));
  }

  has(interfaceNumber: number, handle: object): boolean {
    return this.#holders.get(interfaceNumber) === handle;
  }

  /**
   * Nobody else may have it.
   *
   * @throws {@link BusyError} `interface-busy`
   */
  check(interfaceNumber: number, handle: object): void {
    const holder = this.#holders.get(interfaceNumber);
    if (holder !== undefined && holder !== handle) throw interfaceClaimed(interfaceNumber, this.#id);
  }

  /** @throws {@link BusyError} `interface-busy` */
  claim(interfaceNumber: number, handle: object): void {
    this.check(interfaceNumber, handle);
    this.#holders.set(interfaceNumber, handle);
  }

  release(interfaceNumber: number): void {
    this.#holders.delete(interfaceNumber);
  }

  releaseAll(): void {
    this.#holders.clear();
  }
}

import type { Completions } from "./completions.js";
import type { BusEngine } from "./engine.js";
import { checkFault, EndpointFaults, type VirtualFault } from "./faults.js";

/** What the faults of a device reach. */
export interface FaultContext {
  readonly engine: BusEngine;
  readonly completions: Completions;
  /** The addresses of the isochronous endpoints. */
  readonly endpoints: ReadonlySet<number>;
  /** Microseconds of a frame (full speed) or a microframe. */
  readonly tick: number;
  /** The frame that is on the bus now, in service intervals of the endpoint where it is isochronous. */
  readonly frameNow: (address: number) => number;
  readonly unplug: () => void;
}

/** What goes wrong with a device, and which of its endpoints are halted. */
export class DeviceFaults {
  readonly #context: FaultContext;
  /** By address. */
  readonly #faults = new Map<number, EndpointFaults>();

  constructor(context: FaultContext) {
    this.#context = context;
  }

  /** Those of one endpoint. */
  at(address: number): EndpointFaults {
    const known = this.#faults.get(address);
    if (known !== undefined) return known;
    const faults = new EndpointFaults();
    this.#faults.set(address, faults);
    return faults;
  }

  /** @throws {@link InvalidRequestError}; then no fault is planned */
  inject(faults: readonly VirtualFault[]): void {
    const { engine, endpoints } = this.#context;
    for (const fault of faults) checkFault(fault, endpoints);
    engine.catchUp();
    for (const fault of faults) this.#plan(fault);
  }

  isHalted(address: number): boolean {
    return this.at(address).isHalted(this.#context.frameNow(address));
  }

  halt(address: number): void {
    this.at(address).halt(this.#context.frameNow(address));
  }

  clearHalt(address: number): void {
    this.at(address).clearHalt(this.#context.frameNow(address));
  }

  clearHalts(): void {
    for (const address of this.#faults.keys()) this.clearHalt(address);
  }

  #plan(fault: VirtualFault): void {
    const { engine, completions, tick, unplug } = this.#context;
    switch (fault.type) {
      case "packet":
        this.at(fault.endpoint).add(fault);
        break;
      case "halt":
        this.at(fault.endpoint).halt(fault.frame);
        break;
      case "unplug":
        engine.schedule(fault.frame * tick, unplug);
        break;
      case "host-stall":
        engine.schedule(fault.frame * tick, () => {
          completions.hold((fault.frame + fault.frames) * tick);
        });
        break;
      case "jitter":
        completions.delay(fault);
        break;
    }
  }
}

import {
  BusyError,
  DeviceError,
  EndpointError,
  parseConfigurationDescriptor,
  parseDeviceDescriptor,
  serviceInterval,
  TransferStateError,
  type AlternateSetting,
  type ConfigurationDescriptor,
  type DeviceInfo,
  type DmaBuffer,
  type TransportCapabilities,
} from "../../src/index.js";
import type { Bandwidth } from "./bandwidth.js";
import { Completions, type SubmissionCounts } from "./completions.js";
import type { VirtualDevice } from "./device-model.js";
import { VirtualEndpoint } from "./endpoint.js";
import type { BusEngine } from "./engine.js";
import { EndpointFaults, type VirtualFault } from "./faults.js";

/** What a device on the bus needs of it. */
export interface BusContext {
  readonly engine: BusEngine;
  readonly bandwidth: Bandwidth;
  readonly counts: SubmissionCounts;
  readonly capabilities: TransportCapabilities;
  readonly asapDelay: number;
  readonly allocateDma: (size: number) => DmaBuffer;
  /** Called once, when the device leaves. */
  readonly left: (device: AttachedDevice) => void;
}

/** A device on the bus: its selected alternate settings, who claimed what, and what goes wrong. */
export class AttachedDevice {
  readonly info: DeviceInfo;
  readonly configuration: ConfigurationDescriptor;
  readonly model: VirtualDevice;
  readonly completions: Completions;
  readonly #bus: BusContext;
  /** The alternate setting of each interface. */
  readonly #selected = new Map<number, AlternateSetting>();
  readonly #claims = new Map<number, object>();
  /** By address: the isochronous endpoints of the selected alternate settings. */
  readonly #endpoints = new Map<number, VirtualEndpoint>();
  readonly #faults = new Map<number, EndpointFaults>();
  #gone: DeviceError | undefined;

  constructor(id: string, model: VirtualDevice, bus: BusContext) {
    const descriptor = parseDeviceDescriptor(model.deviceDescriptor);
    this.model = model;
    this.configuration = parseConfigurationDescriptor(model.configurationDescriptor);
    this.completions = new Completions(bus.engine, bus.counts);
    this.#bus = bus;
    const text = (index: number) => (index === 0 ? undefined : model.strings?.[index - 1]);
    this.info = {
      id,
      speed: model.speed,
      descriptor,
      configurations: [this.configuration],
      manufacturer: text(descriptor.manufacturerIndex),
      product: text(descriptor.productIndex),
      serialNumber: text(descriptor.serialNumberIndex),
    };
    for (const { number, alternates } of this.configuration.interfaces) {
      const first = alternates[0];
      if (first !== undefined) this.#selected.set(number, first);
    }
  }

  get claimedInterfaces(): number {
    return this.#claims.size;
  }

  /** Microseconds of a frame (full speed) or a microframe. */
  get tick(): number {
    return this.model.speed === "low" || this.model.speed === "full" ? 1000 : 125;
  }

  /** @throws {@link DeviceError} `device-gone` */
  checkPresent(): void {
    if (this.#gone !== undefined) throw this.#gone;
  }

  claim(interfaceNumber: number, claimer: object): void {
    this.checkPresent();
    this.#alternates(interfaceNumber);
    const holder = this.#claims.get(interfaceNumber);
    if (holder !== undefined && holder !== claimer) {
      throw new BusyError(
        "interface-busy",
        `interface ${interfaceNumber} of ${this.info.id} is claimed by another handle of this program: close it there first`,
      );
    }
    this.#claims.set(interfaceNumber, claimer);
  }

  release(interfaceNumber: number, claimer: object): void {
    if (this.#claims.get(interfaceNumber) === claimer) this.#claims.delete(interfaceNumber);
    this.checkPresent();
  }

  releaseAll(claimer: object): void {
    for (const [interfaceNumber, holder] of this.#claims) {
      if (holder === claimer) this.#claims.delete(interfaceNumber);
    }
  }

  selectedAlternate(interfaceNumber: number): number {
    this.#alternates(interfaceNumber);
    return this.#selected.get(interfaceNumber)?.alternateSetting ?? 0;
  }

  selectAlternate(interfaceNumber: number, alternateSetting: number): void {
    this.checkPresent();
    const alternate = this.#alternates(interfaceNumber).find((each) => each.alternateSetting === alternateSetting);
    if (alternate === undefined) {
      throw new EndpointError(
        "no-such-endpoint",
        `interface ${interfaceNumber} of ${this.info.id} has no alternate setting ${alternateSetting}`,
      );
    }
    const { bandwidth, engine } = this.#bus;
    bandwidth.reserve(this.#holder(interfaceNumber), alternate, this.model.speed);
    this.#retireEndpoints(interfaceNumber);
    this.#selected.set(interfaceNumber, alternate);
    this.model.alternateSelected?.(interfaceNumber, alternateSetting, engine.time);
    for (const endpoint of alternate.endpoints) {
      const model = this.model.endpoint(endpoint.address);
      if (endpoint.transferType !== "isochronous" || model === undefined) continue;
      this.#endpoints.set(
        endpoint.address,
        new VirtualEndpoint({
          engine,
          completions: this.completions,
          capabilities: this.#bus.capabilities,
          model,
          faults: this.faultsOf(endpoint.address),
          frameDuration: serviceInterval(endpoint, this.model.speed),
          asapDelay: this.#bus.asapDelay,
          allocateDma: this.#bus.allocateDma,
        }),
      );
    }
  }

  endpoint(address: number): VirtualEndpoint {
    this.checkPresent();
    const endpoint = this.#endpoints.get(address);
    if (endpoint === undefined) {
      throw new EndpointError(
        "not-in-alternate",
        `endpoint 0x${address.toString(16)} of ${this.info.id} is not an isochronous endpoint of a selected alternate setting: select one that has it`,
      );
    }
    return endpoint;
  }

  faultsOf(address: number): EndpointFaults {
    const known = this.#faults.get(address);
    if (known !== undefined) return known;
    const faults = new EndpointFaults();
    this.#faults.set(address, faults);
    return faults;
  }

  /** The frame of an endpoint that is on the bus now. */
  frameOf(address: number): number {
    return this.#endpoints.get(address)?.frameNumber?.() ?? Math.floor(this.#bus.engine.time / this.tick);
  }

  inject(fault: VirtualFault): void {
    const { engine } = this.#bus;
    switch (fault.type) {
      case "packet":
        this.faultsOf(fault.endpoint).add(fault);
        break;
      case "halt":
        this.faultsOf(fault.endpoint).halt(fault.frame);
        break;
      case "unplug":
        engine.schedule(fault.frame * this.tick, () => {
          this.leave();
        });
        break;
      case "host-stall":
        engine.schedule(fault.frame * this.tick, () => {
          this.completions.hold((fault.frame + fault.frames) * this.tick);
        });
        break;
      case "jitter":
        this.completions.delay(fault);
        break;
    }
  }

  reset(): void {
    this.checkPresent();
    for (const { number } of this.configuration.interfaces) this.selectAlternate(number, 0);
  }

  /** The device is unplugged. */
  leave(): void {
    if (this.#gone !== undefined) return;
    this.#gone = new DeviceError("device-gone", `${this.info.id} was unplugged: wait for it to attach again`);
    for (const endpoint of this.#endpoints.values()) endpoint.abandon(this.#gone);
    for (const { number } of this.configuration.interfaces) this.#bus.bandwidth.release(this.#holder(number));
    this.#claims.clear();
    this.#bus.left(this);
  }

  #alternates(interfaceNumber: number): readonly AlternateSetting[] {
    const found = this.configuration.interfaces.find(({ number }) => number === interfaceNumber);
    if (found !== undefined) return found.alternates;
    throw new EndpointError("no-such-endpoint", `${this.info.id} has no interface ${interfaceNumber}`);
  }

  #retireEndpoints(interfaceNumber: number): void {
    for (const { address } of this.#selected.get(interfaceNumber)?.endpoints ?? []) {
      this.#endpoints
        .get(address)
        ?.retire(
          new TransferStateError("pipe-closed", "another alternate setting was selected: open the endpoint again"),
        );
      this.#endpoints.delete(address);
    }
  }

  #holder(interfaceNumber: number): string {
    return `${this.info.id}/${interfaceNumber}`;
  }
}

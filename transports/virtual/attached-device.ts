import { AsyncSubject, type Observable } from "rxjs";
import {
  type DeviceError,
  EndpointError,
  isochEndpoints,
  parseConfigurationDescriptor,
  parseDeviceDescriptor,
  serviceInterval,
  TransferStateError,
  TransportError,
  type AlternateSetting,
  type ConfigurationDescriptor,
  type ControlSetup,
  type DeviceInfo,
  type DmaBuffer,
  type EndpointDescriptor,
  type InterfaceDescriptor,
  type TransportCapabilities,
} from "../../src/index.js";
import { interfaceClaimed, unplugged } from "../../src/device-errors.js";
import type { Bandwidth } from "./bandwidth.js";
import { Completions, type SubmissionCounts } from "./completions.js";
import type { VirtualDevice } from "./device-model.js";
import { VirtualEndpoint } from "./endpoint.js";
import type { BusEngine } from "./engine.js";
import { checkFault, EndpointFaults, type VirtualFault } from "./faults.js";
import { askModel } from "./model-failure.js";

/** What a device on the bus needs of it. */
export interface BusContext {
  readonly engine: BusEngine;
  readonly bandwidth: Bandwidth;
  readonly counts: SubmissionCounts;
  readonly capabilities: TransportCapabilities;
  /** Completions say on which frame they began. */
  readonly tellFirstFrame: boolean;
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
  readonly #completions: Completions;
  readonly #bus: BusContext;
  /** The alternate setting of each interface. */
  readonly #selected = new Map<number, AlternateSetting>();
  readonly #claims = new Map<number, object>();
  /** By address: the isochronous endpoints of the selected alternate settings. */
  readonly #endpoints = new Map<number, VirtualEndpoint>();
  /** By address. */
  readonly #faults = new Map<number, EndpointFaults>();
  readonly #left = new AsyncSubject<DeviceError>();
  #gone: DeviceError | undefined;

  /** @throws {@link DescriptorError} */
  constructor(id: string, model: VirtualDevice, bus: BusContext) {
    const descriptor = parseDeviceDescriptor(model.deviceDescriptor);
    this.model = model;
    this.configuration = parseConfigurationDescriptor(model.configurationDescriptor);
    this.#completions = new Completions(bus.engine, bus.counts);
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
    for (const each of this.configuration.interfaces) {
      const first = settingOf(each, 0) ?? each.alternates[0];
      if (first !== undefined) this.#selected.set(each.number, first);
    }
  }

  /** Emits when the device has left, after what was in flight has completed if it could, and completes. */
  get gone(): Observable<DeviceError> {
    return this.#left.asObservable();
  }

  get claimedInterfaces(): number {
    return this.#claims.size;
  }

  /** @throws {@link DeviceError} `device-gone` */
  checkPresent(): void {
    this.#bus.engine.catchUp();
    if (this.#gone !== undefined) throw this.#gone;
  }

  claim(interfaceNumber: number, claimer: object): void {
    this.checkPresent();
    this.#interface(interfaceNumber);
    this.#checkClaim(interfaceNumber, claimer);
    this.#claims.set(interfaceNumber, claimer);
  }

  /** The interface goes back to alternate setting 0, as the system sees to where a program forgot it. */
  release(interfaceNumber: number, claimer: object): void {
    this.checkPresent();
    if (this.#claims.get(interfaceNumber) !== claimer) return;
    try {
      if (this.selectedAlternate(interfaceNumber) !== 0) this.selectAlternate(interfaceNumber, 0, claimer);
    } finally {
      this.#claims.delete(interfaceNumber);
    }
  }

  releaseAll(claimer: object): void {
    for (const [interfaceNumber, holder] of [...this.#claims]) {
      if (holder === claimer) this.release(interfaceNumber, claimer);
    }
  }

  /** The alternate setting of an interface; `undefined` if the device has no such interface. */
  selectedAlternate(interfaceNumber: number): number | undefined {
    return this.#selected.get(interfaceNumber)?.alternateSetting;
  }

  /**
   * What is in flight on the endpoints of the interface completes first, as cancelled.
   *
   * @param claimer the handle that asks for it
   */
  selectAlternate(interfaceNumber: number, alternateSetting: number, claimer: object): void {
    this.checkPresent();
    const alternate = settingOf(this.#interface(interfaceNumber), alternateSetting);
    if (alternate === undefined) {
      throw new EndpointError(
        "no-such-endpoint",
        `interface ${interfaceNumber} of ${this.info.id} has no alternate setting ${alternateSetting}`,
      );
    }
    this.#checkClaim(interfaceNumber, claimer);
    this.#select(alternate);
  }

  /** @param claimer the handle that asks for it */
  endpoint(address: number, claimer: object): VirtualEndpoint {
    this.checkPresent();
    const endpoint = this.#endpoints.get(address);
    if (endpoint === undefined) {
      throw new EndpointError(
        "not-in-alternate",
        `endpoint 0x${address.toString(16)} of ${this.info.id} is not an isochronous endpoint of a selected alternate setting: select one that has it`,
      );
    }
    const place = this.#selectedEndpoints().find((each) => each.endpoint.address === address);
    if (place !== undefined) this.#checkClaim(place.interfaceNumber, claimer);
    return endpoint;
  }

  /** Whether a selected alternate setting has this endpoint, or it is endpoint zero. */
  hasEndpoint(address: number): boolean {
    return address === 0 || this.#selectedEndpoints().some(({ endpoint }) => endpoint.address === address);
  }

  isHalted(address: number): boolean {
    return this.#faultsOf(address).isHalted(this.#frameOf(address));
  }

  halt(address: number): void {
    this.#faultsOf(address).halt(this.#frameOf(address));
  }

  clearHalt(address: number): void {
    this.#faultsOf(address).clearHalt(this.#frameOf(address));
  }

  /** @throws {@link InvalidRequestError}; then no fault is planned */
  inject(faults: readonly VirtualFault[]): void {
    const endpoints = new Set(isochEndpoints(this.configuration).map(({ endpoint }) => endpoint.address));
    for (const fault of faults) checkFault(fault, endpoints);
    this.#bus.engine.catchUp();
    for (const fault of faults) this.#plan(fault);
  }

  /** A class or vendor request; `undefined` is a STALL. */
  control(setup: ControlSetup, data: number | Uint8Array): Uint8Array | undefined {
    return askModel(`answer the ${setup.type} request ${setup.request}`, () => {
      const answer: unknown = this.model.control?.(setup, data);
      if (answer === undefined || answer instanceof Uint8Array) return answer;
      throw new TypeError(`${typeof answer} is no Uint8Array`);
    });
  }

  /** Every interface goes to its first alternate setting, nothing is halted any more. */
  reset(): void {
    this.checkPresent();
    for (const alternate of this.configuration.interfaces.map((each) => settingOf(each, 0))) {
      if (alternate !== undefined) this.#select(alternate);
    }
    for (const address of this.#faults.keys()) this.clearHalt(address);
  }

  /** The device is unplugged. */
  leave(): void {
    this.#bus.engine.catchUp();
    if (this.#gone !== undefined) return;
    const gone = unplugged(this.info.id);
    this.#gone = gone;
    this.#claims.clear();
    for (const { number } of this.configuration.interfaces) this.#bus.bandwidth.release(this.#holder(number));
    for (const endpoint of this.#endpoints.values()) endpoint.shut(gone, gone);
    this.#bus.left(this);
    this.#left.next(gone);
    this.#left.complete();
  }

  #plan(fault: VirtualFault): void {
    const { engine } = this.#bus;
    switch (fault.type) {
      case "packet":
        this.#faultsOf(fault.endpoint).add(fault);
        break;
      case "halt":
        this.#faultsOf(fault.endpoint).halt(fault.frame);
        break;
      case "unplug":
        engine.schedule(fault.frame * this.#tick, () => {
          this.leave();
        });
        break;
      case "host-stall":
        engine.schedule(fault.frame * this.#tick, () => {
          this.#completions.hold((fault.frame + fault.frames) * this.#tick);
        });
        break;
      case "jitter":
        this.#completions.delay(fault);
        break;
    }
  }

  /** Microseconds of a frame (full speed) or a microframe. */
  get #tick(): number {
    return this.model.speed === "low" || this.model.speed === "full" ? 1000 : 125;
  }

  #faultsOf(address: number): EndpointFaults {
    const known = this.#faults.get(address);
    if (known !== undefined) return known;
    const faults = new EndpointFaults();
    this.#faults.set(address, faults);
    return faults;
  }

  /** The frame that is on the bus now, in service intervals of the endpoint where it is isochronous. */
  #frameOf(address: number): number {
    const { time } = this.#bus.engine;
    return this.#endpoints.get(address)?.frameAt(time) ?? Math.floor(time / this.#tick);
  }

  #interface(interfaceNumber: number): InterfaceDescriptor {
    const found = this.configuration.interfaces.find(({ number }) => number === interfaceNumber);
    if (found !== undefined) return found;
    throw new EndpointError("no-such-endpoint", `${this.info.id} has no interface ${interfaceNumber}`);
  }

  #selectedEndpoints(): { readonly interfaceNumber: number; readonly endpoint: EndpointDescriptor }[] {
    return [...this.#selected.values()].flatMap(({ interfaceNumber, endpoints }) =>
      endpoints.map((endpoint) => ({ interfaceNumber, endpoint })),
    );
  }

  #checkClaim(interfaceNumber: number, claimer: object): void {
    const holder = this.#claims.get(interfaceNumber);
    if (holder === undefined || holder === claimer) return;
    throw interfaceClaimed(interfaceNumber, this.info.id);
  }

  #select(alternate: AlternateSetting): void {
    const { bandwidth, engine } = this.#bus;
    const { interfaceNumber, alternateSetting } = alternate;
    const endpoints = this.#createEndpoints(alternate);
    bandwidth.reserve(this.#holder(interfaceNumber), alternate, this.model.speed);
    this.#retireEndpoints(interfaceNumber);
    this.#selected.set(interfaceNumber, alternate);
    try {
      askModel(`select alternate setting ${alternateSetting}`, () =>
        this.model.alternateSelected?.(interfaceNumber, alternateSetting, engine.time),
      );
    } catch (error) {
      this.#reserveNothing(interfaceNumber);
      throw error;
    }
    for (const [address, endpoint] of endpoints) {
      this.#endpoints.set(address, endpoint);
      this.#faults.get(address)?.forgetHalts(endpoint.frameAt(engine.time));
    }
  }

  #createEndpoints(alternate: AlternateSetting): Map<number, VirtualEndpoint> {
    const created = new Map<number, VirtualEndpoint>();
    for (const descriptor of alternate.endpoints) {
      if (descriptor.transferType === "isochronous") created.set(descriptor.address, this.#createEndpoint(descriptor));
    }
    return created;
  }

  #createEndpoint(descriptor: EndpointDescriptor): VirtualEndpoint {
    const { address, direction } = descriptor;
    const model = askModel(`show endpoint 0x${address.toString(16)}`, () => this.model.endpoint(address));
    if (model?.direction !== direction) {
      throw new TransportError(
        "transport-failed",
        `the model of ${this.info.id} has no ${direction.toUpperCase()} endpoint 0x${address.toString(16)}, which its descriptors announce; correct the model`,
      );
    }
    return new VirtualEndpoint({
      engine: this.#bus.engine,
      completions: this.#completions,
      capabilities: this.#bus.capabilities,
      tellFirstFrame: this.#bus.tellFirstFrame,
      model,
      faults: this.#faultsOf(address),
      frameDuration: serviceInterval(descriptor, this.model.speed),
      asapDelay: this.#bus.asapDelay,
      allocateDma: this.#bus.allocateDma,
    });
  }

  /** The refused alternate setting is given up: the interface is as after a reset. */
  #reserveNothing(interfaceNumber: number): void {
    const first = settingOf(this.#interface(interfaceNumber), 0);
    if (first !== undefined) this.#selected.set(interfaceNumber, first);
    this.#bus.bandwidth.release(this.#holder(interfaceNumber));
  }

  #retireEndpoints(interfaceNumber: number): void {
    for (const { address } of this.#selected.get(interfaceNumber)?.endpoints ?? []) {
      const endpoint = this.#endpoints.get(address);
      this.#endpoints.delete(address);
      endpoint?.shut(
        new TransferStateError("pipe-closed", "another alternate setting was selected: open the endpoint again"),
      );
    }
  }

  #holder(interfaceNumber: number): string {
    return `${this.info.id}/${interfaceNumber}`;
  }
}

function settingOf({ alternates }: InterfaceDescriptor, setting: number): AlternateSetting | undefined {
  return alternates.find(({ alternateSetting }) => alternateSetting === setting);
}

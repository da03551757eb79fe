import { AsyncSubject, type Observable } from "rxjs";
import {
  isochEndpoints,
  parseConfigurationDescriptor,
  parseDeviceDescriptor,
  serviceInterval,
  TransportError,
  type ConfigurationDescriptor,
  type ControlSetup,
  type DeviceError,
  type DeviceInfo,
  type DmaBuffer,
  type EndpointDescriptor,
  type TransportCapabilities,
} from "../../src/index.js";
import { alternateOf, alternatesOf } from "../../src/alternates.js";
import { notSelected, unplugged } from "../../src/device-errors.js";
import { HandleClaims } from "../../src/handle-claims.js";
import type { Bandwidth } from "./bandwidth.js";
import { Completions, type SubmissionCounts } from "./completions.js";
import { DeviceFaults } from "./device-faults.js";
import type { VirtualDevice } from "./device-model.js";
import { VirtualEndpoint } from "./endpoint.js";
import type { BusEngine } from "./engine.js";
import type { VirtualFault } from "./faults.js";
import { askModel } from "./model-failure.js";
import { SelectedAlternates } from "./selected-alternates.js";

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

/** A device on the bus, for as long as it is plugged in, as all handles on it share it. */
export class AttachedDevice {
  readonly info: DeviceInfo;
  readonly configuration: ConfigurationDescriptor;
  readonly model: VirtualDevice;
  readonly #bus: BusContext;
  readonly #completions: Completions;
  readonly #claims: HandleClaims;
  readonly #faults: DeviceFaults;
  readonly #alternates: SelectedAlternates;
  readonly #left = new AsyncSubject<DeviceError>();
  #gone: DeviceError | undefined;

  /** @throws {@link DescriptorError} */
  constructor(id: string, model: VirtualDevice, bus: BusContext) {
    const { engine, bandwidth, counts } = bus;
    const configuration = parseConfigurationDescriptor(model.configurationDescriptor);
    const tick = model.speed === "low" || model.speed === "full" ? 1000 : 125;
    this.info = describe(id, model, configuration);
    this.configuration = configuration;
    this.model = model;
    this.#bus = bus;
    this.#completions = new Completions(engine, counts);
    this.#claims = new HandleClaims(id);
    this.#faults = new DeviceFaults({
      engine,
      completions: this.#completions,
      endpoints: new Set(isochEndpoints(configuration).map(({ endpoint }) => endpoint.address)),
      tick,
      frameNow: (address) => this.#alternates.endpoint(address)?.frameAt(engine.time) ?? Math.floor(engine.time / tick),
      unplug: () => {
        this.leave();
      },
    });
    this.#alternates = new SelectedAlternates({
      id,
      model,
      configuration,
      engine,
      bandwidth,
      faultsAt: (address) => this.#faults.at(address),
      createEndpoint: (descriptor) => this.#createEndpoint(descriptor),
    });
  }

  /** Emits when the device has left, after what was in flight has completed if it could, and completes. */
  get gone(): Observable<DeviceError> {
    return this.#left.asObservable();
  }

  get claimedInterfaces(): number {
    return this.#claims.interfaces.length;
  }

  /** @throws {@link DeviceError} `device-gone` */
  checkPresent(): void {
    this.#bus.engine.catchUp();
    if (this.#gone !== undefined) throw this.#gone;
  }

  claim(interfaceNumber: number, claimer: object): void {
    this.checkPresent();
    alternatesOf(this.configuration, interfaceNumber, this.info.id);
    this.#claims.claim(interfaceNumber, claimer);
  }

  /** The interface goes back to alternate setting 0, as the system sees to where a program forgot it. */
  release(interfaceNumber: number, claimer: object): void {
    this.checkPresent();
    if (!this.#claims.has(interfaceNumber, claimer)) return;
    try {
      if (this.selectedAlternate(interfaceNumber) !== 0) this.selectAlternate(interfaceNumber, 0, claimer);
    } finally {
      this.#claims.release(interfaceNumber);
    }
  }

  releaseAll(claimer: object): void {
    for (const interfaceNumber of this.#claims.of(claimer)) this.release(interfaceNumber, claimer);
  }

  /** The alternate setting of an interface; `undefined` if the device has no such interface. */
  selectedAlternate(interfaceNumber: number): number | undefined {
    return this.#alternates.settingOf(interfaceNumber);
  }

  /**
   * What is in flight on the endpoints of the interface completes first, as cancelled.
   *
   * @param claimer the handle that asks for it
   */
  selectAlternate(interfaceNumber: number, alternateSetting: number, claimer: object): void {
    this.checkPresent();
    const alternate = alternateOf(this.configuration, interfaceNumber, alternateSetting, this.info.id);
    this.#claims.check(interfaceNumber, claimer);
    this.#alternates.select(alternate);
  }

  /** @param claimer the handle that asks for it */
  endpoint(address: number, claimer: object): VirtualEndpoint {
    this.checkPresent();
    const endpoint = this.#alternates.endpoint(address);
    const interfaceNumber = this.#alternates.interfaceWith(address);
    if (endpoint === undefined || interfaceNumber === undefined) throw notSelected(address, this.info.id);
    this.#claims.check(interfaceNumber, claimer);
    return endpoint;
  }

  /** Whether a selected alternate setting has this endpoint, or it is endpoint zero. */
  hasEndpoint(address: number): boolean {
    return address === 0 || this.#alternates.interfaceWith(address) !== undefined;
  }

  isHalted(address: number): boolean {
    return this.#faults.isHalted(address);
  }

  halt(address: number): void {
    this.#faults.halt(address);
  }

  clearHalt(address: number): void {
    this.#faults.clearHalt(address);
  }

  /** @throws {@link InvalidRequestError}; then no fault is planned */
  inject(faults: readonly VirtualFault[]): void {
    this.#faults.inject(faults);
  }

  /** A class or vendor request; `undefined` is a STALL. */
  control(setup: ControlSetup, data: number | Uint8Array): Uint8Array | undefined {
    return askModel(`answer the ${setup.type} request ${setup.request}`, () => {
      const answer: unknown = this.model.control?.(setup, data);
      if (answer === undefined || answer instanceof Uint8Array) return answer;
      throw new TypeError(`${typeof answer} is no Uint8Array`);
    });
  }

  /** Every interface goes to alternate setting 0, nothing is halted any more. */
  reset(): void {
    this.checkPresent();
    this.#alternates.selectFirst();
    this.#faults.clearHalts();
  }

  /** The device is unplugged. */
  leave(): void {
    this.#bus.engine.catchUp();
    if (this.#gone !== undefined) return;
    const gone = unplugged(this.info.id);
    this.#gone = gone;
    this.#claims.releaseAll();
    this.#alternates.shut(gone);
    this.#bus.left(this);
    this.#left.next(gone);
    this.#left.complete();
  }

  #createEndpoint(descriptor: EndpointDescriptor): VirtualEndpoint {
    const { address, direction } = descriptor;
    const { engine, capabilities, tellFirstFrame, asapDelay, allocateDma } = this.#bus;
    const model = askModel(`show endpoint 0x${address.toString(16)}`, () => this.model.endpoint(address));
    if (model?.direction !== direction) {
      throw new TransportError(
        "transport-failed",
        `the model of ${this.info.id} has no ${direction.toUpperCase()} endpoint 0x${address.toString(16)}, which its descriptors announce; correct the model`,
      );
    }
    return new VirtualEndpoint({
      engine,
      completions: this.#completions,
      capabilities,
      tellFirstFrame,
      model,
      faults: this.#faults.at(address),
      frameDuration: serviceInterval(descriptor, this.model.speed),
      asapDelay,
      allocateDma,
    });
  }
}

/** @throws {@link DescriptorError} */
function describe(id: string, model: VirtualDevice, configuration: ConfigurationDescriptor): DeviceInfo {
  const descriptor = parseDeviceDescriptor(model.deviceDescriptor);
  const text = (index: number) => (index === 0 ? undefined : model.strings?.[index - 1]);
  return {
    id,
    speed: model.speed,
    descriptor,
    configurations: [configuration],
    manufacturer: text(descriptor.manufacturerIndex),
    product: text(descriptor.productIndex),
    serialNumber: text(descriptor.serialNumberIndex),
  };
}

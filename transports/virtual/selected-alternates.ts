import {
  TransferStateError,
  type AlternateSetting,
  type ConfigurationDescriptor,
  type DeviceError,
  type EndpointDescriptor,
  type InterfaceDescriptor,
} from "../../src/index.js";
import type { Bandwidth } from "./bandwidth.js";
import type { VirtualDevice } from "./device-model.js";
import type { VirtualEndpoint } from "./endpoint.js";
import type { BusEngine } from "./engine.js";
import type { EndpointFaults } from "./faults.js";
import { askModel } from "./model-failure.js";

/** What the alternate settings of a device need of it, and of the bus. */
export interface AlternatesContext {
  /** Names the device to who keeps account of the bandwidth. */
  readonly id: string;
  readonly model: VirtualDevice;
  readonly configuration: ConfigurationDescriptor;
  readonly engine: BusEngine;
  readonly bandwidth: Bandwidth;
  readonly faultsAt: (address: number) => EndpointFaults;
  readonly createEndpoint: (descriptor: EndpointDescriptor) => VirtualEndpoint;
}

/** What is selected of each interface of a device: its endpoints, and the bandwidth that they take. */
export class SelectedAlternates {
  readonly #context: AlternatesContext;
  /** By interface. */
  readonly #selected = new Map<number, AlternateSetting>();
  /** By address: the isochronous ones. */
  readonly #endpoints = new Map<number, VirtualEndpoint>();

  constructor(context: AlternatesContext) {
    this.#context = context;
    for (const each of context.configuration.interfaces) {
      const first = firstOf(each) ?? each.alternates[0];
      if (first !== undefined) this.#selected.set(each.number, first);
    }
  }

  /** The alternate setting of an interface; `undefined` if the device has no such interface. */
  settingOf(interfaceNumber: number): number | undefined {
    return this.#selected.get(interfaceNumber)?.alternateSetting;
  }

  /** The interface that has an endpoint of this address, of whatever type, in its alternate setting. */
  interfaceWith(address: number): number | undefined {
    for (const { interfaceNumber, endpoints } of this.#selected.values()) {
      if (endpoints.some((endpoint) => endpoint.address === address)) return interfaceNumber;
    }
    return undefined;
  }

  /** An isochronous endpoint. */
  endpoint(address: number): VirtualEndpoint | undefined {
    return this.#endpoints.get(address);
  }

  /**
   * What is in flight on the endpoints of the interface completes first, as cancelled.
   *
   * @throws {@link BandwidthError}, or what the model threw that cannot show an endpoint: then nothing has changed. What
   * it threw when it heard of the alternate setting: then it is 0 that is selected.
   */
  select(alternate: AlternateSetting): void {
    const { id, model, bandwidth, engine, faultsAt } = this.#context;
    const { interfaceNumber, alternateSetting } = alternate;
    const endpoints = this.#createEndpoints(alternate);
    bandwidth.reserve(holder(id, interfaceNumber), alternate, model.speed);
    this.#retireEndpoints(interfaceNumber);
    this.#selected.set(interfaceNumber, alternate);
    try {
      askModel(`select alternate setting ${alternateSetting}`, () =>
        model.alternateSelected?.(interfaceNumber, alternateSetting, engine.time),
      );
    } catch (error) {
      this.#giveUp(interfaceNumber);
      throw error;
    }
    for (const [address, endpoint] of endpoints) {
      this.#endpoints.set(address, endpoint);
      faultsAt(address).forgetHalts(endpoint.frameAt(engine.time));
    }
  }

  /** Every interface goes to alternate setting 0. */
  selectFirst(): void {
    for (const alternate of this.#context.configuration.interfaces.map(firstOf)) {
      if (alternate !== undefined) this.select(alternate);
    }
  }

  /** The device is gone: what is in flight completes with that. */
  shut(gone: DeviceError): void {
    const { id, bandwidth, configuration } = this.#context;
    for (const { number } of configuration.interfaces) bandwidth.release(holder(id, number));
    for (const endpoint of this.#endpoints.values()) endpoint.shut(gone, gone);
  }

  #createEndpoints({ endpoints }: AlternateSetting): Map<number, VirtualEndpoint> {
    const created = new Map<number, VirtualEndpoint>();
    for (const descriptor of endpoints) {
      if (descriptor.transferType !== "isochronous") continue;
      created.set(descriptor.address, this.#context.createEndpoint(descriptor));
    }
    return created;
  }

  /** The refused alternate setting is given up: the interface is as after a reset. */
  #giveUp(interfaceNumber: number): void {
    const { id, bandwidth, configuration } = this.#context;
    const descriptor = configuration.interfaces.find(({ number }) => number === interfaceNumber);
    const first = descriptor === undefined ? undefined : firstOf(descriptor);
    if (first !== undefined) this.#selected.set(interfaceNumber, first);
    bandwidth.release(holder(id, interfaceNumber));
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
}

function firstOf({ alternates }: InterfaceDescriptor): AlternateSetting | undefined {
  return alternates.find(({ alternateSetting }) => alternateSetting === 0);
}

/** Who holds bandwidth. */
function holder(id: string, interfaceNumber: number): string {
  return `${id}/${interfaceNumber}`;
}
